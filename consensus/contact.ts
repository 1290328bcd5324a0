// A leader's contact with the majority: rounds, what an answer to one proves, and stepping down without one. Thesis
// sections 6.2 (check-quorum), 6.4 (reads wait for a round) and 6.4.1 (leases count from the send time).

import { agreedBy } from './quorum.ts'
import { confirmReads } from './read-index.ts'
import { becomeFollower } from './role.ts'
import { inForce } from './standing.ts'
import { type LeaderState, maxOpenRounds, type RaftState } from './state.ts'
import type { VoterId } from './types.ts'

/** Whatever is sent from now on asks anew. This voter answers itself at once. */
export function beginRound<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  raft.round++
  leader.rounds.push({ round: raft.round, sentAt: now })
  if (leader.rounds.length > maxOpenRounds) leader.rounds.shift()
  countRounds(raft, leader, now)
}

/** `peer` answered `round`, whatever it answered: it has this voter for its leader. */
export function roundAnswered<Command>(
  raft: RaftState<Command>,
  leader: LeaderState,
  peer: VoterId,
  round: number,
  now: number,
): void {
  const progress = leader.progress.get(peer)
  if (progress === undefined) return
  progress.heardAt = now
  if (round <= progress.answeredRound) return
  progress.answeredRound = round
  countRounds(raft, leader, now)
}

/**
 * The process was away: the answers that wait come first, and what the clock has not counted voids every round before.
 */
export function doubtContact<Command>(
  raft: RaftState<Command>,
  leader: LeaderState,
  uncountedMs: number,
  now: number,
): void {
  leader.patientFrom = now
  leader.presentSince = now
  leader.presentRound = raft.round + 1
  if (!raft.rules.countsRoundFromBeforeAway(uncountedMs)) {
    leader.rounds = []
    leader.quorumAt = undefined
  }
  raft.outbox.setTimer('check-quorum', now + raft.options.electionTimeoutMaxMs)
}

/** Steps down when neither a majority nor this voter's own disk has answered for an election timeout. */
export function checkQuorum<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  const { electionTimeoutMaxMs, heartbeatIntervalMs } = raft.options
  const diskFrom = Math.max(raft.log.oldestWriteAt ?? now, leader.presentSince)
  if (raft.rules.lostQuorum(now - leader.patientFrom, electionTimeoutMaxMs)) {
    becomeFollower(raft, undefined, now, 'no majority answers')
  } else if (raft.rules.lostQuorum(now - diskFrom, electionTimeoutMaxMs)) {
    becomeFollower(raft, undefined, now, 'the disk does not answer')
  } else {
    const at = Math.min(leader.patientFrom, diskFrom) + electionTimeoutMaxMs
    raft.outbox.setTimer('check-quorum', at > now ? at : now + heartbeatIntervalMs)
  }
}

function countRounds<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  const round = agreedBy(inForce(raft), raft.rules, (voter) => {
    if (voter.id === raft.self) return raft.rules.speaksFor(voter, raft.storeId) ? raft.round : 0
    const progress = leader.progress.get(voter.id)
    return raft.rules.speaksFor(voter, progress?.storeId) ? (progress?.answeredRound ?? 0) : 0
  })
  leader.answeredRound = Math.max(leader.answeredRound, round)
  confirmReads(raft, leader)
  const proved = leader.rounds.filter((open) => open.round <= round).at(-1)
  if (proved === undefined) return
  leader.rounds = leader.rounds.filter((open) => open.round > round)
  leader.quorumAt = raft.rules.leaseCountsFrom(proved.sentAt, now)
  leader.patientFrom = Math.max(leader.patientFrom, proved.sentAt)
}
