// What a sequence of writes adds up to: the hard state, and the entries after every overwriting (the rule of etcd's
// WAL: an entry replaces everything from its index on). Shared by all log stores, so that they cannot differ in it.

import type { LogPosition, LogWrite, StoredEntry, StoredHardState } from './log-store.ts'

/** Stored bytes that have a good checksum and still make no sense. */
export class Malformed extends Error {
  override readonly name = 'Malformed'
}

export function malformed(problem: string): never {
  throw new Malformed(problem)
}

/** Before the first entry of a log that never was compacted. */
export const beginning: LogPosition = Object.freeze({ index: 0, term: 0 })

export class LogContents {
  hardState: StoredHardState = { term: 0, votedFor: undefined }
  readonly #needless: number
  /** What was written begins behind it. */
  #start = 0
  #base = beginning
  /** Invariant: `entries[i].index === base.index + i + 1`. */
  readonly entries: StoredEntry[] = []

  /** A durable snapshot holds the entries up to `needless`: they count, and are not kept. */
  constructor(needless = 0) {
    this.#needless = needless
  }

  /** The entry before the first one kept; (0, 0) when none has gone. */
  get base(): LogPosition {
    return this.#base
  }

  /** The last entry; `base` when there is none. */
  get last(): LogPosition {
    const entry = this.entries.at(-1)
    return entry === undefined ? this.#base : { index: entry.index, term: entry.term }
  }

  setHardState(hardState: StoredHardState): void {
    this.hardState = hardState
  }

  isNeeded(index: number): boolean {
    return index > this.#needless
  }

  /** Like `put`, of an entry that is not needed. */
  pass(index: number, term: number): void {
    const end = this.#base.index + this.entries.length
    if (index <= this.#start || index > end + 1) malformed(`entry ${index} behind entry ${end}`)
    this.#base = { index, term }
    this.entries.length = 0
  }

  put(entry: StoredEntry): void {
    const place = entry.index - 1 - this.#base.index
    const { length } = this.entries
    if (place < 0 || place > length) malformed(`entry ${entry.index} behind entry ${this.last.index}`)
    if (place < length) this.entries.length = place
    this.entries.push(entry)
  }

  /** Begins anew: no entries, the next one follows `base`. */
  beginBehind(base: LogPosition): void {
    this.#start = base.index
    this.#base = base
    this.entries.length = 0
  }

  /** Lets all entries up to `index` go; those that are not there are none. */
  compact(index: number): void {
    const gone = this.entries.splice(0, Math.max(0, index - this.#base.index)).at(-1)
    if (gone !== undefined) this.#base = { index: gone.index, term: gone.term }
  }

  apply(writes: readonly LogWrite[]): void {
    for (const { hardState, reset, entries } of writes) {
      if (hardState !== undefined) this.setHardState(hardState)
      if (reset !== undefined) this.beginBehind(reset)
      for (const entry of entries) this.put(entry)
    }
  }
}

/** Where a log begins and ends, without its entries. */
export interface LogExtent {
  readonly base: LogPosition
  readonly last: LogPosition
}

/**
 * The extent of a log after `writes`. Throws when they would leave a hole or are out of order: a bug of the caller,
 * noticed before it is on the disk.
 */
export function extentAfter(writes: readonly LogWrite[], before: LogExtent): LogExtent {
  let { base, last } = before
  for (const { reset, entries } of writes) {
    if (reset !== undefined) {
      base = reset
      last = reset
    }
    let wanted = entries[0]?.index
    for (const { index, term } of entries) {
      if (index <= base.index || index > last.index + 1 || index !== wanted) {
        throw new RangeError(`entry ${index} cannot follow entry ${last.index}: a bug in the caller of append`)
      }
      last = { index, term }
      wanted += 1
    }
  }
  return { base, last }
}
