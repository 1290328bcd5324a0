// `node.config` at work: checks what users say, hands writes to the log and questions to a copy of the machine, and
// gives both back in the users' words. It keeps nothing of its own but the schemas of this node.

import type { ConfigCondition, ConfigOperation, WriteResult } from '../../consensus/index.ts'
import { checkAll, checkedOptions, waitChecks } from '../call-options.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import { endable } from '../iteration.ts'
import type { Time } from '../runtime/clock.ts'
import { beginWait, nodeStopping, rejectedBy, withoutEffect } from '../wait.ts'
import {
  checkPrefix,
  deleteChecks,
  isSet,
  parsedTransaction,
  readChecks,
  watchChecks,
  writeChecks,
} from './config-checks.ts'
import type {
  ConfigCallOptions,
  ConfigDeleteOptions,
  ConfigEntry,
  ConfigEvent,
  ConfigHistory,
  ConfigList,
  ConfigReadOptions,
  ConfigTransaction,
  ConfigTransactionResult,
  ConfigWatch,
  ConfigWatchOptions,
  ConfigWriteOptions,
  NodeConfig,
  OfflineCounter,
  OfflineSet,
  OfflineValue,
} from './config-interface.ts'
import { ConfigSchemas } from './config-schemas.ts'
import {
  checkedKey,
  checkedNewKey,
  checkedRevision,
  compacted,
  conditionOf,
  entryOf,
  eventOf,
  eventsOf,
  operationOf,
  valueText,
  type Written,
  written,
} from './config-words.ts'
import { DEFAULT_CALL_TIMEOUT_MS, limited } from './leader-calls.ts'
import { checkStrategy, type OfflineKeys, type Strategy } from './offline.ts'
import type { AnswerTo, Query } from './queries.ts'
import { isSchema } from './schema-check.ts'
import type { StandardSchema } from './standard-schema.ts'
import type { Commands, Questions } from './store.ts'

export interface LocalConfigOptions {
  readonly clock: Time
  readonly submissions: Commands
  readonly reads: Questions
  readonly offline: Pick<OfflineKeys, 'key'>
  /** Aborts when the node stops. */
  readonly stopping: AbortSignal
}

/** Keys in one answer of a voter, and changes in one batch of a watch. */
const PAGE_ENTRIES = 1_000
const BATCH_CHANGES = 256
/** A list of many pages is begun anew when a write comes between, so often at most. */
const MAX_LIST_ATTEMPTS = 10

export class LocalConfig implements NodeConfig {
  readonly #options: LocalConfigOptions
  readonly #schemas = new ConfigSchemas()

  constructor(options: LocalConfigOptions) {
    this.#options = options
  }

  async get(key: string, options: ConfigReadOptions = {}): Promise<ConfigEntry | undefined> {
    checkAll(
      () => checkedKey(key),
      () => checkedOptions(options, readChecks),
    )
    const { answer, age } = await this.#read('config.get', { type: 'config-get', key }, options)
    return answer.record ? { ...entryOf(answer.record), ...age } : undefined
  }

