// What a node knows of who leads, as calls to the leader ask for it.

import type { NodeContext } from '../node-part.ts'
import type { Leadership } from './leader-calls.ts'

/** At this moment. */
export function knownLeadership(context: Pick<NodeContext, 'coordination' | 'nameOf'>): Leadership {
  const coordination = context.coordination()
  if (!coordination) return { leader: undefined, voters: [], reachesMajority: true, unledMs: 0 }
  const { leader, reachesMajority, isVoter } = coordination
  return {
    leader,
    reachesMajority,
    // Asked for only where no leader is in reach.
    get unledMs() {
      return isVoter ? coordination.ageMs() : 0
    },
    get voters() {
      return coordination.knowledge().voters.map((id) => context.nameOf(id))
    },
  }
}
