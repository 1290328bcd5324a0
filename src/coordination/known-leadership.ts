// What a node knows of who leads, as calls to the leader ask for it.

import type { NodeContext } from '../node-part.ts'
import type { Coordination } from './coordination.ts'
import type { Leadership } from './leader-calls.ts'

type Context = Pick<NodeContext, 'coordination' | 'nameOf'>

/** At this moment. */
export function knownLeadership(context: Context): Leadership {
  const coordination = context.coordination()
  if (!coordination) return { leader: undefined, voters: [], reachesMajority: true, unledMs: 0 }
  return new KnownLeadership(context, coordination)
}

/** A class, for every write and read asks: getters of an object literal are defined anew for each, slowly. */
class KnownLeadership implements Leadership {
  readonly leader: string | undefined
  readonly reachesMajority: boolean
  readonly #context: Context
  readonly #coordination: Coordination

  constructor(context: Context, coordination: Coordination) {
    this.leader = coordination.leader
    this.reachesMajority = coordination.reachesMajority
    this.#context = context
    this.#coordination = coordination
  }

  // Asked for only where no leader is in reach.
  get unledMs(): number {
    return this.#coordination.unledMs
  }

  get voters(): readonly string[] {
    return this.#coordination.knowledge().voters.map((id) => this.#context.nameOf(id))
  }
}