  async list(prefix = '', options: ConfigReadOptions = {}): Promise<ConfigList> {
    checkAll(
      () => checkPrefix(prefix),
      () => beginWait('config.list', options, readChecks),
    )
    const { timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = options
    const deadline = this.#options.clock.now() + timeoutMs
    for (let attempt = 0; attempt < MAX_LIST_ATTEMPTS; attempt++) {
      const left = { ...options, timeoutMs: Math.max(1, deadline - this.#options.clock.now()) }
      const list = await this.#pages(prefix, left)
      if (list) return list
    }
    throw new ClusterError('ERR_BUFFER_FULL', 'keys change faster than they can be listed', {
      queue: 'list',
      limit: PAGE_ENTRIES,
    })
  }

  set<Value = JsonValue>(key: string, value: Value, options: ConfigWriteOptions = {}): Promise<ConfigEntry> {
    return this.#set('config.set', undefined, key, value, options)
  }

  compareAndSet<Value = JsonValue>(
    key: string,
    revision: number,
    value: Value,
    options: ConfigWriteOptions = {},
  ): Promise<ConfigEntry> {
    return this.#set('config.compareAndSet', { type: 'revision', key, revision }, key, value, options)
  }

  async delete(key: string, options: ConfigDeleteOptions = {}): Promise<{ key: string; revision: number }> {
    checkAll(
      () => checkedKey(key),
      () => checkedOptions(options, deleteChecks),
    )
    const operation = { type: 'delete', key } as const
    const { revision } = options
    const condition = revision === undefined ? ({ type: 'exists', key } as const) : conditionOf({ key, revision })
    try {
      const done = await this.#write('config.delete', [condition], [operation], options)
      return { key, revision: done.revision }
    } catch (error) {
      if (revision === undefined && isClusterError(error, 'ERR_REVISION_MISMATCH')) throw notFound(key)
      throw error
    }
  }

  async transaction(transaction: ConfigTransaction, options: ConfigCallOptions = {}): Promise<ConfigTransactionResult> {
    // What a schema makes of a value is looked at when it has.
    const hasSchemas = this.#schemas.size > 0
    const parsed = parsedTransaction(transaction, options, hasSchemas ? 'values-later' : 'all')
    const { do: steps, else: otherwise = [] } = transaction
    const { value, left } = await this.#checked(hasSchemas, 'config.transaction', options, async (within) => {
      const [operations, others] = hasSchemas
        ? await Promise.all([this.#operations(steps), this.#operations(otherwise)])
        : [parsed.operations, parsed.others]
      await this.#checkPast('config.transaction', [...operations, ...others], within)
      return { operations, others }
    })
    const done = await this.#write('config.transaction', parsed.conditions, value.operations, left, value.others)
    const { held: succeeded, revision, results } = done
    return { succeeded, revision, results: results.map(({ key, revision, existed }) => ({ key, revision, existed })) }
  }

  watch(prefix = '', options: ConfigWatchOptions = {}): ConfigWatch {
    const { stopping } = this.#options
    checkAll(
      () => checkPrefix(prefix),
      () => checkedOptions(options, watchChecks),
    )
    const signal = options.signal ? AbortSignal.any([stopping, options.signal]) : stopping
    const from = this.#begin(options.from, signal)
    // Whoever iterates is told; who does not, did not ask.
    from.catch(() => {})
    return { from, [Symbol.asyncIterator]: () => endable((ending) => this.#changes(prefix, from, ending), [signal]) }
  }

  async *#changes(
    prefix: string,
    begin: Promise<number>,
    signal: AbortSignal,
  ): AsyncGenerator<ConfigEvent, void, undefined> {
    const { reads } = this.#options
    let from = await begin
    while (!signal.aborted) {
      const query = { type: 'config-changes', prefix, from, limit: BATCH_CHANGES } as const
      const found = await reads.awaited(query, signal).catch((error: unknown) => {
        if (signal.aborted) return undefined
        throw error
      })
      if (found === undefined) continue
      if (found.type === 'compacted') throw compacted(found.compacted)
      // Whoever has enough is told no more of what has come already.
      for (const event of eventsOf(found.changes)) if (!signal.aborted) yield event
      from = found.next
    }
  }

  async history(key: string, options: ConfigReadOptions = {}): Promise<ConfigHistory> {
    checkAll(
      () => checkedKey(key),
      () => checkedOptions(options, readChecks),
    )
    const { answer, age } = await this.#read('config.history', { type: 'config-history', key }, options)
    return Object.assign(answer.changes.map(eventOf), age)
  }

  async rollback(key: string, revision: number, options: ConfigCallOptions = {}): Promise<ConfigEntry | undefined> {
    checkAll(
      () => checkedKey(key),
      () => checkedRevision(revision),
      () => checkedOptions(options, waitChecks),
    )
    const operation = { type: 'rollback', key, revision } as const
    const hasSchemas = this.#schemas.isFor(key)
    const { left } = await this.#checked(hasSchemas, 'config.rollback', options, (within) =>
      this.#checkPast('config.rollback', [operation], within),
    )
    const done = await this.#write('config.rollback', [], [operation], left)
    const [result] = done.results
    if (result && result.revision === 0 && !result.existed) throw notFound(key)
    if (!result || result.revision === 0) return undefined
    try {
      return await this.get(key, options)
    } catch (error) {
      throw afterwards(error)
    }
  }

  offline(key: string, strategy: 'counter'): OfflineCounter
  offline(key: string, strategy: 'set'): OfflineSet
  offline(key: string, strategy: 'last-writer'): OfflineValue
  offline(key: string, strategy: Strategy): OfflineCounter | OfflineSet | OfflineValue {
    checkAll(
      () => checkedNewKey(key),
      () => checkStrategy(strategy),
    )
    return this.#options.offline.key(key, strategy, (value) => this.#schemas.passedNow(key, value))
  }

  schema(prefix: string, schema: StandardSchema): Disposable {
    checkAll(
      () => checkPrefix(prefix),
      () => checkedOptions({ schema: schema ?? null }, { schema: isSchema }),
    )
    return this.#schemas.add(prefix, schema)
  }

  async #set(
    operation: string,
    condition: Extract<ConfigCondition, { type: 'revision' }> | undefined,
    key: string,
    value: unknown,
    options: ConfigWriteOptions,
  ): Promise<ConfigEntry> {
    const hasSchema = this.#schemas.size > 0 || options?.schema !== undefined
    let text = ''
    checkAll(
      () => checkedNewKey(key),
      () => condition && checkedRevision(condition.revision),
      () => {
        // What a schema makes of it is looked at when it has.
        if (!hasSchema) text = valueText(value)
      },
      () => checkedOptions(options, writeChecks),
    )
    const { left } = await this.#checked(hasSchema, operation, options, async () => {
      if (hasSchema) text = valueText(await this.#schemas.passed(key, value, options.schema))
    })
    const conditions = condition ? [condition] : []
    const done = await this.#write(operation, conditions, [{ type: 'set', key, value: text }], left)
    const { revision, createRevision } = done.results[0] as WriteResult
    return entryOf({ key, value: text, revision, createRevision })
  }

  async #write(
    operation: string,
    conditions: readonly ConfigCondition[],
    operations: readonly ConfigOperation[],
    options: ConfigCallOptions,
    otherwise?: readonly ConfigOperation[],
  ): Promise<Written> {
    const command = { type: 'write', conditions, operations, otherwise } as const
    return written(await this.#options.submissions.submit(operation, command, options))
  }

  /**
   * What schemas do is a part of the call, and ends with it; `left` is what the call has left then. Nothing has
   * happened by it.
   */
  async #checked<Value>(
    hasSchema: boolean,
    operation: string,
    options: ConfigCallOptions,
    check: (within: ConfigCallOptions) => Promise<Value>,
  ): Promise<{ readonly value: Value; readonly left: ConfigCallOptions }> {
    if (!hasSchema) return { value: await check(options), left: options }
    const { clock, stopping } = this.#options
    const { signal, timeoutMs = DEFAULT_CALL_TIMEOUT_MS } = beginWait(operation, options, writeChecks)
    const deadline = clock.now() + timeoutMs
    using limit = limited(clock, operation, timeoutMs, signal ? AbortSignal.any([signal, stopping]) : stopping)
    const within = { signal, timeoutMs }
    const value = await withoutEffect(() => Promise.race([check(within), rejectedBy(limit.signal)])).catch(
      (error: unknown) => {
        throw stopping.aborted ? nodeStopping() : error
      },
    )
    return { value, left: { signal, timeoutMs: Math.max(1, deadline - clock.now()) } }
  }

