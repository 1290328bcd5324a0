// Election safety (thesis section 3.4): at most one leader can be elected in a term. The memory outlives every crash,
// so two leaders of one term are found even if they never run at the same time.

import type { Term, VoterId } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

export class ElectionSafety {
  readonly #leaders = new Map<Term, VoterId>()

  /** Terms that had a leader. */
  get elections(): number {
    return this.#leaders.size
  }

  elected(id: VoterId, term: Term): void {
    const known = this.#leaders.get(term)
    check(known === undefined || known === id, 'election-safety', () => `${known} and ${id} both lead term ${term}`)
    this.#leaders.set(term, id)
  }
}
