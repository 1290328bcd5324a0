// What the others say of the set that this node holds, in one round of its own. A round begins when the process starts
// and whenever what it holds changes; only what was said after that counts, so an answer must carry the round's number.
// What follows from the answers is `forming.ts`; whether they suffice is a rule.

import type { MemberId } from '../types.ts'
import type { Founder } from './messages.ts'

export class Attempt {
  /** Sorted. */
  readonly set: readonly MemberId[]
  readonly round: number
  /** Who holds the set, with the log it will vote with. A founder that has started holds it for good. */
  readonly #holders = new Map<MemberId, string>()
  /** Who does not hold it: renounced it, or never took it, or was released from it. */
  readonly notHolding = new Set<MemberId>()
  /** The round of each founder that our last word to it answered. */
  readonly #answered = new Map<MemberId, number>()

  constructor(set: readonly MemberId[], round: number) {
    this.set = set
    this.round = round
  }

  get confirmed(): ReadonlySet<MemberId> {
    return new Set(this.#holders.keys())
  }

  holds(id: MemberId, storeId: string): void {
    this.#holders.set(id, storeId)
  }

  hasConfirmed(id: MemberId): boolean {
    return this.#holders.has(id)
  }

  /** All of the set with their logs, in its order; only when all of them hold it. */
  founders(): readonly Founder[] {
    return this.set.flatMap((id) => {
      const storeId = this.#holders.get(id)
      return storeId === undefined ? [] : [{ id, storeId }]
    })
  }

  /** Our word went to `id` and answered its `round`. */
  toldIn(id: MemberId, round: number): void {
    this.#answered.set(id, round)
  }

  /** Whether `id` still waits for a word of ours in its present round. */
  owes(id: MemberId, round: number): boolean {
    return round !== 0 && !this.hasAnswered(id, round)
  }

  hasAnswered(id: MemberId, round: number): boolean {
    return round !== 0 && this.#answered.get(id) === round
  }
}