  async #operations(steps: ConfigTransaction['do']): Promise<ConfigOperation[]> {
    const operations: ConfigOperation[] = []
    for (const step of steps)
      operations.push(operationOf(isSet(step) ? { ...step, value: await this.#value(step.set, step.value) } : step))
    return operations
  }

  #value(key: string, value: JsonValue): Promise<JsonValue> {
    return this.#schemas.passed(key, value) as Promise<JsonValue>
  }

  /**
   * Values that come back have to pass, too. What a key was at a revision does not change any more, so it can be looked
   * at before.
   */
  async #checkPast(name: string, operations: readonly ConfigOperation[], options: ConfigCallOptions): Promise<void> {
    for (const one of operations) {
      if (one.type !== 'rollback' || !this.#schemas.isFor(one.key)) continue
      const { key, revision } = one
      const query = { type: 'config-history', key, until: revision } as const
      const { changes } = await this.#options.reads.linearizable(name, query, options)
      const was = changes.findLast((change) => change.revision <= revision)
      if (was?.value !== undefined) await this.#schemas.passed(key, JSON.parse(was.value))
    }
  }

  /** Where a watch begins: `wanted`, unless it is too late for that, or after the present revision. */
  async #begin(wanted: number | undefined, signal: AbortSignal): Promise<number> {
    const { reads } = this.#options
    if (wanted !== undefined) checkedRevision(wanted)
    while (!signal.aborted) {
      try {
        const query = { type: 'config-revision' } as const
        // From now on means after all that was acknowledged; a minority goes by its own copy.
        const answer =
          (wanted === undefined && (await this.#acknowledged(signal))) || (await reads.stale(query, { signal })).answer
        // Revision 0 is before the first: all there ever was.
        if (wanted !== undefined && Math.max(1, wanted) <= answer.compacted) throw compacted(answer.compacted)
        return wanted === undefined ? answer.revision + 1 : Math.max(1, wanted)
      } catch (error) {
        if (!isClusterError(error, 'ERR_NO_QUORUM') && !isClusterError(error, 'ERR_NOT_LEADER')) throw error
        await reads.pause(signal)
      }
    }
    return 0
  }

  /** Undefined: there is no majority to ask. */
  async #acknowledged(signal: AbortSignal): Promise<AnswerTo<{ type: 'config-revision' }> | undefined> {
    try {
      return await this.#options.reads.linearizable('config.watch', { type: 'config-revision' }, { signal })
    } catch (error) {
      if (isClusterError(error, 'ERR_NO_QUORUM') || isClusterError(error, 'ERR_TIMEOUT')) return undefined
      throw error
    }
  }

  /** Undefined: a write came between two pages, so they do not fit together. */
  async #pages(prefix: string, options: ConfigReadOptions): Promise<ConfigList | undefined> {
    const entries: ConfigEntry[] = []
    let revision: number | undefined
    for (;;) {
      const after = entries.at(-1)?.key ?? ''
      const query = { type: 'config-list', prefix, after, limit: PAGE_ENTRIES } as const
      const { answer, age } = await this.#read('config.list', query, options)
      if (revision !== undefined && revision !== answer.revision) return undefined
      revision = answer.revision
      for (const record of answer.records) entries.push(entryOf(record))
      if (answer.isWhole) return { entries, revision, ...age }
    }
  }

  async #read<Q extends Query>(
    operation: string,
    query: Q,
    { consistency = 'linearizable', ...options }: ConfigReadOptions,
  ): Promise<{ answer: AnswerTo<Q>; age: { ageMs?: number } }> {
    const { reads } = this.#options
    if (consistency === 'linearizable') return { answer: await reads.linearizable(operation, query, options), age: {} }
    const { answer, ageMs } = await reads.stale(query, beginWait(operation, options))
    return { answer, age: { ageMs } }
  }
}

function notFound(key: string): ClusterError {
  return new ClusterError('ERR_KEY_NOT_FOUND', `there is no key '${key}'`, { key })
}

/** The write is done, and only its answer is missing. */
function afterwards(error: unknown): unknown {
  if (!(error instanceof ClusterError)) return error
  return new ClusterError(error.code, error.message, error.details, { cause: error, mayHaveHappened: true })
}
