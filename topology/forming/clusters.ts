// What is known of clusters that founders have started, and what that leaves to do for a node that has not. A founder
// that started can never take it back; so a set of which somebody has started another one can never come alive any
// more.

import type { MemberId } from '../types.ts'
import { sameSet } from './ids.ts'
import type { FormingMessage, Founder } from './messages.ts'

type Formed = Extract<FormingMessage, { type: 'formed' }>

/** What is left to do once some founder has started. */
export type Prospect =
  /** A cluster of others is alive: join it. */
  | { readonly type: 'join'; readonly set: readonly MemberId[]; readonly peer: MemberId }
  /** A set with us in it was started: it needs us, and no other one will do. */
  | { readonly type: 'resume'; readonly set: readonly MemberId[] }
  /** Others have started and may come alive without us: form nothing beside them. */
  | { readonly type: 'wait' }

export class Clusters {
  readonly #self: Founder
  readonly #most: number
  /** By founder, what it started with. */
  readonly #started = new Map<MemberId, Formed>()

  /** `most`: founders that are taken note of. */
  constructor(self: Founder, most: number) {
    this.#self = self
    this.#most = most
  }

  note(from: MemberId, formed: Formed): void {
    if (!this.#started.has(from) && this.#started.size >= this.#most) return
    // Most start with the same: kept once, they are compared at a glance.
    const same = [...this.#started.values()].find(({ set }) => sameSet(set, formed.set))
    this.#started.set(from, same ? { ...formed, set: same.set } : formed)
  }

  /** Undefined: nobody is known to have started. */
  prospect(): Prospect | undefined {
    let resume: readonly MemberId[] | undefined
    for (const [peer, { set, founders, alive }] of this.#started) {
      if (!this.isOneOf(founders)) {
        if (alive) return { type: 'join', set, peer }
      } else if (set !== resume && !this.#isDead(set) && (!resume || textOf(set) < textOf(resume))) resume = set
    }
    if (resume) return { type: 'resume', set: resume }
    return this.#started.size > 0 ? { type: 'wait' } : undefined
  }

  /** A founder whose log was made anew has no vote among them: it joins like everyone else. */
  isOneOf(founders: readonly Founder[]): boolean {
    const { id, storeId } = this.#self
    return founders.some((founder) => founder.id === id && founder.storeId === storeId)
  }

  #isDead(set: readonly MemberId[]): boolean {
    return set.some((id) => {
      const started = this.#started.get(id)
      return started !== undefined && !sameSet(started.set, set)
    })
  }
}

function textOf(set: readonly MemberId[]): string {
  return JSON.stringify(set)
}
