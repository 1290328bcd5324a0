// Where a voter keeps the state that stands for the front of its log (thesis section 5.1), its own or one that its
// leader sends in pieces. There is one snapshot, the latest; another takes its place once that one is durable as a
// whole. Every sentence is a case in `testing/compliance/snapshot-store.ts`. Implementations: `memory-snapshots.ts`,
// `file-snapshots.ts`.

import { ClusterError } from '../errors.ts'
import type { LogPosition } from './log-store.ts'

/** Most bytes of one snapshot: it is put together in memory when it is restored. */
export const maxSnapshotBytes = 1024 * 1024 * 1024

type StoredVoters = readonly { readonly id: string; readonly storeId: string }[]

/** Who votes and who learns, as the log had it at the snapshot's place. */
export interface StoredConfiguration {
  readonly voters: StoredVoters
  readonly outgoing: StoredVoters
  readonly learners: StoredVoters
}

/** Which entry the state stands behind. */
export interface SnapshotPlace extends LogPosition {
  readonly configuration: StoredConfiguration
}

export interface StoredSnapshot extends SnapshotPlace {
  /** Place and digest of the state: whoever has an equal id has equal bytes. */
  readonly id: string
  /** Bytes of the state. */
  readonly size: number
}

export interface SnapshotStore {
  /**
   * The latest snapshot that survived; undefined: none. Called once, before all else. Rejects with `ERR_LOG_CORRUPT`
   * when it is damaged.
   */
  load(): Promise<StoredSnapshot | undefined>
  /** The latest snapshot: durable, and whole. */
  readonly latest: StoredSnapshot | undefined
  /**
   * Stores what `pieces` yields, which it asks for one by one between writes; each may lie in the memory of the one
   * before. Resolves once it is durable; then it is the latest, unless one of a later place is. One at a time. Rejects
   * with `ERR_PAYLOAD_TOO_LARGE` above {@link maxSnapshotBytes}, with `ERR_DISK` as a log does; from then on every call
   * does.
   */
  store(place: SnapshotPlace, pieces: Iterable<Uint8Array>): Promise<StoredSnapshot>
  /**
   * At most `length` bytes of the latest from `offset` on; undefined when `id` is not the latest. Rejects with
   * `ERR_LOG_CORRUPT` rather than to answer with other bytes than were stored.
   */
  read(id: string, offset: number, length: number): Promise<Uint8Array | undefined>
  /**
   * Takes bytes of a snapshot that arrives and resolves to how much of it is here from its beginning on: go on from
   * there. What was here of another one goes; what was here of this one may have survived a crash. Resolves to its size
   * once it is durable and the latest; to 0 when its bytes do not fit its id and were thrown away, when it is older
   * than the latest, or above {@link maxSnapshotBytes}. Calls do not overlap.
   */
  receive(snapshot: StoredSnapshot, offset: number, bytes: Uint8Array): Promise<number>
  /** Idempotent; waits for what is running. */
  close(): Promise<void>
}

/** Throws `ERR_PAYLOAD_TOO_LARGE` above {@link maxSnapshotBytes}. */
export function checkSize(bytes: number): void {
  if (bytes <= maxSnapshotBytes) return
  const message = `a snapshot of more than ${maxSnapshotBytes} bytes`
  throw new ClusterError('ERR_PAYLOAD_TOO_LARGE', message, { bytes, limit: maxSnapshotBytes })
}

/** Whether a snapshot that arrives is not wanted, or cannot be taken. */
export function isRefused({ index, size }: StoredSnapshot, latest: StoredSnapshot | undefined): boolean {
  return size > maxSnapshotBytes || (latest !== undefined && latest.index >= index)
}
