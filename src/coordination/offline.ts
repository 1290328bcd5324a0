// Offline keys: changes that need no majority now. They are kept here in their order, seen by this process at once, and
// merged through the log when there is a majority, one after the other, each exactly once: a change whose answer is
// lost is sent again in its session.

import type { MergeOperation } from '../../consensus/index.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import { beginWait, nodeStopping, pause, rejectedBy } from '../wait.ts'
import type { ConfigCallOptions, OfflineCounter, OfflineKey, OfflineSet, OfflineValue } from './config-interface.ts'
import { badOptions, notMergeable, valueText, written } from './config-words.ts'
import { DEFAULT_CALL_TIMEOUT_MS, limited } from './leader-calls.ts'
import type { Commands, Questions } from './store.ts'

export interface OfflineKeysOptions {
  readonly clock: Time
  readonly submissions: Commands
  readonly reads: Questions
  readonly self: string
  readonly logger: Logger
  readonly stopping: AbortSignal
}

export type Strategy = 'counter' | 'set' | 'last-writer'

const strategies: readonly unknown[] = ['counter', 'set', 'last-writer'] satisfies Strategy[]

const MAX_PENDING = 1_000
const RETRY_MS = 200

/** Throws `ERR_BAD_OPTIONS`. */
export function checkStrategy(strategy: unknown): asserts strategy is Strategy {
  if (!strategies.includes(strategy))
    throw badOptions(`there is no strategy '${String(strategy)}': counter, set, last-writer`)
}

interface Change {
  readonly operation: MergeOperation
  readonly done: Promise<void>
  readonly settle: (error?: unknown) => void
}

export class OfflineKeys {
  readonly #options: OfflineKeysOptions
  readonly #pending: Change[] = []
  /**
   * The wall clock of this process's last write: two in one millisecond keep their order, and a clock set back changes
   * none.
   */
  #lastAt = 0
  #isMerging = false

  constructor(options: OfflineKeysOptions) {
    this.#options = options
  }

  /**
   * `passed` gives a value as it is to be written, or throws: of what is merged into others only the result is one, and
   * that is not known here.
   */
  key(
    key: string,
    strategy: Strategy,
    passed: (value: JsonValue) => unknown,
  ): OfflineCounter | OfflineSet | OfflineValue {
    switch (strategy) {
      case 'counter':
        return this.#counter(key)
      case 'set':
        return this.#set(key)
      case 'last-writer':
        return this.#value(key, passed)
      default:
        strategy satisfies never
        throw new TypeError('no strategy')
    }
  }

  #counter(key: string): OfflineCounter {
    return this.#with(key, {
      add: (by: number) => {
        if (!Number.isSafeInteger(by)) throw badOptions(`what is added (${String(by)}) must be a whole number`)
        this.#change({ type: 'merge-count', key, add: Math.max(0, by), subtract: Math.max(0, -by) })
      },
      get: async (options?: ConfigCallOptions) => {
        const base = (await this.#copied(key, options)) ?? 0
        if (typeof base !== 'number') throw notMergeable()
        const own = this.#own(key).map((it) => (it.type === 'merge-count' ? it.add - it.subtract : 0))
        return own.reduce((sum, by) => sum + by, base)
      },
    })
  }

  #set(key: string): OfflineSet {
    const change = (item: JsonValue, isIn: boolean): void =>
      this.#change({ type: 'merge-item', key, item: valueText(item), isIn })
    return this.#with(key, {
      add: (item: JsonValue) => change(item, true),
      remove: (item: JsonValue) => change(item, false),
      get: async (options?: ConfigCallOptions) => {
        const base = (await this.#copied(key, options)) ?? []
        if (!Array.isArray(base)) throw notMergeable()
        const items = new Set(base.map((item) => JSON.stringify(item)))
        for (const it of this.#own(key)) {
          if (it.type !== 'merge-item') continue
          if (it.isIn) items.add(it.item)
          else items.delete(it.item)
        }
        return [...items].sort().map((item) => JSON.parse(item) as JsonValue)
      },
    })
  }

  #value(key: string, passed: (value: JsonValue) => unknown): OfflineValue {
    const { clock, self } = this.#options
    return this.#with(key, {
      set: (value: JsonValue) => {
        const text = valueText(passed(value))
        this.#lastAt = Math.max(Math.round(clock.wall()), this.#lastAt + 1)
        this.#change({ type: 'merge-latest', key, value: text, at: this.#lastAt, by: self })
      },
      get: async (options?: ConfigCallOptions) => {
        const base = await this.#copied(key, options)
        const last = this.#own(key).at(-1)
        return last?.type === 'merge-latest' ? (JSON.parse(last.value) as JsonValue) : base
      },
    })
  }

  #with<Face extends object>(key: string, face: Face): Face & OfflineKey {
    const changes = (): Change[] => this.#pending.filter(({ operation }) => operation.key === key)
    return {
      ...face,
      get pending() {
        return changes().length
      },
      merged: async (options: ConfigCallOptions = {}) => {
        beginWait('offline.merged', options)
        if (this.#options.stopping.aborted) throw nodeStopping()
        using limit = limited(
          this.#options.clock,
          'offline.merged',
          options.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS,
          options.signal,
        )
        await Promise.race([Promise.all(changes().map(({ done }) => done)), rejectedBy(limit.signal)])
      },
    }
  }

  #own(key: string): MergeOperation[] {
    return this.#pending.map(({ operation }) => operation).filter((operation) => operation.key === key)
  }

  async #copied(key: string, options: ConfigCallOptions = {}): Promise<JsonValue | undefined> {
    const { record } = (await this.#options.reads.stale({ type: 'config-get', key }, beginWait('offline.get', options)))
      .answer
    return record ? (JSON.parse(record.value) as JsonValue) : undefined
  }

  #change(operation: MergeOperation): void {
    if (this.#options.stopping.aborted) throw nodeStopping()
    if (this.#pending.length >= MAX_PENDING) {
      const details = { queue: 'offline', limit: MAX_PENDING }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_PENDING} changes wait to be merged`, details)
    }
    let settle: Change['settle'] = () => {}
    const done = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Whoever waits is told; the log is told in any case.
    done.catch(() => {})
    this.#pending.push({ operation, done, settle })
    if (!this.#isMerging) void this.#merge()
  }

  /** In their order, one at a time. */
  async #merge(): Promise<void> {
    const { stopping, logger } = this.#options
    this.#isMerging = true
    for (let next = this.#pending[0]; next && !stopping.aborted; next = this.#pending[0]) {
      try {
        await this.#send(next.operation)
        next.settle()
      } catch (error) {
        if (stopping.aborted) break
        logger.warn('an offline change cannot be merged', { key: next.operation.key, error })
        next.settle(error)
      }
      this.#pending.shift()
    }
    this.#isMerging = false
    const over = nodeStopping(true)
    if (stopping.aborted) for (const { settle } of this.#pending.splice(0)) settle(over)
  }

  async #send(operation: MergeOperation): Promise<void> {
    const { submissions, stopping } = this.#options
    const command = { type: 'write', conditions: [], operations: [operation], otherwise: undefined } as const
    for (;;) {
      try {
        written(await submissions.submit('config.offline', command, { isPatient: true, signal: stopping }))
        return
      } catch (error) {
        // Nothing has happened yet, so it may be sent as if for the first time.
        const isSafe = error instanceof ClusterError && error.retryable && !error.mayHaveHappened
        if (!isSafe || stopping.aborted) throw error
        await pause(this.#options.clock, RETRY_MS, stopping)
      }
    }
  }
}
