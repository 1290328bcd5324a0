// The leader's side of replication: what to send to whom, and what the answers say (thesis section 3.5). Messages
// follow each other without waiting for answers (section 10.2.1); what does not fit under that bound becomes the next
// batch.

import { beginRound, roundAnswered } from './contact.ts'
import { appendEntries } from './entries.ts'
import type { RaftMessage } from './messages.ts'
import { Progress } from './progress.ts'
import { confirmReads, joinRound } from './read-index.ts'
import { becomeLeader } from './role.ts'
import { beginSnapshot, onSnapshotReply, retrySnapshot } from './snapshot.ts'
import { maySpare, reliedUpon, tellSpare } from './spares.ts'
import type { LeaderState, RaftState } from './state.ts'
import type { Voter, VoterId } from './types.ts'

type SnapshotReply = Extract<RaftMessage<unknown>, { type: 'snapshot-reply' }>
type AppendReply = Extract<RaftMessage<unknown>, { type: 'append-reply' }>

/**
 * Takes the lead with an entry of its own term: until one is committed, nothing before it is known to be (sections
 * 3.6.2 and 6.4).
 */
export function beginLeading<Command>(raft: RaftState<Command>, now: number): void {
  const leader = becomeLeader(raft, now)
  appendOwn(raft, undefined)
  raft.outbox.setTimer('check-quorum', now + raft.options.electionTimeoutMaxMs)
  heartbeat(raft, leader, now)
}

/** A new round to everyone: proof of contact, a look for what was lost, and the commit index. */
export function heartbeat<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  sendRound(raft, leader, now)
  for (const [peer, progress] of leader.progress) retrySnapshot(raft, progress, peer, now)
  // What told the successor to stand may be lost.
  if (raft.transfer !== undefined) raft.transfer.told = false
  raft.outbox.setTimer('heartbeat', now + raft.options.heartbeatIntervalMs)
}

/** A new round to everyone; the reads that wait join it. */
export function sendRound<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  beginRound(raft, leader, now)
  joinRound(raft, leader)
  for (const peer of leader.progress.keys()) sendTo(raft, leader, peer, 'always', now)
  confirmReads(raft, leader)
}

/** Appends to the leader's own log; it may be sent before it is durable (section 10.2.1). */
export function appendOwn<Command>(raft: RaftState<Command>, command: Command | undefined): void {
  appendEntries(raft, [{ index: raft.log.lastIndex + 1, term: raft.hardState.term, command }])
}

/**
 * Sends each follower what is new to it: entries, as many as may be under way, else the commit index. Spares may wait
 * for more.
 */
export function sendNews<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  const relied = reliedUpon(raft, leader)
  for (const [peer, progress] of leader.progress) tell(raft, leader, relied, peer, progress, now)
}

/** The time of spares has come. */
export function onSparesTimer<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  if (leader.sparesAt === undefined) return
  if (now < leader.sparesAt) {
    raft.outbox.setTimer('spares', leader.sparesAt)
    return
  }
  leader.sparesAt = undefined
  sendNews(raft, leader, now)
}

function tell<Command>(
  raft: RaftState<Command>,
  leader: LeaderState,
  relied: readonly VoterId[] | undefined,
  peer: VoterId,
  progress: Progress,
  now: number,
): void {
  const waitsUntil =
    hasNews(raft, progress) && maySpare(raft, relied, peer, progress) ? tellSpare(raft, progress, now) : now
  if (waitsUntil <= now) {
    sendTo(raft, leader, peer, 'news', now)
  } else if (leader.sparesAt === undefined || waitsUntil < leader.sparesAt) {
    leader.sparesAt = waitsUntil
    raft.outbox.setTimer('spares', waitsUntil)
  }
}

function hasNews<Command>({ log, commitIndex }: RaftState<Command>, { next, toldCommit }: Progress): boolean {
  return next <= log.lastIndex || toldCommit < commitIndex
}

/** The link to `peer` is new: what was under way is lost, and it need not wait for the next heartbeat. */
export function reconnected<Command>(raft: RaftState<Command>, leader: LeaderState, peer: VoterId, now: number): void {
  leader.progress.get(peer)?.restart()
  sendTo(raft, leader, peer, 'always', now)
}

/** An answer of the current term. A member that answers with another log than before is begun with anew. */
export function onFollowerReply<Command>(
  raft: RaftState<Command>,
  leader: LeaderState,
  { id: from, storeId }: Voter,
  message: AppendReply | SnapshotReply,
  now: number,
): void {
  let progress = leader.progress.get(from)
  if (progress === undefined) return
  if (progress.storeId !== undefined && progress.storeId !== storeId) {
    progress = new Progress(raft.log.lastIndex + 1, raft.options.maxInflightAppends, now)
    leader.progress.set(from, progress)
  }
  progress.storeId = storeId
  roundAnswered(raft, leader, from, message.round, now)
  if (message.type === 'snapshot-reply') {
    onSnapshotReply(raft, progress, from, message, now)
  } else if (message.accepted) {
    progress.accepted(message.matchIndex)
  } else {
    if (!progress.isNews(message.matchIndex)) return
    const last = Math.min(message.hintIndex, message.matchIndex - 1)
    progress.refused(raft.log.lastAgreement(last, message.hintTerm).index)
  }
  tell(raft, leader, reliedUpon(raft, leader), from, progress, now)
}

function sendTo<Command>(
  raft: RaftState<Command>,
  leader: LeaderState,
  to: VoterId,
  when: 'always' | 'news',
  now: number,
): void {
  const progress = leader.progress.get(to)
  if (progress === undefined) return
  if (progress.mode === 'snapshot') {
    if (when === 'always') sendContact(raft, progress, to)
    return
  }
  if (when === 'always' && progress.mode === 'probe') progress.lookAgain()
  if (raft.log.termAt(progress.next - 1) === undefined) {
    beginSnapshot(raft, progress, to, now)
    sendTo(raft, leader, to, when, now)
    return
  }
  let sent = false
  while (progress.hasRoom && (progress.next <= raft.log.lastIndex || (progress.mode === 'probe' && !sent))) {
    sendAppend(raft, progress, to, raft.options.maxEntriesPerAppend)
    sent = true
  }
  const isBehind = progress.mode === 'replicate' && progress.toldCommit < raft.commitIndex
  if (!sent && (when === 'always' || isBehind)) sendAppend(raft, progress, to, 0)
}

/**
 * To a follower that waits for a snapshot: a round to answer. Once it has taken the snapshot up, it has this previous
 * entry.
 */
function sendContact<Command>(
  { outbox, hardState, round }: RaftState<Command>,
  { sending }: Progress,
  to: VoterId,
): void {
  if (sending === undefined) return
  const { index: previousIndex, term: previousTerm } = sending.snapshot
  const { term } = hardState
  outbox.send(to, { type: 'append', term, round, previousIndex, previousTerm, commitIndex: previousIndex, entries: [] })
}

function sendAppend<Command>(raft: RaftState<Command>, progress: Progress, to: VoterId, limit: number): void {
  const { log, commitIndex } = raft
  const previousIndex = progress.next - 1
  const previousTerm = log.termAt(previousIndex) ?? 0
  const entries = log.slice(progress.next, previousIndex + limit)
  raft.outbox.send(to, {
    type: 'append',
    term: raft.hardState.term,
    round: raft.round,
    previousIndex,
    previousTerm,
    commitIndex,
    entries,
  })
  progress.toldCommit = commitIndex
  progress.sent(previousIndex + entries.length, entries.length)
}
