// Members without a link, and by which neighbor each is reached: whoever waits for an answer from them wants to know
// when there is a way, another one, or none, for what was on the former one may be lost.

import type { MemberId } from '../types.ts'

/**
 * By which neighbor members without a link are reached, as long as somebody wants to know. Bounded by the members that
 * are followed.
 */
export class FollowedWays {
  /** Undefined: no way is known yet, or no more. */
  readonly #hops = new Map<MemberId, MemberId | undefined>()
  readonly #relayTo: (member: MemberId) => MemberId | undefined

  constructor(relayTo: (member: MemberId) => MemberId | undefined) {
    this.#relayTo = relayTo
  }

  /** True: there is a way to `member`, and none was known. From now on {@link changes} tells of it. */
  follow(member: MemberId): boolean {
    if (this.#hops.get(member) !== undefined) return false
    const hop = this.#relayTo(member)
    this.#hops.set(member, hop)
    return hop !== undefined
  }

  /** It is linked, or gone: its way is no relay's. */
  forget(member: MemberId): void {
    this.#hops.delete(member)
  }

  /** Who is reached by another neighbor than when it was last asked, or again, and who no more. */
  changes(): { readonly rerouted: readonly MemberId[]; readonly lost: readonly MemberId[] } {
    const rerouted: MemberId[] = []
    const lost: MemberId[] = []
    for (const [member, before] of this.#hops) {
      const hop = this.#relayTo(member)
      if (hop === before) continue
      this.#hops.set(member, hop)
      const changed = hop === undefined ? lost : rerouted
      changed.push(member)
    }
    return { rerouted, lost }
  }
}
