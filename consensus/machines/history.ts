// The changes of config in the order of the log, as far back as two bounds allow. Whoever resumes a watch is told
// either every change since, or that the history no longer reaches back so far; never something in between.

import type { ConfigChange, Revision } from './config-commands.ts'

export interface HistoryBounds {
  /** Changes kept at most. */
  readonly maxHistoryChanges: number
  /** UTF-16 units of their keys and values at most. */
  readonly maxHistoryLength: number
}

/**
 * UTF-16 units of keys and values after which a batch of changes is full: with one more write it still fits an
 * envelope.
 */
const MAX_BATCH_LENGTH = 131_072

/** One in so many changes of the array may be dropped already. */
const DROPPED_SHARE = 8

/** Some changes, and where to go on. */
export interface ConfigChanges {
  readonly type: 'changes'
  readonly changes: readonly ConfigChange[]
  /** The first revision that was not looked at. */
  readonly next: Revision
}

/** The history begins after `compacted`. */
export interface Compacted {
  readonly type: 'compacted'
  readonly compacted: Revision
}

/** The whole history as plain data. */
export interface HistoryState {
  readonly changes: readonly ConfigChange[]
  readonly compacted: Revision
}

export class History {
  readonly #bounds: HistoryBounds
  /** Oldest first; those before `#first` are dropped already. */
  #changes: ConfigChange[] = []
  #first = 0
  #length = 0
  #compacted: Revision = 0

  constructor(bounds: HistoryBounds) {
    this.#bounds = bounds
  }

  /** Up to and including this revision, changes have been dropped. */
  get compacted(): Revision {
    return this.#compacted
  }

  /** All changes of one write. */
  add(changes: readonly ConfigChange[]): void {
    for (const change of changes) {
      this.#changes.push(Object.freeze(change))
      this.#length += lengthOf(change)
    }
    this.#compact()
  }

  /**
   * Changes of keys that begin with `prefix`, from revision `from` on, at most `limit`; those of one write are never
   * parted.
   */
  since(from: Revision, prefix: string, limit: number): ConfigChanges | Compacted {
    if (from <= this.#compacted) return { type: 'compacted', compacted: this.#compacted }
    const found: ConfigChange[] = []
    let length = 0
    let next = from
    for (let position = this.#positionOf(from); position < this.#changes.length; position++) {
      const change = this.#changes[position] as ConfigChange
      const isFull = found.length >= limit || length >= MAX_BATCH_LENGTH
      if (isFull && change.revision >= next) break
      if (change.key.startsWith(prefix)) {
        found.push(change)
        length += lengthOf(change)
      }
      next = change.revision + 1
    }
    return { type: 'changes', changes: found, next }
  }

  /** The changes of one key that are kept, oldest first. */
  of(key: string): ConfigChange[] {
    const found: ConfigChange[] = []
    for (let position = this.#first; position < this.#changes.length; position++) {
      const change = this.#changes[position] as ConfigChange
      if (change.key === key) found.push(change)
    }
    return found
  }

  snapshot(): HistoryState {
    return { changes: this.#changes.slice(this.#first), compacted: this.#compacted }
  }

  restore({ changes, compacted }: HistoryState): void {
    this.#changes = changes.map((change) =>
      Object.freeze({ ...change, ...(change.mark && { mark: Object.freeze({ ...change.mark }) }) }),
    )
    this.#first = 0
    this.#length = changes.reduce((sum, change) => sum + lengthOf(change), 0)
    this.#compacted = compacted
  }

  /** Drops the oldest changes; what is left of a write that was not dropped whole is not told any more. */
  #compact(): void {
    const { maxHistoryChanges, maxHistoryLength } = this.#bounds
    const isOver = (): boolean =>
      this.#changes.length - this.#first > maxHistoryChanges || this.#length > maxHistoryLength
    while (isOver()) {
      const change = this.#changes[this.#first]
      if (change === undefined) return
      this.#first += 1
      this.#length -= lengthOf(change)
      this.#compacted = change.revision
    }
    // Moving what is left costs a few pointers for each one dropped; those are kept until then.
    if (this.#first > 1_024 && this.#first * DROPPED_SHARE > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#first)
      this.#first = 0
    }
  }

  /** The first position whose revision is `from` or larger. */
  #positionOf(from: Revision): number {
    let low = this.#first
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#changes[middle] as ConfigChange).revision < from) low = middle + 1
      else high = middle
    }
    return low
  }
}

function lengthOf({ key, value }: ConfigChange): number {
  return key.length + (value?.length ?? 0)
}
