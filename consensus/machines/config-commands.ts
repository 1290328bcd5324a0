// What the log can say about config: one atomic write, with conditions. Every set, compare-and-set, delete, rollback
// and transaction is one of these, so there is one place where "all or nothing" is decided.

import type { LogIndex } from '../types.ts'
import type { MergeOperation, WriterMark } from './merging.ts'

/** A revision is the log index of the write that made it: it only grows, and all that one write changes share it. */
export type Revision = LogIndex

/** What must be true before a write. Revision 0: the key must not exist. */
export type ConfigCondition =
  | { readonly type: 'revision'; readonly key: string; readonly revision: Revision }
  | { readonly type: 'exists'; readonly key: string }

/** What a write does to one key. Values are JSON texts: the machine never looks into them. */
export type ConfigOperation =
  | { readonly type: 'set'; readonly key: string; readonly value: string }
  | { readonly type: 'delete'; readonly key: string }
  /** The key gets back what it was at `revision`; if it was not there, it is deleted. */
  | { readonly type: 'rollback'; readonly key: string; readonly revision: Revision }
  | MergeOperation

/**
 * Applied whole or not at all: `operations` when every condition holds, else `otherwise`; without `otherwise` the reply
 * names the first condition that did not hold. A key stands at most once among the operations of a branch.
 */
export interface WriteCommand {
  readonly type: 'write'
  readonly conditions: readonly ConfigCondition[]
  readonly operations: readonly ConfigOperation[]
  readonly otherwise: readonly ConfigOperation[] | undefined
}

/** What became of one operation. */
export interface WriteResult {
  readonly key: string
  /** What the key has now; 0 when it is not there. */
  readonly revision: Revision
  readonly createRevision: Revision
  /** The key was there before. */
  readonly existed: boolean
}

export type WriteReply =
  | {
      readonly type: 'written'
      readonly revision: Revision
      readonly held: boolean
      readonly results: readonly WriteResult[]
    }
  /** `revision`: the one that the key has; 0 when it is not there. */
  | { readonly type: 'condition-failed'; readonly key: string; readonly revision: Revision }
  /** What a rollback wants is no longer in the history, which begins after `compacted`. */
  | { readonly type: 'compacted'; readonly key: string; readonly compacted: Revision }
  | { readonly type: 'refused'; readonly reason: ConfigRefusal }

/** Which bound a write passes, or what is wrong with it. */
export type ConfigRefusal =
  | 'key-length'
  | 'value-length'
  | 'too-many-keys'
  | 'too-many-operations'
  | 'config-full'
  | 'key-twice'
  | 'future-revision'
  /** The value is of another strategy of merging, or would be no exact number. */
  | 'not-mergeable'

/** A key as it is. */
export interface ConfigRecord {
  readonly key: string
  readonly value: string
  readonly revision: Revision
  /** Of the write that made the key, after it was last absent. */
  readonly createRevision: Revision
  /** Of a value that merges as `last-writer` does. */
  readonly mark?: WriterMark
}

/** One change of one key, in the order of the log. `value` undefined: the key was deleted. */
export interface ConfigChange {
  readonly key: string
  readonly value: string | undefined
  readonly revision: Revision
  readonly createRevision: Revision
  readonly mark?: WriterMark
}
