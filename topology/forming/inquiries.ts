// Who has asked this node whether all of its set hold it, for not everybody is linked to everybody while a cluster
// forms: fresh nodes call one of them first, and that one is linked to all.

import type { MemberId } from '../types.ts'

interface Inquiry {
  /** The asker's round, in which the answer counts. */
  readonly round: number
  /** This node's round during which it was asked first. */
  readonly during: number
}

/** The questions that one attempt has to answer; at most one of each founder. */
export class Inquiries {
  readonly #of = new Map<MemberId, Inquiry>()

  get size(): number {
    return this.#of.size
  }

  add(from: MemberId, round: number, during: number): void {
    if (this.#of.get(from)?.round !== round) this.#of.set(from, { round, during })
  }

  forget(peer: MemberId): void {
    this.#of.delete(peer)
  }

  clear(): void {
    this.#of.clear()
  }

  /** Takes out those that `may` be answered: who asked, and in which of its rounds. */
  take(may: (during: number) => boolean): (readonly [from: MemberId, round: number])[] {
    const due = [...this.#of].filter(([, { during }]) => may(during))
    for (const [from] of due) this.#of.delete(from)
    return due.map(([from, { round }]) => [from, round])
  }
}
