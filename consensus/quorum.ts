// Majority arithmetic, and nothing else: what n voters agree on. In joint consensus (thesis section 4.3) two sets of
// voters must agree: the answer is the smaller of both. No caller counts voters in another place.

import { isJoint } from './configuration.ts'
import type { RaftRules } from './rules.ts'
import type { Configuration, Voter } from './types.ts'

/** The least number of `voters` voters that is more than half of them. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1
}

/**
 * The largest value that at least `needed` of `values` have reached: with match indexes the index a majority stores,
 * with answered rounds the round a majority answered. One value per voter, 0 for a voter that has reached nothing.
 * Quadratic, for at most 7.
 */
export function reachedBy(needed: number, values: readonly number[]): number {
  let best = 0
  for (const candidate of values) {
    if (candidate <= best) continue
    let count = 0
    for (const value of values) if (value >= candidate) count++
    if (count >= needed) best = candidate
  }
  return best
}

/** The largest value that a majority of the voters has reached, of both sets while the configuration is joint. */
export function agreedBy(
  configuration: Configuration,
  rules: Pick<RaftRules, 'majority' | 'agreedJointly'>,
  reached: (voter: Voter) => number,
): number {
  const by = (voters: readonly Voter[]): number => reachedBy(rules.majority(voters.length), voters.map(reached))
  const incoming = by(configuration.voters)
  return isJoint(configuration) ? rules.agreedJointly(incoming, by(configuration.outgoing)) : incoming
}
