// Config: keys with values, revisions and a bounded history. Deterministic, and atomic by construction: a write is
// first worked out against the state as it is, and only a write that can be done whole changes anything.
//
//   conditions hold? -- yes --> operations --+--> every bound kept? -- yes --> applied, one revision for all
//         |                                  |            |
//         no --> otherwise, if there is one -+            no --> refused, nothing changed

import type { ApplyMeta } from '../state-machine.ts'
import type {
  ConfigChange,
  ConfigCondition,
  ConfigOperation,
  ConfigRecord,
  ConfigRefusal,
  Revision,
  WriteCommand,
  WriteReply,
  WriteResult,
} from './config-commands.ts'
import { type Compacted, type ConfigChanges, History, type HistoryBounds, type HistoryState } from './history.ts'
import { type MergeOperation, merge, type WriterMark } from './merging.ts'

/** Equal on every voter: they decide what is refused. */
export interface ConfigBounds extends HistoryBounds {
  readonly maxKeys: number
  /** UTF-16 units in a key at most. */
  readonly maxKeyLength: number
  /** UTF-16 units in the JSON text of a value at most. */
  readonly maxValueLength: number
  /** UTF-16 units of all keys and values together at most. */
  readonly maxConfigLength: number
  /** Conditions, and operations of a branch, at most. */
  readonly maxOperations: number
}

export interface ConfigState {
  readonly records: readonly ConfigRecord[]
  readonly history: HistoryState
  /** Of the last write that changed something. */
  readonly revision: Revision
}

type Unwritten = Exclude<WriteReply, { type: 'written' }>
/** What an operation comes to: the key's new value, its absence, or what it is already. */
interface Outcome {
  readonly key: string
  readonly value: string | undefined
  readonly mark?: WriterMark
  readonly isAsBefore?: true
}

export class Config {
  readonly #bounds: ConfigBounds
  readonly #history: History
  #records = new Map<string, ConfigRecord>()
  #length = 0
  #revision: Revision = 0

  constructor(bounds: ConfigBounds) {
    this.#bounds = bounds
    this.#history = new History(bounds)
  }

  /** Of the last write that changed something; 0 before the first. */
  get revision(): Revision {
    return this.#revision
  }

  /** How many keys there are. */
  get size(): number {
    return this.#records.size
  }

  /** Up to and including this revision, history has been dropped. */
  get compacted(): Revision {
    return this.#history.compacted
  }

  get(key: string): ConfigRecord | undefined {
    return this.#records.get(key)
  }

