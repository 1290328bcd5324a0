// Members that are reached over relays, and by which neighbor: whoever waits for an answer from them wants to know when there is
// another way, or none, for what was on the former one may be lost.

import type { MemberId } from '../types.ts'

/** By which neighbor members without a link are reached, as long as somebody wants to know. Bounded by the members that are followed. */
export class FollowedWays {
  readonly #hops = new Map<MemberId, MemberId>()
  readonly #relayTo: (member: MemberId) => MemberId | undefined

  constructor(relayTo: (member: MemberId) => MemberId | undefined) {
    this.#relayTo = relayTo
  }

  /** True: there is a way to `member`, and it was not followed. */
  follow(member: MemberId): boolean {
    if (this.#hops.has(member)) return false
    const hop = this.#relayTo(member)
    if (hop === undefined) return false
    this.#hops.set(member, hop)
    return true
  }

  /** It is linked, or gone: its way is no relay's. */
  forget(member: MemberId): void {
    this.#hops.delete(member)
  }

  /** Who is reached another way than when it was last asked, and who no more. */
  changes(): { readonly rerouted: readonly MemberId[]; readonly lost: readonly MemberId[] } {
    const rerouted: MemberId[] = []
    const lost: MemberId[] = []
    for (const [member, before] of this.#hops) {
      const hop = this.#relayTo(member)
      if (hop === before) continue
      if (hop === undefined) {
        this.#hops.delete(member)
        lost.push(member)
      } else {
        this.#hops.set(member, hop)
        rerouted.push(member)
      }
    }
    return { rerouted, lost }
  }
}
