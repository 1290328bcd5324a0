// Becoming follower, pre-candidate, candidate, leader (figure 3.3). The term, the vote and the role change here and
// nowhere else, so that what must go with a change cannot be forgotten: timers, held answers, the announcement.

import { armElection, nextWait, patientWait } from './election-wait.ts'
import { invariant } from './invariant.ts'
import { Progress } from './progress.ts'
import { abandonLeaderReads, newLeaderReads } from './read-index.ts'
import { knownLeader, peersOf } from './standing.ts'
import type { Ballot, LeaderState, RaftState } from './state.ts'
import { handedOver } from './transfer.ts'
import type { Term, VoterId } from './types.ts'

/**
 * Section 3.3: a larger term is adopted, and with it the state of a follower that knows no leader and has not voted.
 */
export function adoptTerm<Command>(raft: RaftState<Command>, term: Term, now: number, reason: string): void {
  invariant(term > raft.hardState.term, `term ${term} is above ${raft.hardState.term}`)
  raft.hardState = { term, votedFor: undefined }
  raft.outbox.dropHeld()
  becomeFollower(raft, undefined, now, reason)
}

/** A follower keeps its wait through a change of term: only a leader or a granted vote renews it (section 3.4). */
export function becomeFollower<Command>(
  raft: RaftState<Command>,
  leader: VoterId | undefined,
  now: number,
  reason: string,
): void {
  const before = raft.role
  raft.role = { type: 'follower', leader, heardAt: now }
  if (before.type === 'leader') {
    abandonLeaderReads(raft, before)
    raft.outbox.clearTimer('heartbeat')
    raft.outbox.clearTimer('check-quorum')
  }
  // Who asked in vain may ask again soon, as long as there is evidence; a pre-vote disturbs nobody.
  if (before.type !== 'follower' && leader === undefined) nextWait(raft, now)
  else if (before.type !== 'follower') patientWait(raft, now)
  announce(raft, reason)
}

/** Section 9.6: asks before it disturbs. Changes neither term nor vote. */
export function becomePreCandidate<Command>(raft: RaftState<Command>, now: number, reason: string): void {
  raft.role = { type: 'pre-candidate', ballot: newBallot(raft, raft.hardState.term + 1, false) }
  patientWait(raft, now)
  announce(raft, reason)
}

/** Section 3.4: a new term, and a vote for itself. Nobody is asked before both are durable. */
export function becomeCandidate<Command>(
  raft: RaftState<Command>,
  now: number,
  reason: string,
  byTransfer = false,
): void {
  raft.hardState = { term: raft.hardState.term + 1, votedFor: raft.self }
  raft.outbox.dropHeld()
  raft.role = { type: 'candidate', ballot: newBallot(raft, raft.hardState.term, byTransfer) }
  patientWait(raft, now)
  announce(raft, reason)
}

/** Section 3.4: leads its term. Its first entry, of its own term, is appended by the caller (section 6.4). */
export function becomeLeader<Command>(raft: RaftState<Command>, now: number): LeaderState {
  invariant(raft.role.type === 'candidate', 'a leader was a candidate')
  const { maxInflightAppends } = raft.options
  const next = raft.log.lastIndex + 1
  const leader: LeaderState = {
    type: 'leader',
    since: now,
    progress: new Map(peersOf(raft).map((peer) => [peer, new Progress(next, maxInflightAppends, now)])),
    reads: newLeaderReads(),
    rounds: [],
    answeredRound: 0,
    quorumAt: undefined,
    patientFrom: now,
    presentSince: now,
    sparesAt: undefined,
    presentRound: 0,
  }
  raft.role = leader
  raft.wait.until = Number.POSITIVE_INFINITY
  raft.wait.doubted = undefined
  raft.wait.shortWaits = 0
  armElection(raft)
  announce(raft, 'won the vote')
  return leader
}

/** The ballot cannot be won any more: back to waiting, for a short time while there is evidence. */
export function abandonBallot<Command>(raft: RaftState<Command>, now: number): void {
  raft.role = { type: 'follower', leader: undefined, heardAt: now }
  nextWait(raft, now)
  announce(raft, 'lost the ballot')
}

/** Tells once that role, term or known leader changed. */
export function announce<Command>(raft: RaftState<Command>, reason: string): void {
  const { term } = raft.hardState
  const role = raft.role.type
  const leader = knownLeader(raft)
  const { announced } = raft
  if (announced?.role === role && announced.term === term && announced.leader === leader) return
  raft.announced = { role, term, leader }
  handedOver(raft, leader)
  raft.outbox.emit({ type: 'role', role, term, leader, reason })
}

function newBallot<Command>(raft: RaftState<Command>, term: Term, byTransfer: boolean): Ballot {
  raft.round++
  const { doubted, isDoubtedBack } = raft.wait
  // Whoever is known to be gone will not answer; should it, its yes counts all the same.
  const denied = peersOf(raft).filter((peer) => peer === doubted && !isDoubtedBack)
  const storeIds = new Map([[raft.self, raft.storeId]])
  return { term, round: raft.round, granted: [], denied, ticket: undefined, asked: false, storeIds, byTransfer }
}
