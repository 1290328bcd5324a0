// Messages of one turn of a driver, before they leave. Thesis section 10.2 batches and pipelines; here what several
// steps of a turn say to one peer becomes as few messages as carry it:
//
//   append + append behind it        one append with the entries of both, the round and commit index of the later
//   append-reply + append-reply      the later one, when it says at least as much
//   anything else                    stays as it is, in its order
//
// An append that begins where the one before ended is what a leader sends that had both at once, and a message that is
// dropped for a later one is lost, as any may be: so nothing here can be wrong that a network could not do.

import type { RaftMessage } from './messages.ts'
import type { VoterId } from './types.ts'

/** A message and who is to get it. */
export interface Addressed<Command> {
  readonly to: VoterId
  readonly message: RaftMessage<Command>
}

/** Gathers what is to be sent: `add` for each message, in order, `take` when the turn ends. */
export class Outgoing<Command> {
  readonly #maxEntries: number
  #waiting: Addressed<Command>[] = []
  /** Where the last message to each peer waits. */
  readonly #last = new Map<VoterId, number>()

  /** `maxEntries`: in one message at most. */
  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
  }

  add(to: VoterId, message: RaftMessage<Command>): void {
    const at = this.#last.get(to)
    const before = at === undefined ? undefined : this.#waiting[at]
    const both = before && merged(before.message, message, this.#maxEntries)
    if (at !== undefined && both !== undefined) {
      this.#waiting[at] = { to, message: both }
      return
    }
    this.#last.set(to, this.#waiting.length)
    this.#waiting.push({ to, message })
  }

  /** What waits, in order; nothing waits any more. */
  take(): readonly Addressed<Command>[] {
    const waiting = this.#waiting
    this.#waiting = []
    this.#last.clear()
    return waiting
  }
}

/** One message that says what both say; undefined: there is none. */
function merged<Command>(
  one: RaftMessage<Command>,
  next: RaftMessage<Command>,
  maxEntries: number,
): RaftMessage<Command> | undefined {
  if (one.type === 'append' && next.type === 'append') {
    const { entries, previousIndex, previousTerm } = one
    const isBehind = next.term === one.term && next.previousIndex === previousIndex + entries.length
    if (!isBehind || entries.length + next.entries.length > maxEntries) return undefined
    return { ...next, previousIndex, previousTerm, entries: [...entries, ...next.entries] }
  }
  if (one.type === 'append-reply' && next.type === 'append-reply') {
    const areAccepted = one.accepted && next.accepted
    const saysMore = next.term === one.term && next.round >= one.round && next.matchIndex >= one.matchIndex
    return areAccepted && saysMore ? next : undefined
  }
  return undefined
}
