// What a configuration says: who has a vote, who holds the log. Thesis chapter 4. A voter is a member together with its
// log, so the same member may stand here twice: with the log it lost among the outgoing, with its new one among the voters.

import type { Configuration, Voter, VoterId } from './types.ts'

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

/** Whether this member with this log has a vote, in either half of a joint configuration. */
export function hasVote({ voters, outgoing }: Configuration, id: VoterId, storeId: string): boolean {
  return [...voters, ...outgoing].some((voter) => voter.id === id && voter.storeId === storeId)
}
