// Counters: whole numbers that many add to. Each addition is one entry, so none is lost, and none counted twice when it
// comes in a session.

import type { ApplyMeta } from '../state-machine.ts'
import type { LogIndex } from '../types.ts'

export interface CounterBounds {
  readonly maxCounters: number
  /** UTF-16 units in a name at most. */
  readonly maxCounterNameLength: number
}

/** `name` becomes larger by `add` and smaller by `subtract`. */
export interface CountCommand {
  readonly type: 'count'
  readonly name: string
  readonly add: number
  readonly subtract: number
}

/** The new value. */
export type CountReply =
  | { readonly type: 'counted'; readonly value: number; readonly revision: LogIndex }
  | { readonly type: 'refused'; readonly reason: CounterRefusal }

/** `counter-range`: the sum would no longer be an exact whole number. */
export type CounterRefusal = 'counter-name-length' | 'too-many-counters' | 'counter-range'

/** A counter as the log has it. */
export interface CounterRecord {
  readonly name: string
  readonly value: number
  /** Of the last addition. */
  readonly revision: LogIndex
}

export class Counters {
  readonly #bounds: CounterBounds
  #records = new Map<string, CounterRecord>()

  constructor(bounds: CounterBounds) {
    this.#bounds = bounds
  }

  apply({ index }: ApplyMeta, { name, add, subtract }: CountCommand): CountReply {
    const { maxCounters, maxCounterNameLength } = this.#bounds
    if (name.length === 0 || name.length > maxCounterNameLength)
      return { type: 'refused', reason: 'counter-name-length' }
    const record = this.#records.get(name)
    if (record === undefined && this.#records.size >= maxCounters)
      return { type: 'refused', reason: 'too-many-counters' }
    const value = (record?.value ?? 0) + add - subtract
    if (!Number.isSafeInteger(value)) return { type: 'refused', reason: 'counter-range' }
    this.#records.set(name, Object.freeze({ name, value, revision: index }))
    return { type: 'counted', value, revision: index }
  }

  get(name: string): CounterRecord | undefined {
    return this.#records.get(name)
  }

  /** How many there are. */
  get count(): number {
    return this.#records.size
  }

  snapshot(): CounterRecord[] {
    return [...this.#records.values()]
  }

  restore(records: readonly CounterRecord[]): void {
    this.#records = new Map(records.map((record) => [record.name, Object.freeze({ ...record })]))
  }
}
