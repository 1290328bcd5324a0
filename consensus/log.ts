// The log: a tail that the disk has not confirmed over a part that it has, behind a base that a snapshot stands for.
// Thesis sections 3.5 and 5.1; figure 3.1. It knows which entries were handed to which write, so that an answer from
// the disk that comes after a truncation confirms nothing that is no longer there. What may be truncated or committed
// is decided elsewhere.

import { invariant } from './invariant.ts'
import type { Entry, LogEnd, LogIndex, Term } from './types.ts'

/** Entries up to `lastIndex` are durable once the disk has confirmed `ticket`. */
interface Write {
  readonly ticket: number
  readonly at: number
  lastIndex: LogIndex
}

export class RaftLog<Command> {
  /** The last entry that is not here any more; index 0 when all are. */
  #base: LogEnd
  /** The entry of index i stands at i - 1 - base. */
  #entries: Entry<Command>[]
  /** Invariant: base <= durableIndex <= offeredIndex <= lastIndex. */
  #durableIndex: LogIndex
  /** Everything up to here has been handed to a write. */
  #offeredIndex: LogIndex
  /** Writes under way, oldest first. */
  #writes: Write[] = []
  /** A snapshot took the place of all entries, and no write has said so yet. */
  #hasNewBase = false

  constructor(durable: readonly Entry<Command>[], base: LogEnd = { index: 0, term: 0 }) {
    this.#base = base
    this.#entries = []
    this.append(durable)
    this.#durableIndex = this.lastIndex
    this.#offeredIndex = this.lastIndex
  }

  /** The last entry that was removed; 0 and 0 when none was. */
  get base(): LogEnd {
    return this.#base
  }

  get lastIndex(): LogIndex {
    return this.#base.index + this.#entries.length
  }

  get durableIndex(): LogIndex {
    return this.#durableIndex
  }

  get end(): LogEnd {
    return { index: this.lastIndex, term: this.#entries.at(-1)?.term ?? this.#base.term }
  }

  /** Term of the entry at `index`, that of the base at its own; undefined before it and past the log's end. */
  termAt(index: LogIndex): Term | undefined {
    return index === this.#base.index ? this.#base.term : this.#entries[index - 1 - this.#base.index]?.term
  }

  /** Entries from `first` to `last`, both included; `first` is behind the base. */
  slice(first: LogIndex, last: LogIndex): Entry<Command>[] {
    invariant(first > this.#base.index, `entry ${first} is in the log, which begins behind ${this.#base.index}`)
    return this.#entries.slice(first - 1 - this.#base.index, Math.max(0, last - this.#base.index))
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
    invariant(first > this.#base.index, `the log begins behind ${this.#base.index}`)
    this.#entries.length = Math.min(this.#entries.length, first - 1 - this.#base.index)
    this.#forgetFrom(first)
  }

  /** Removes all up to `index`, which a snapshot stands for. */
  compact(index: LogIndex): void {
    const term = this.termAt(index)
    invariant(term !== undefined && index <= this.#durableIndex, `entry ${index} is in the log and durable`)
    this.#entries = this.#entries.slice(index - this.#base.index)
    this.#base = { index, term }
  }

  /** A durable snapshot takes the place of all entries. */
  replaceBy(base: LogEnd): void {
    this.#entries = []
    this.#base = base
    this.#forgetFrom(base.index + 1)
    this.#durableIndex = base.index
    this.#offeredIndex = base.index
    this.#hasNewBase = true
  }

  /** Whether something waits to be handed to a write. */
  get hasUnwritten(): boolean {
    return this.#hasNewBase || this.#offeredIndex < this.lastIndex
  }

  /** Hands all that no write has to the write with this ticket, begun at `now`. `base`: a new one goes first. */
  write(ticket: number, now: number): { base: LogEnd | undefined; entries: readonly Entry<Command>[] } {
    const entries = this.slice(this.#offeredIndex + 1, this.lastIndex)
    const base = this.#hasNewBase ? this.#base : undefined
    this.#hasNewBase = false
    this.#offeredIndex = this.lastIndex
    this.#writes.push({ ticket, at: now, lastIndex: this.lastIndex })
    return { base, entries }
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
   * The last place at or before `index` whose term is at most `term`: the last one where this log can agree with
   * another that has `term` at `index`. Skips whole terms, so a follower is found in one round trip per term that
   * differs (section 3.5). Below the base nothing is known any more: whoever agrees only there needs a snapshot.
   */
  lastAgreement(index: LogIndex, term: Term): LogEnd {
    let at = Math.min(index, this.lastIndex)
    while (at > 0 && at >= this.#base.index && (this.termAt(at) ?? 0) > term) at--
    return { index: at, term: this.termAt(at) ?? 0 }
  }

  #forgetFrom(first: LogIndex): void {
    this.#durableIndex = Math.min(this.#durableIndex, first - 1)
    this.#offeredIndex = Math.min(this.#offeredIndex, first - 1)
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, first - 1)
  }
}
