// Neighbors to whom no link was up yet. A probe travels over a link, and where many members start together the last
// links come up long after the first: silence before a member's first link says nothing of it. So nobody is accused for
// that, while first links still come up and for a while after the last one; but not for ever, as a neighbor that died
// before anybody was linked to it would be alive for all time.

import type { MemberId } from '../types.ts'

/** Without another first link for so long, none is under way. A guess: five calls that took their two seconds. */
const PAUSE_MS = 10_000
/** So long at most, though other first links come up. A guess: what hundreds of members on one machine need. */
const MOST_MS = 120_000

export class FirstLinks {
  /** Since when each is waited for. Only neighbors. */
  readonly #awaited = new Map<MemberId, number>()
  #lastAt = Number.NEGATIVE_INFINITY

  /** Those that were neighbors before are waited for as before. */
  setNeighbors(before: ReadonlySet<MemberId>, after: ReadonlySet<MemberId>, now: number): void {
    for (const peer of this.#awaited.keys()) if (!after.has(peer)) this.#awaited.delete(peer)
    for (const peer of after) if (!before.has(peer)) this.#awaited.set(peer, now)
  }

  /** A link to `peer` is up. */
  linked(peer: MemberId, now: number): void {
    if (this.#awaited.delete(peer)) this.#lastAt = now
  }

  isAwaited(peer: MemberId, now: number): boolean {
    const since = this.#awaited.get(peer)
    return since !== undefined && now - Math.max(since, this.#lastAt) < PAUSE_MS && now - since < MOST_MS
  }
}
