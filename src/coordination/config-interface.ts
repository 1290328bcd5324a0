// `node.config`: keys with values that the whole cluster agrees on. Every write has a revision, the index of its entry
// in the log; of two writes the larger revision is the later one, whatever keys they touch.

import type { JsonValue } from '../channels/payload.ts'
import type { StandardSchema } from './standard-schema.ts'

/** A key with its value: the JSON of `GET /v1/config/:key`. */
export interface ConfigEntry<Value = JsonValue> {
  readonly key: string
  readonly value: Value
  /** Of the write that gave it this value. */
  readonly revision: number
  /** Of the write that made the key, after it was last absent. */
  readonly createRevision: number
  /** Stale reads only: for how long this copy may have missed a newer value, in milliseconds. */
  readonly ageMs?: number
}

/** Entries in the order of their keys, all as of one moment. */
export interface ConfigList {
  readonly entries: readonly ConfigEntry[]
  /** Of the last write there was; watch from the one after it to miss nothing. */
  readonly revision: number
  readonly ageMs?: number
}

/**
 * One change of one key. Those of one transaction share a revision and come one right after the other; `more` stands on
 * all of them but the last. Resume after `revision` only when `more` is absent.
 */
export type ConfigEvent =
  | {
      readonly type: 'set'
      readonly key: string
      readonly value: JsonValue
      readonly revision: number
      readonly createRevision: number
      readonly more?: true
    }
  | {
      readonly type: 'delete'
      readonly key: string
      readonly revision: number
      /** Of the write that had made the key. */
      readonly createRevision: number
      readonly more?: true
    }

/** The changes of one key that are kept, oldest first. */
export interface ConfigHistory extends ReadonlyArray<ConfigEvent> {
  /** Stale reads only: for how long this copy may have missed a newer change, in milliseconds. */
  readonly ageMs?: number
}

/** What must be so for a transaction to take its `do`. Revision 0: the key must not exist. */
export type ConfigCheck =
  | { readonly key: string; readonly revision: number }
  | { readonly key: string; readonly exists: boolean }

/** What a transaction does to one key. `rollback`: as it was at that revision. */
export type ConfigStep =
  | { readonly set: string; readonly value: JsonValue }
  | { readonly delete: string }
  | { readonly rollback: string; readonly revision: number }

/**
 * Done whole or not at all. A key stands at most once in `do`, and at most once in `else`; at most 128 steps, and 64
 * KiB in all.
 */
export interface ConfigTransaction {
  /** All of them must hold. Default: none. */
  readonly if?: readonly ConfigCheck[]
  readonly do: readonly ConfigStep[]
  /** Done when a check does not hold. Default: nothing. */
  readonly else?: readonly ConfigStep[]
}

/** What became of a transaction. */
export interface ConfigTransactionResult {
  /** `do` was done. */
  readonly succeeded: boolean
  /** Of the transaction; what it changed has this revision. */
  readonly revision: number
  /** One for each step that was done, in their order. A key that is gone has revision 0. */
  readonly results: readonly { readonly key: string; readonly revision: number; readonly existed: boolean }[]
}

/** For every call that waits. */
export interface ConfigCallOptions {
  /** Ends the call with `ERR_ABORTED`. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until `ERR_TIMEOUT`. Default 5,000. */
  readonly timeoutMs?: number | undefined
}

export interface ConfigReadOptions extends ConfigCallOptions {
  /**
   * `linearizable` (default): sees every write that was acknowledged before the call; `ERR_NO_QUORUM` in a minority.
   * `stale`: whatever the nearest voter has, in a minority too, and `ageMs` says how old that may be.
   */
  readonly consistency?: 'linearizable' | 'stale' | undefined
}

export interface ConfigWriteOptions<Value = unknown> extends ConfigCallOptions {
  /**
   * The value must pass; what the schema makes of it is written. Else `ERR_INVALID_VALUE`, also when the schema fails
   * itself: `cause` says by what.
   */
  readonly schema?: StandardSchema<Value> | undefined
}

export interface ConfigDeleteOptions extends ConfigCallOptions {
  /** Only if the key has this revision; else `ERR_REVISION_MISMATCH`. */
  readonly revision?: number | undefined
}

export interface ConfigWatchOptions {
  /** The first revision to tell of. Default: everything after this call. */
  readonly from?: number | undefined
  /** Ends the iteration. */
  readonly signal?: AbortSignal | undefined
}

/** What all offline keys have. */
export interface OfflineKey {
  /** Changes of this process that are not merged yet. At most 1,000; more are refused with `ERR_BUFFER_FULL`. */
  readonly pending: number
  /**
   * Resolves when all that was changed until now is merged. Rejects with `ERR_ABORTED`, `ERR_TIMEOUT` (default 5,000
   * ms), or why a change cannot be merged.
   */
  merged(options?: ConfigCallOptions): Promise<void>
}