  /**
   * At most `limit` records whose keys begin with `prefix`, after the key `after`, in the order of the keys' UTF-16
   * units.
   */
  list(prefix: string, limit: number, after = ''): ConfigRecord[] {
    const found = [...this.#records.values()].filter(({ key }) => key.startsWith(prefix) && key > after)
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }

  /** What changed from revision `from` on; see {@link History.since}. */
  changes(from: Revision, prefix: string, limit: number): ConfigChanges | Compacted {
    return this.#history.since(from, prefix, limit)
  }

  /** The kept changes of one key, oldest first; its present value is always among them. */
  historyOf(key: string): { readonly changes: readonly ConfigChange[]; readonly compacted: Revision } {
    const changes = this.#history.of(key)
    const record = this.#records.get(key)
    const isKept = changes.length > 0 || record === undefined
    return { changes: isKept ? changes : [record], compacted: this.#history.compacted }
  }

  apply({ index }: ApplyMeta, { conditions, operations, otherwise }: WriteCommand): WriteReply {
    const { maxOperations } = this.#bounds
    const largest = Math.max(conditions.length, operations.length, otherwise?.length ?? 0)
    if (largest > maxOperations) return refused('too-many-operations')
    const failed = conditions.find((condition) => !this.#holds(condition))
    if (failed && otherwise === undefined)
      return { type: 'condition-failed', key: failed.key, revision: this.#records.get(failed.key)?.revision ?? 0 }
    const chosen = failed ? (otherwise ?? []) : operations
    const planned = this.#plan(index, chosen)
    if (!Array.isArray(planned)) return planned
    return { type: 'written', revision: index, held: failed === undefined, results: this.#write(index, planned) }
  }

  snapshot(): ConfigState {
    return { records: [...this.#records.values()], history: this.#history.snapshot(), revision: this.#revision }
  }

  restore({ records, history, revision }: ConfigState): void {
    this.#records = new Map(records.map((record) => [record.key, detached(record)]))
    this.#length = records.reduce((sum, { key, value }) => sum + key.length + value.length, 0)
    this.#history.restore(history)
    this.#revision = revision
  }

  #holds(condition: ConfigCondition): boolean {
    const revision = this.#records.get(condition.key)?.revision ?? 0
    return condition.type === 'exists' ? revision > 0 : revision === condition.revision
  }

  /** What every key would become, or why the write cannot be done. */
  #plan(index: Revision, operations: readonly ConfigOperation[]): Outcome[] | Unwritten {
    const keys = new Set<string>()
    const planned: Outcome[] = []
    for (const operation of operations) {
      const { key } = operation
      if (key.length === 0 || key.length > this.#bounds.maxKeyLength) return refused('key-length')
      if (keys.has(key)) return refused('key-twice')
      keys.add(key)
      const outcome = this.#outcome(index, operation)
      if ('type' in outcome) return outcome
      planned.push(outcome)
    }
    const over = this.#overBound(planned)
    return over ? refused(over) : planned
  }

  #outcome(index: Revision, operation: ConfigOperation): Outcome | Unwritten {
    const { type, key } = operation
    if (type === 'delete') return { key, value: undefined }
    if (type === 'rollback') return this.#valueAt(index, key, operation.revision)
    if (type !== 'set') return this.#merge(operation)
    if (operation.value.length > this.#bounds.maxValueLength) return refused('value-length')
    return { key, value: operation.value }
  }

  #merge(operation: MergeOperation): Outcome | Unwritten {
    const { key } = operation
    const next = merge(operation, this.#records.get(key))
    if (next === 'not-mergeable') return refused('not-mergeable')
    if (next === 'as-before') return { key, value: undefined, isAsBefore: true }
    if (next.value.length > this.#bounds.maxValueLength) return refused('value-length')
    return { key, ...next }
  }

  /** What `key` was after the write of `revision`. */
  #valueAt(index: Revision, key: string, revision: Revision): Outcome | Unwritten {
    if (revision >= index) return refused('future-revision')
    const { changes, compacted } = this.historyOf(key)
    const before = changes.filter((change) => change.revision <= revision).at(-1)
    if (before) return { key, value: before.value }
    const [first] = changes
    // The oldest change that is kept made the key, so it was not there before; else what it replaced is lost.
    const wasAbsent = first === undefined || (first.value !== undefined && first.createRevision === first.revision)
    return wasAbsent && revision >= compacted ? { key, value: undefined } : { type: 'compacted', key, compacted }
  }

  #overBound(planned: readonly Outcome[]): ConfigRefusal | undefined {
    let length = this.#length
    let keys = this.#records.size
    for (const { key, value, isAsBefore } of planned) {
      if (isAsBefore) continue
      const record = this.#records.get(key)
      if (record) length -= key.length + record.value.length
      if (value !== undefined) length += key.length + value.length
      keys += (value === undefined ? 0 : 1) - (record === undefined ? 0 : 1)
    }
    const grows = length > this.#length
    if (keys > this.#bounds.maxKeys && keys > this.#records.size) return 'too-many-keys'
    return grows && length > this.#bounds.maxConfigLength ? 'config-full' : undefined
  }

  #write(index: Revision, planned: readonly Outcome[]): WriteResult[] {
    const changes: ConfigChange[] = []
    const results = planned.map(({ key, value, mark, isAsBefore }): WriteResult => {
      const record = this.#records.get(key)
      const existed = record !== undefined
      if (isAsBefore)
        return { key, revision: record?.revision ?? 0, createRevision: record?.createRevision ?? 0, existed }
      if (record) this.#length -= key.length + record.value.length
      if (value === undefined) {
        if (record) changes.push({ key, value, revision: index, createRevision: record.createRevision })
        this.#records.delete(key)
        return { key, revision: 0, createRevision: 0, existed }
      }
      const createRevision = record?.createRevision ?? index
      this.#length += key.length + value.length
      const written = Object.freeze({
        key,
        value,
        revision: index,
        createRevision,
        ...(mark && { mark: Object.freeze(mark) }),
      })
      this.#records.set(key, written)
      changes.push(written)
      return { key, revision: index, createRevision, existed }
    })
    if (changes.length > 0) this.#revision = index
    this.#history.add(changes)
    return results
  }
}

/** A mark is a record of its own inside another one. */
function detached(record: ConfigRecord): ConfigRecord {
  return Object.freeze({ ...record, ...(record.mark && { mark: Object.freeze({ ...record.mark }) }) })
}

function refused(reason: ConfigRefusal): Unwritten {
  return { type: 'refused', reason }
}
