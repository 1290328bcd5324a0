// Elections: when to ask, whom to answer, what to count. Thesis sections 3.4 (votes), 3.6.1 (only an up-to-date log
// wins), 4.2.3 (a voter that hears its leader does not help to depose it), 4.3 (both majorities elect), 9.6 (pre-vote).

import { patientWait } from './election-wait.ts'
import type { RaftMessage } from './messages.ts'
import { agreedBy } from './quorum.ts'
import { beginLeading } from './replication.ts'
import { abandonBallot, becomeCandidate, becomeFollower, becomePreCandidate } from './role.ts'
import { inForce, mayStand, peersOf } from './standing.ts'
import type { Ballot, RaftState } from './state.ts'
import type { Voter, VoterId } from './types.ts'

/** What a voter answers with, and with which log. */
interface Answer {
  readonly term: number
  readonly round: number
  readonly granted: boolean
}

type Of<Type extends RaftMessage<unknown>['type']> = Extract<RaftMessage<unknown>, { type: Type }>

/** Silence or evidence has ended the wait: ask whether an election would be won, before disturbing anybody. */
export function campaign<Command>(raft: RaftState<Command>, now: number, reason: string): void {
  if (!mayStand(raft)) {
    patientWait(raft, now)
    return
  }
  becomePreCandidate(raft, now, reason)
  const ballot = openBallot(raft)
  if (ballot === undefined) return
  ballot.granted.push(raft.self)
  ballot.asked = true
  for (const peer of peersOf(raft)) ask(raft, peer)
  conclude(raft, ballot, now)
}

/** The leader of this term asks this voter to stand. */
export function onTimeoutNow<Command>(raft: RaftState<Command>, from: VoterId, term: number, now: number): void {
  const isAsked = raft.role.type === 'follower' && term === raft.hardState.term && raft.role.leader === from
  if (isAsked && mayStand(raft)) becomeCandidate(raft, now, 'the leader hands over', true)
  else raft.outbox.emit({ type: 'dropped', from, reason: 'late-answer' })
}

/** A candidate's own vote is durable: it counts, and the others may be asked. */
export function askForVotes<Command>(raft: RaftState<Command>, now: number): void {
  const ballot = openBallot(raft)
  if (ballot === undefined || ballot.asked) return
  ballot.ticket ??= raft.disk.ticket
  if (!raft.rules.candidacyAfterDurable(ballot.ticket, raft.disk.durable)) return
  ballot.asked = true
  ballot.granted.push(raft.self)
  for (const peer of peersOf(raft)) ask(raft, peer)
  conclude(raft, ballot, now)
}

/** Sends this voter's open question to `peer`, for the first time or because the link is new. */
export function ask<Command>(raft: RaftState<Command>, peer: VoterId): void {
  const ballot = openBallot(raft)
  if (ballot === undefined || !ballot.asked) return
  const type = raft.role.type === 'pre-candidate' ? 'pre-vote' : ballot.byTransfer ? 'transfer-vote' : 'vote'
  const { index: lastIndex, term: lastTerm } = raft.log.end
  raft.outbox.send(peer, { type, term: ballot.term, round: ballot.round, lastIndex, lastTerm })
}

/** Whether a live leader is heard, be it this voter itself with a majority behind it (section 4.2.3). */
export function hearsLeader<Command>(raft: RaftState<Command>, now: number): boolean {
  const { role, rules, wait } = raft
  const { electionTimeoutMinMs } = raft.options
  if (role.type === 'leader')
    return role.quorumAt !== undefined && rules.hearsLeader(now - role.quorumAt, electionTimeoutMinMs, false)
  if (role.type !== 'follower' || role.leader === undefined) return false
  return rules.hearsLeader(now - role.heardAt, electionTimeoutMinMs, role.leader === wait.doubted)
}

/**
 * Whether somebody else may just have been elected: this voter itself, or whom it voted for and has not heard since.
 * That one is waited for as long as a leader is that falls silent, for another who asks now would depose it.
 */
