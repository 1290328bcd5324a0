// What a configuration says: who has a vote, who holds the log. Thesis chapter 4. A voter is a member together with its
// log, so the same member may stand here twice: with the log it lost among the outgoing, with its new one among the
// voters.

import { invariant } from './invariant.ts'
import type { Configuration, LogIndex, Voter, VoterId } from './types.ts'

/** The configuration with these voters and nobody else. */
export function votersOnly(voters: readonly Voter[]): Configuration {
  return { voters, outgoing: [], learners: [] }
}

/** Whether voters are being replaced, so that two majorities decide. */
export function isJoint({ outgoing }: Configuration): boolean {
  return outgoing.length > 0
}

/** Everybody who holds the log, each member once. */
export function membersOf({ voters, outgoing, learners }: Configuration): VoterId[] {
  return [...new Set([...voters, ...outgoing, ...learners].map(({ id }) => id))]
}

/** Whether this member holds the log. */
export function isMember({ voters, outgoing, learners }: Configuration, id: VoterId): boolean {
  const isIn = (list: readonly Voter[]): boolean => list.some((voter) => voter.id === id)
  return isIn(voters) || isIn(outgoing) || isIn(learners)
}

/** Whether this member with this log has a vote, in either half of a joint configuration. */
export function hasVote({ voters, outgoing }: Configuration, id: VoterId, storeId: string): boolean {
  return includesVoter(voters, { id, storeId }) || includesVoter(outgoing, { id, storeId })
}

/** Whether this member with this log is one of `voters`. */
export function includesVoter(voters: readonly Voter[], { id, storeId }: Voter): boolean {
  return voters.some((voter) => voter.id === id && voter.storeId === storeId)
}

/** Whether both lists name the same voters, in any order. */
export function sameVoters(one: readonly Voter[], other: readonly Voter[]): boolean {
  return one.length === other.length && one.every((voter) => includesVoter(other, voter))
}

interface Placed {
  readonly index: LogIndex
  readonly configuration: Configuration
}

/**
 * The configurations in one log, by the index of their entries. A truncated entry takes its configuration along, and
 * the one before is in force again (thesis section 4.1).
 */
export class Configurations {
  /** Ascending. The first is the one that the log begins with. Never empty. */
  #placed: Placed[]

  constructor(index: LogIndex, configuration: Configuration) {
    this.#placed = [{ index, configuration }]
  }

  get latest(): Placed {
    return this.#placed.at(-1) as Placed
  }

  /** The latest at or before `index`. */
  at(index: LogIndex): Configuration {
    let found = this.#placed[0] as Placed
    for (const placed of this.#placed) if (placed.index <= index) found = placed
    return found.configuration
  }

  /** That one, and all after it. */
  from(index: LogIndex): Configuration[] {
    return [this.at(index), ...this.#placed.filter((placed) => placed.index > index).map((each) => each.configuration)]
  }

  add(index: LogIndex, configuration: Configuration): void {
    invariant(index > this.latest.index, `the configuration of ${index} follows that of ${this.latest.index}`)
    this.#placed.push({ index, configuration })
  }

  truncateFrom(first: LogIndex): void {
    invariant(first > (this.#placed[0] as Placed).index, `the configuration the log begins with stays`)
    this.#placed = this.#placed.filter(({ index }) => index < first)
  }

  /** A snapshot took the place of the log. */
  replaceBy(index: LogIndex, configuration: Configuration): void {
    this.#placed = [{ index, configuration }]
  }

  /** The log begins behind `index` now. */
  compact(index: LogIndex): void {
    const first = this.#placed.filter((placed) => placed.index <= index).length - 1
    if (first > 0) this.#placed = this.#placed.slice(first)
  }
}
