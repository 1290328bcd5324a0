// Where Raft's hard state and log are kept. One append is one flush, however many tickets it groups. Every sentence is a
// case in `testing/compliance/log-store.ts`. Implementations: `memory.ts`, `file-log.ts`.

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

/** What one flush makes durable. `entries` replace everything from `entries[0].index` on. */
export interface LogWrite {
  readonly hardState: StoredHardState | undefined
  readonly entries: readonly StoredEntry[]
}

export interface LogStore {
  readonly header: LogHeader
  /** What survived, contiguous from index 1. Called once, before the first `append`. */
  load(): Promise<{ hardState: StoredHardState; entries: StoredEntry[] }>
  /**
   * Resolves once all of `writes` are durable, in order. Calls do not overlap: the caller waits before the next one.
   * Rejects with `ERR_DISK`; from then on every call rejects the same way: a failed flush is never retried into a lie.
   */
  append(writes: readonly LogWrite[]): Promise<void>
  /** Idempotent; releases the file. */
  close(): Promise<void>
}