/** A number that everybody adds to; every addition counts. */
export interface OfflineCounter extends OfflineKey {
  /** A whole number. */
  add(by: number): void
  /**
   * As the nearest copy has it, with what is pending here. Rejects with `ERR_BAD_OPTIONS` when what the key holds is no
   * number.
   */
  get(options?: ConfigCallOptions): Promise<number>
}

/** Items without duplicates; of what was done to one item, what was merged last counts. */
export interface OfflineSet extends OfflineKey {
  add(item: JsonValue): void
  remove(item: JsonValue): void
  /**
   * As the nearest copy has it, with what is pending here. Rejects with `ERR_BAD_OPTIONS` when what the key holds is no
   * list.
   */
  get(options?: ConfigCallOptions): Promise<readonly JsonValue[]>
}

/**
 * A value of which the one written last stays, by the writers' wall clocks; of simultaneous ones that of the larger
 * node id.
 */
export interface OfflineValue extends OfflineKey {
  set(value: JsonValue): void
  /** What is pending here, else as the nearest copy has it; undefined: nothing yet. */
  get(options?: ConfigCallOptions): Promise<JsonValue | undefined>
}

/** Changes as they come; read it once. */
export interface ConfigWatch extends AsyncIterable<ConfigEvent> {
  /**
   * The first revision it tells of, known when nothing from there on can be missed. Rejects with what the iteration
   * throws.
   */
  readonly from: Promise<number>
}

/**
 * The cluster's config. Writes resolve when a majority has them on disk, and reject with `ERR_NO_QUORUM`,
 * `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SHUTTING_DOWN` (`mayHaveHappened` says whether they may still be done),
 * `ERR_PAYLOAD_TOO_LARGE` (a key has 1 to 512 bytes, the JSON of a value at most 65,536), `ERR_CONFIG_FULL`, or
 * `ERR_BAD_OPTIONS`.
 */
export interface NodeConfig {
  /** Undefined: there is no such key. */
  get(key: string, options?: ConfigReadOptions): Promise<ConfigEntry | undefined>
  /** Every key that begins with `prefix`. */
  list(prefix?: string, options?: ConfigReadOptions): Promise<ConfigList>
  /** Whatever was there before. */
  set<Value = JsonValue>(key: string, value: Value, options?: ConfigWriteOptions): Promise<ConfigEntry>
  /**
   * Sets only if the key has `revision` (0: does not exist); else `ERR_REVISION_MISMATCH`, and nothing has happened.
   */
  compareAndSet<Value = JsonValue>(
    key: string,
    revision: number,
    value: Value,
    options?: ConfigWriteOptions,
  ): Promise<ConfigEntry>
  /** `ERR_KEY_NOT_FOUND` when there is none. `revision` in the answer is that of the deletion. */
  delete(key: string, options?: ConfigDeleteOptions): Promise<{ readonly key: string; readonly revision: number }>
  /** All or nothing, in one revision. Beside the codes of every write: `ERR_COMPACTED` from a rollback. */
  transaction(transaction: ConfigTransaction, options?: ConfigCallOptions): Promise<ConfigTransactionResult>
  /**
   * Every change of keys that begin with `prefix`, once each, in their order, from revision `from` on, whatever happens
   * to leaders and links meanwhile. Ends when `signal` aborts or the node stops. Throws `ERR_COMPACTED` when the
   * changes from `from` on are no longer kept (at most 16,384 changes are), also when the reader falls behind so far:
   * list the keys, and watch from the revision after that.
   */
  watch(prefix?: string, options?: ConfigWatchOptions): ConfigWatch
  /** The changes of `key` that are kept, oldest first: its present value, and as many before it as fit one answer. */
  history(key: string, options?: ConfigReadOptions): Promise<ConfigHistory>
  /**
   * Gives `key` the value that it had at `revision`, or deletes it when it was not there then; resolves to the key as
   * it is afterwards. `ERR_COMPACTED`, `ERR_KEY_NOT_FOUND`, `ERR_INVALID_VALUE`.
   */
  rollback(key: string, revision: number, options?: ConfigCallOptions): Promise<ConfigEntry | undefined>
  /**
   * A key that this node changes whether or not there is a majority, by a named strategy of merging. What is changed
   * without one is kept in this process, in order, and merged into the cluster's value once there is one again, each
   * change once; a process that ends before takes it along.
   */
  offline(key: string, strategy: 'counter'): OfflineCounter
  offline(key: string, strategy: 'set'): OfflineSet
  offline(key: string, strategy: 'last-writer'): OfflineValue
  /**
   * From now on, until disposed, this node writes no value to a key that begins with `prefix` unless it passes
   * `schema`: neither by `set`, `compareAndSet` and `transaction` nor by a rollback, which looks at what would come
   * back, nor by an offline key of the strategy `last-writer` (whose `set` throws, also for a schema that answers
   * later); else `ERR_INVALID_VALUE`. What an offline `counter` or `set` comes to is known only where it is merged, and
   * is not looked at. Other nodes have theirs.
   */
  schema(prefix: string, schema: StandardSchema): Disposable
}
