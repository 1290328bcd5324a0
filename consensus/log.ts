// The log: a tail that the disk has not confirmed over a part that it has. Thesis section 3.5; figure 3.1. It knows which
// entries were handed to which write, so that an answer from the disk that comes after a truncation confirms nothing that
// is no longer there. What may be truncated or committed is decided elsewhere. (Compaction will give it a base other than 0.)

import { invariant } from './invariant.ts'
import type { Entry, LogEnd, LogIndex, Term } from './types.ts'

/** Entries up to `lastIndex` are durable once the disk has confirmed `ticket`. */
interface Write {
  readonly ticket: number
  readonly at: number
  lastIndex: LogIndex
}

export class RaftLog<Command> {
  /** The entry of index i stands at i - 1. */
  readonly #entries: Entry<Command>[]
  /** Invariant: durableIndex <= offeredIndex <= lastIndex. */
  #durableIndex: LogIndex
  /** Everything up to here has been handed to a write. */
  #offeredIndex: LogIndex
  /** Writes under way, oldest first. */
  #writes: Write[] = []

  constructor(durable: readonly Entry<Command>[]) {
    this.#entries = []
    this.append(durable)
    this.#durableIndex = durable.length
    this.#offeredIndex = durable.length
  }

  get lastIndex(): LogIndex {
    return this.#entries.length
  }

  get durableIndex(): LogIndex {
    return this.#durableIndex
  }

  get end(): LogEnd {
    return { index: this.lastIndex, term: this.#entries.at(-1)?.term ?? 0 }
  }

  /** Term of the entry at `index`; 0 before the log, undefined past its end. */
  termAt(index: LogIndex): Term | undefined {
    return index === 0 ? 0 : this.#entries[index - 1]?.term
  }

  /** Entries from `first` to `last`, both included. */
  slice(first: LogIndex, last: LogIndex): Entry<Command>[] {
    return this.#entries.slice(first - 1, last)
  }

  append(entries: readonly Entry<Command>[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.lastIndex + 1, `entry ${entry.index} follows ${this.lastIndex}`)
      invariant(entry.term >= this.end.term, `term ${entry.term} at ${entry.index} is not below ${this.end.term}`)
      this.#entries.push(entry)
    }
  }

  /** Removes the entry at `first` and all after it, and forgets that any of them was written. */
  truncateFrom(first: LogIndex): void {
    invariant(first >= 1, 'the log begins at 1')
    this.#entries.length = Math.min(this.#entries.length, first - 1)
    this.#durableIndex = Math.min(this.#durableIndex, first - 1)
    this.#offeredIndex = Math.min(this.#offeredIndex, first - 1)
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, first - 1)
  }

  /** Whether entries wait to be handed to a write. */
  get hasUnwritten(): boolean {
    return this.#offeredIndex < this.lastIndex
  }

  /** Hands all entries that no write has to the write with this ticket, begun at `now`. */
  write(ticket: number, now: number): readonly Entry<Command>[] {
    const entries = this.slice(this.#offeredIndex + 1, this.lastIndex)
    this.#offeredIndex = this.lastIndex
    this.#writes.push({ ticket, at: now, lastIndex: this.lastIndex })
    return entries
  }

  /** The disk has confirmed this ticket and all before it. */
  written(ticket: number): void {
    let confirmed = 0
    for (const write of this.#writes) {
      if (write.ticket > ticket) break
      this.#durableIndex = Math.max(this.#durableIndex, write.lastIndex)
      confirmed++
    }
    this.#writes = this.#writes.slice(confirmed)
  }

  /** Writes the disk has not confirmed. */
  get pendingWrites(): number {
    return this.#writes.length
  }

  /** When the oldest of them began. */
  get oldestWriteAt(): number | undefined {
    return this.#writes[0]?.at
  }

  /**
   * The last place at or before `index` whose term is at most `term`: the last one where this log can agree with another that has
   * `term` at `index`. Skips whole terms, so a follower is found in one round trip per term that differs (section 3.5).
   */
  lastAgreement(index: LogIndex, term: Term): LogEnd {
    let at = Math.min(index, this.lastIndex)
    while (at > 0 && (this.termAt(at) ?? 0) > term) at--
    return { index: at, term: this.termAt(at) ?? 0 }
  }
}
