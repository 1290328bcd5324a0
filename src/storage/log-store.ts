// Where Raft's hard state and log are kept. One append is one flush, however many tickets it groups. What a snapshot
// holds may go from the log's front (`compact`). Every sentence is a case in `testing/compliance/log-store.ts`.
// Implementations: `memory.ts`, `file-log.ts`.

/** The log's durable base: written once, with the log. The configuration takes the place of a first entry. */
export interface LogHeader {
  readonly clusterId: string
  /** The owner's id. */
  readonly nodeId: string
  /** Made with the log, random: another log of the same member has no vote (design rule 7). */
  readonly storeId: string
  readonly voters: readonly { readonly id: string; readonly storeId: string }[]
}

/** An entry as the store sees it: the command is already bytes. `undefined`: the leader's own-term no-op. */
export interface StoredEntry {
  readonly index: number
  readonly term: number
  readonly command: Uint8Array | undefined
}

export interface StoredHardState {
  readonly term: number
  readonly votedFor: string | undefined
}

/** A place in the log. (0, 0) is before the first entry. */
export interface LogPosition {
  readonly index: number
  readonly term: number
}

/** What one flush makes durable, in this order. `entries` replace everything from `entries[0].index` on. */
export interface LogWrite {
  readonly hardState: StoredHardState | undefined
  /**
   * The log begins anew behind this place, which a durable snapshot stands for: every entry goes. Together with
   * `hardState` all or nothing.
   */
  readonly reset?: LogPosition | undefined
  readonly entries: readonly StoredEntry[]
}

/**
 * What survived: `entries` are contiguous from `base.index + 1` on. A command may be a view of a whole file: whoever
 * keeps one copies it.
 */
export interface LoadedLog {
  readonly hardState: StoredHardState
  /**
   * At or before the index of the last `compact` or what is needless, exactly that of the last `reset`; (0, 0) when
   * there was none.
   */
  readonly base: LogPosition
  readonly entries: readonly StoredEntry[]
}

export interface LogStore {
  readonly header: LogHeader
  /**
   * Called once, before the first `append`. A durable snapshot holds the entries up to `needless`: they may be left
   * out, `base` is behind them then. Default 0.
   */
  load(needless?: number): Promise<LoadedLog>
  /**
   * Resolves once all of `writes` are durable, in order. Calls do not overlap: the caller waits before the next one.
   * Rejects with `ERR_DISK`; from then on every call rejects the same way: a failed flush is never retried into a lie.
   */
  append(writes: readonly LogWrite[]): Promise<void>
  /**
   * A durable snapshot holds all entries up to `index`, which are committed: the store may let them go, as many as is
   * easy. Entries behind `index` stay. May run beside an `append`. Rejects like `append`.
   */
  compact(index: number): Promise<void>
  /** Idempotent; releases the files. */
  close(): Promise<void>
}
