// Where a member stands, read from its state and changed nowhere here: which configuration it goes by, whether it has a
// vote, whom it takes for its leader, what is settled, who has caught up. Thesis chapter 4.

import { hasVote, membersOf } from './configuration.ts'
import type { LeaderState, RaftState } from './state.ts'
import type { Configuration, Voter, VoterId } from './types.ts'

/** The leader this voter knows in its term: itself, or whom it hears. */
export function knownLeader<Command>(raft: RaftState<Command>): VoterId | undefined {
  if (raft.role.type === 'leader') return raft.self
  if (raft.role.type !== 'follower') return undefined
  return raft.role.leader === raft.wait.doubted ? undefined : raft.role.leader
}

/** The configuration this member goes by. */
export function inForce<Command>(raft: RaftState<Command>): Configuration {
  const { configurations, commitIndex, rules } = raft
  return rules.configurationInForce(configurations.latest.configuration, configurations.at(commitIndex))
}

/** Whether this member, with its log, has a vote. */
export function isVoter<Command>(raft: RaftState<Command>): boolean {
  return hasVote(inForce(raft), raft.self, raft.storeId)
}

/**
 * Whether this member may stand for election. Section 4.2.2: one that the latest configuration leaves out does so too,
 * until that is committed, for the entry may be in no other log that could win; its own vote does not count. A member
 * that has just started knows of little that is committed: then it is enough that one of the configurations since had a
 * vote for it.
 */
export function mayStand<Command>(raft: RaftState<Command>): boolean {
  if (isVoter(raft)) return true
  const { configurations, commitIndex, rules } = raft
  if (!rules.standsUntilCommitted(isSettled(raft))) return false
  return configurations.from(commitIndex).some((each) => hasVote(each, raft.self, raft.storeId))
}

/** Everybody else who holds the log. */
export function peersOf<Command>(raft: RaftState<Command>): VoterId[] {
  return membersOf(inForce(raft)).filter((id) => id !== raft.self)
}

/** Whether the latest configuration is committed. */
export function isSettled<Command>({ configurations, commitIndex }: RaftState<Command>): boolean {
  return configurations.latest.index <= commitIndex
}

/** A leader knows what is committed once an entry of its own term is (section 6.4). */
export function ownTermCommitted<Command>({ log, commitIndex, hardState }: RaftState<Command>): boolean {
  return log.termAt(commitIndex) === hardState.term
}

/**
 * Section 4.2.1: a voter that must first catch up, or whose log has gone meanwhile, would hold back what is committed.
 */
export function hasCaughtUp<Command>(
  raft: RaftState<Command>,
  leader: LeaderState,
  { id, storeId }: Voter,
  now: number,
): boolean {
  if (id === raft.self) return storeId === raft.storeId
  const progress = leader.progress.get(id)
  const { electionTimeoutMaxMs, caughtUpEntries } = raft.options
  if (progress?.heardAt === undefined || now - progress.heardAt > electionTimeoutMaxMs) return false
  if (progress.answeredRound < leader.presentRound) return false
  return progress.storeId === storeId && progress.match > 0 && progress.match + caughtUpEntries >= raft.commitIndex
}