function expectsLeader<Command>(
  { role, hardState, wait, options, self }: RaftState<Command>,
  from: VoterId,
  now: number,
): boolean {
  if (role.type === 'leader') return role.answeredRound === 0 && now - role.since < options.electionTimeoutMinMs
  const { votedFor } = hardState
  if (role.type !== 'follower' || role.leader !== undefined) return false
  // In a later term nobody was voted for yet, and whoever was elected before leads no more.
  if (votedFor === undefined || votedFor === self || votedFor === from) return false
  return now - wait.votedAt < options.electionTimeoutMinMs
}

/** Answers without a promise: nothing here changes. */
export function onPreVote<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  message: Of<'pre-vote'>,
  now: number,
): void {
  const { term } = raft.hardState
  const isLed = hearsLeader(raft, now) || expectsLeader(raft, from, now)
  const granted = raft.rules.mayGrantPreVote(message.term, term, isUpToDate(raft, message), isLed)
  raft.outbox.send(from, { type: 'pre-vote-reply', term, round: message.round, granted })
}

/** The term of `message` is not above ours: a higher one has been adopted. */
export function onVote<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  message: Of<'vote' | 'transfer-vote'>,
  now: number,
): void {
  const { term, votedFor } = raft.hardState
  const granted = message.term === term && raft.rules.mayGrantVote(votedFor, from, isUpToDate(raft, message))
  const reply = { type: 'vote-reply', term, round: message.round, granted } as const
  if (!granted) {
    raft.outbox.send(from, reply)
    return
  }
  raft.hardState = { term, votedFor: from }
  raft.wait.votedAt = now
  if (raft.role.type === 'pre-candidate') becomeFollower(raft, undefined, now, 'granted a vote')
  patientWait(raft, now)
  raft.outbox.hold('vote', from, reply)
}

/** The voter's own term may lie below ours: a pre-vote is bound to the ballot by its round alone. */
export function onPreVoteReply<Command>(
  raft: RaftState<Command>,
  from: Voter,
  message: Of<'pre-vote-reply'>,
  now: number,
): void {
  const ballot = raft.role.type === 'pre-candidate' ? raft.role.ballot : undefined
  count(raft, ballot, from, { ...message, term: ballot?.term ?? message.term }, now)
}

export function onVoteReply<Command>(
  raft: RaftState<Command>,
  from: Voter,
  message: Of<'vote-reply'>,
  now: number,
): void {
  count(raft, raft.role.type === 'candidate' ? raft.role.ballot : undefined, from, message, now)
}

function count<Command>(
  raft: RaftState<Command>,
  ballot: Ballot | undefined,
  { id: from, storeId }: Voter,
  reply: Answer,
  now: number,
): void {
  if (ballot === undefined || !raft.rules.countsVote(ballot, from, reply)) {
    raft.outbox.emit({ type: 'dropped', from, reason: 'late-answer' })
    return
  }
  ballot.storeIds.set(from, storeId)
  ballot.denied = ballot.denied.filter((voter) => voter !== from)
  if (reply.granted) ballot.granted.push(from)
  else ballot.denied.push(from)
  conclude(raft, ballot, now)
}

/** A majority said yes: go on. So many said no that none can: wait. */
function conclude<Command>(raft: RaftState<Command>, ballot: Ballot, now: number): void {
  const { rules } = raft
  const isSaid = (voter: Voter, by: readonly VoterId[]): boolean =>
    by.includes(voter.id) && rules.speaksFor(voter, ballot.storeIds.get(voter.id))
  const configuration = inForce(raft)
  if (agreedBy(configuration, rules, (voter) => yes(isSaid(voter, ballot.granted))) > 0) {
    if (raft.role.type === 'candidate') beginLeading(raft, now)
    else becomeCandidate(raft, now, 'won the pre-vote')
  } else if (agreedBy(configuration, rules, (voter) => yes(!ballot.denied.includes(voter.id))) === 0) {
    abandonBallot(raft, now)
  }
}

function yes(holds: boolean): number {
  return holds ? 1 : 0
}

function openBallot<Command>(raft: RaftState<Command>): Ballot | undefined {
  return raft.role.type === 'candidate' || raft.role.type === 'pre-candidate' ? raft.role.ballot : undefined
}

function isUpToDate<Command>(raft: RaftState<Command>, message: Of<'vote' | 'transfer-vote' | 'pre-vote'>): boolean {
  return raft.rules.isUpToDate({ index: message.lastIndex, term: message.lastTerm }, raft.log.end)
}
