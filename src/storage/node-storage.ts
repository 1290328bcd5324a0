// What a node must not forget, behind one interface: who it is, which life it lives, which cluster it belongs to, what
// it promised while forming, whom it knew, which fencing tokens it accepted, and its log. Design rules 2, 5, 7, 8, 15
// and 22. Implementations: `data-directory.ts` (files, one process at a time) and `memory-directory.ts` (no `dataDir`,
// tests). Every `write…` resolves once the value survives a crash and rejects with `ERR_DISK` when it may not have;
// calls may overlap, they take effect in call order. Every `read…` of a damaged file rejects with `ERR_LOG_CORRUPT` and
// its path.

import type { LoadedLog, LogHeader, LogStore } from './log-store.ts'
import type { SnapshotStore, StoredSnapshot } from './snapshot-store.ts'

/**
 * Most remembered members; at some 200 bytes each the file stays below a megabyte. A guess: four clusters of the
 * largest size.
 */
export const maxRememberedPeers = 4096

/** Most singletons whose fencing token is kept. Today there is one, `s5`; a guess that leaves room for `s1/<unit>`. */
export const maxFencedSingletons = 1024

/** A node's key: Ed25519, PKCS8, as PEM text. */
export interface StoredIdentity {
  readonly privateKeyPem: string
}

/**
 * The cluster this node belongs to. Once written, another `clusterId` is refused: a directory belongs to one cluster.
 */
export interface StoredCluster {
  readonly clusterId: string
  /** The forming set, sorted: everyone who confirmed. */
  readonly founders: readonly string[]
  /** The voters as last known, each with the log it votes with. */
  readonly voters: readonly { readonly id: string; readonly storeId: string }[]
  /** An entry of the log binds this node's name to its id, so it may rejoin without a quorum (rule 8). */
  readonly admitted: boolean
  /** Name bindings worth remembering: its own and its voters'. */
  readonly names: readonly { readonly name: string; readonly id: string }[]
}

/** A member that was seen, so that a restart without `join` finds its way back (rule 15). */
export interface StoredPeer {
  readonly id: string
  readonly name: string
  /** `host:port` that others dial. */
  readonly address: string
}

/** This node goes over to another cluster: its own was merged into that. */
export interface StoredMove {
  /** The cluster that was dissolved, and the index of its last entry. */
  readonly from: string
  readonly index: number
  readonly into: string
  /** Members of that cluster, to begin with. */
  readonly peers: readonly StoredPeer[]
}

/** Where to look first; `trellis up` leaves it in the directory (rule 22). */
export interface StoredSeeds {
  readonly addresses: readonly string[]
  /** How many fresh nodes form a cluster; undefined: never form, only join. */
  readonly expect: number | undefined
}

/**
 * A tail that a crash left half written, and that was cut off: never acknowledged, so nothing was lost. Worth a log
 * line.
 */
export interface LogRepair {
  readonly path: string
  /** Where the log ends now. */
  readonly offset: number
  /** How many bytes behind it, from the first to the last that was not zero, are gone. */
  readonly bytes: number
}

/** What a voter begins with: the latest snapshot, and the log behind it. */
export interface RecoveredState extends LoadedLog {
  /** It covers everything that is missing at the log's front. */
  readonly snapshot: StoredSnapshot | undefined
  readonly repaired: LogRepair | undefined
}

/** A log together with the snapshots that stand for its front. */
export interface RecoveredLog extends LogStore {
  readonly snapshots: SnapshotStore
  /**
   * Of the entries that the snapshot covers only the last `trailing` are asked for; default: all. Rejects with
   * `ERR_LOG_CORRUPT` also when entries are missing between the snapshot and the log.
   */
  load(trailing?: number): Promise<RecoveredState>
}

export interface NodeStorage extends AsyncDisposable {
  /** The directory; undefined when nothing outlives the process. For messages and log lines only. */
  readonly path: string | undefined
  /** The member id of `identity`. */
  readonly id: string
  readonly identity: StoredIdentity
  /** Which life of this member the process lives: raised, and durable, before `open` resolved. The first is 1. */
  readonly generation: number
  /** The cluster's name, as given to `open`. */
  readonly cluster: string
  /** The node's name as last written; undefined in a fresh directory. */
  readonly name: string | undefined
  writeName(name: string): Promise<void>

  /**
   * The id of the log this node votes or would vote with: 32 hexadecimal digits, random, durable before this resolves.
   * The same at every call and every start until the log is lost; then a new one, so that it cannot vote as its old
   * self.
   */
  storeId(): Promise<string>
  /**
   * Opens the log that is there; undefined when there is none. Rejects with `ERR_DATA_FOREIGN` when it belongs to
   * another node, cluster or store id, `ERR_DATA_VERSION` when a newer release wrote it, `ERR_LOG_CORRUPT` when it is
   * damaged.
   */
  openLog(): Promise<RecoveredLog | undefined>
  /**
   * Makes the log, durable and empty, when the cluster forms. `header` names this node and its `storeId()`. Opens the
   * log that is there if it has the same header (a repeated start), else rejects with `ERR_DATA_FOREIGN`.
   */
  createLog(header: LogHeader): Promise<RecoveredLog>

  /**
   * The last `writeForming`, checked by `parse`, which answers undefined to what it cannot accept. Undefined: never
   * written.
   */
  readForming<State>(parse: (value: unknown) => State | undefined): Promise<State | undefined>
  /** `state` is plain JSON. A confirmation may leave only after this resolved (rule 2). */
  writeForming(state: unknown): Promise<void>

  readCluster(): Promise<StoredCluster | undefined>
  /** Rejects with `ERR_DATA_FOREIGN` when another `clusterId` is stored. */
  writeCluster(cluster: StoredCluster): Promise<void>

  readPeers(): Promise<readonly StoredPeer[]>
  /**
   * Replaces the list. Keeps the first {@link maxRememberedPeers}, voters first by the caller's order; resolves to how
   * many did not fit.
   */
  writePeers(peers: readonly StoredPeer[]): Promise<number>

  /** The highest token accepted, by singleton. */
  readFencing(): Promise<ReadonlyMap<string, number>>
  /** Remembers `token` unless a higher one is (rule 5). Resolves to the highest, once that one is durable. */
  raiseFencing(singleton: string, token: number): Promise<number>

  /**
   * From its next life on this node belongs to the cluster `into`: what it held of `from` is removed then, its key, its
   * name and the tokens that it accepted stay. May be said again.
   */
  moveTo(move: StoredMove): Promise<void>
  /** From which clusters this node went over to which, the latest last. */
  readMoves(): Promise<readonly StoredMove[]>

  /**
   * The cluster has seen a later life of this node: what is stored here is a copy, or was restored. It never opens
   * again (`ERR_DATA_ROLLED_BACK`), however often it is started: each start raises the generation, and would soon pass
   * for new.
   */
  condemn(seen: number): Promise<void>

  /** The cluster secret that `trellis up` left here; undefined when there is none. */
  readSecret(): Promise<string | undefined>
  readSeeds(): Promise<StoredSeeds | undefined>

  /**
   * Waits for running writes, closes the log, lets another process in. Idempotent; afterwards calls reject with
   * `ERR_SHUTTING_DOWN`.
   */
  close(): Promise<void>
}

/** How both implementations are opened. */
export interface StorageOptions {
  /** The cluster's name; a directory that another one used is refused with `ERR_DATA_FOREIGN`. */
  readonly cluster: string
  /** The member id of a private key (PKCS8 PEM). Given, so that storage knows nothing of PeerIds. */
  readonly identify: (privateKeyPem: string) => string
}
