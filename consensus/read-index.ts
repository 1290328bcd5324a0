// Linearizable reads without a write. Thesis section 6.4: a leader that has committed in its own term notes its commit
// index, begins a round, and when a majority has answered it knows that nobody else led meanwhile. Whoever has applied
// up to that index may read. A read joins only a round begun after it came; reads that come while one is under way
// share the next. No clock is asked. A follower asks its leader for the index, and applies up to it itself. A question
// is never asked twice under one number.

import type { RejectCode } from './core.ts'
import { knownLeader, ownTermCommitted } from './standing.ts'
import type { LeaderState, RaftState } from './state.ts'
import type { LogIndex, Term, VoterId } from './types.ts'

/** Who waits: this member's driver, or a follower with its question's number. */
type Reader =
  | { readonly type: 'own'; readonly read: number }
  | { readonly type: 'follower'; readonly from: VoterId; readonly round: number }

interface ReadRound {
  readonly round: number
  readonly index: LogIndex
  readonly readers: Reader[]
}

export interface LeaderReads {
  /** Came since the last round of reads began. */
  waiting: Reader[]
  /** Rounds that no majority has answered yet, oldest first. */
  rounds: ReadRound[]
}

export interface FollowerReads {
  /** Reads that came since the question that is under way. */
  waiting: number[]
  asked:
    | {
        readonly round: number
        readonly leader: VoterId
        readonly term: Term
        readonly until: number
        readonly reads: number[]
      }
    | undefined
  /** Proved, and served when that much is applied. */
  proved: { readonly read: number; readonly index: LogIndex }[]
  /** Number of the next question; drawn at the first, so that no two lives of one member share any. */
  nextRound: number | undefined
}

export function newLeaderReads(): LeaderReads {
  return { waiting: [], rounds: [] }
}

export function newFollowerReads(): FollowerReads {
  return { waiting: [], asked: undefined, proved: [], nextRound: undefined }
}

/** This member's driver wants to read. */
export function onRead<Command>(raft: RaftState<Command>, read: number): void {
  const { role, reads } = raft
  if (role.type === 'leader') {
    join(raft, role, { type: 'own', read })
  } else if (knownLeader(raft) === undefined) {
    refuse(raft, read, 'not-leader')
  } else if (reads.waiting.length + reads.proved.length >= raft.options.maxPendingReads) {
    refuse(raft, read, 'busy')
  } else {
    reads.waiting.push(read)
  }
}

/** A follower wants to read. */
export function onReadIndex<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  { term, round }: { readonly term: Term; readonly round: number },
): void {
  if (raft.role.type === 'leader' && term === raft.hardState.term)
    join(raft, raft.role, { type: 'follower', from, round })
  else raft.outbox.send(from, { type: 'read-index-reply', term: raft.hardState.term, round, index: undefined })
}

export function onReadIndexReply<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  { round, index }: { readonly round: number; readonly index: LogIndex | undefined },
): void {
  const { reads, rules } = raft
  if (reads.asked === undefined || !rules.answersRead(reads.asked.round, round)) {
    raft.outbox.emit({ type: 'dropped', from, reason: 'late-answer' })
    return
  }
  for (const read of reads.asked.reads) {
    if (index === undefined) refuse(raft, read, 'unsettled')
    else reads.proved.push({ read, index })
  }
  reads.asked = undefined
  raft.outbox.clearTimer('read')
}

/** No answer came in time; it may be lost. */
export function onReadTimer<Command>(raft: RaftState<Command>, now: number): void {
  const { reads, outbox } = raft
  if (reads.asked === undefined) return
  if (now < reads.asked.until) outbox.setTimer('read', reads.asked.until)
  else refuseAll(raft, 'timed-out')
}

/** After each step: asks for what waits, and serves what is proved and applied. */
export function advanceReads<Command>(raft: RaftState<Command>, now: number): void {
  if (raft.role.type === 'leader') {
    // What was asked of a leader before is not answered any more.
    refuseAll(raft, 'not-leader')
  } else {
    askLeader(raft, now)
  }
  serve(raft)
}

/** Whether reads wait for a round to begin, and none is under way that the next may share. */
export function wantsRound<Command>(raft: RaftState<Command>, leader: LeaderState): boolean {
  return leader.reads.rounds.length === 0 && mayBegin(raft, leader)
}

/** A round begins: the reads that came before it join it. */
export function joinRound<Command>(raft: RaftState<Command>, leader: LeaderState): void {
  if (!mayBegin(raft, leader)) return
  const { reads } = leader
  reads.rounds.push({ round: raft.round, index: raft.commitIndex, readers: reads.waiting })
  reads.waiting = []
}

/** A majority has answered up to `leader.answeredRound`. */
export function confirmReads<Command>(raft: RaftState<Command>, leader: LeaderState): void {
  const { reads, answeredRound } = leader
  if (reads.rounds.length === 0) return
  const open: ReadRound[] = []
  for (const each of reads.rounds) {
    if (raft.rules.readIsProved(each.round, answeredRound)) prove(raft, each)
    else open.push(each)
  }
  reads.rounds = open
}

/** Leadership is over: whoever waits must ask anew. */
export function abandonLeaderReads<Command>(raft: RaftState<Command>, { reads }: LeaderState): void {
  const { term } = raft.hardState
  for (const reader of [...reads.rounds.flatMap(({ readers }) => readers), ...reads.waiting]) {
    if (reader.type === 'own') refuse(raft, reader.read, 'not-leader')
    else raft.outbox.send(reader.from, { type: 'read-index-reply', term, round: reader.round, index: undefined })
  }
}

function mayBegin<Command>(raft: RaftState<Command>, { reads }: LeaderState): boolean {
  return reads.waiting.length > 0 && raft.rules.mayAnswerReads(ownTermCommitted(raft))
}

function join<Command>(raft: RaftState<Command>, { reads }: LeaderState, reader: Reader): void {
  const open = raft.rules.readJoinsOpenRound() ? reads.rounds.at(-1) : undefined
  if (open !== undefined) open.readers.push(reader)
  else if (reads.waiting.length < raft.options.maxPendingReads) reads.waiting.push(reader)
  else if (reader.type === 'own') refuse(raft, reader.read, 'busy')
  else {
    const { term } = raft.hardState
    raft.outbox.send(reader.from, { type: 'read-index-reply', term, round: reader.round, index: undefined })
  }
}

function prove<Command>(raft: RaftState<Command>, { index, readers }: ReadRound): void {
  const { term } = raft.hardState
  for (const reader of readers) {
    if (reader.type === 'own') raft.reads.proved.push({ read: reader.read, index })
    else raft.outbox.send(reader.from, { type: 'read-index-reply', term, round: reader.round, index })
  }
}

function askLeader<Command>(raft: RaftState<Command>, now: number): void {
  const { reads, outbox, options, hardState } = raft
  const leader = knownLeader(raft)
  if (reads.asked !== undefined && (reads.asked.leader !== leader || reads.asked.term !== hardState.term)) {
    refuseAll(raft, 'not-leader')
  }
  if (reads.asked !== undefined || reads.waiting.length === 0) return
  if (leader === undefined || leader === raft.self) {
    refuseAll(raft, 'not-leader')
    return
  }
  reads.nextRound ??= Math.floor(raft.random() * 2 ** 31) * 2 ** 20
  const round = ++reads.nextRound
  const until = now + options.electionTimeoutMinMs
  reads.asked = { round, leader, term: hardState.term, until, reads: reads.waiting }
  reads.waiting = []
  outbox.send(leader, { type: 'read-index', term: hardState.term, round })
  outbox.setTimer('read', until)
}

function serve<Command>(raft: RaftState<Command>): void {
  const { reads, appliedIndex, rules, outbox } = raft
  if (reads.proved.length === 0) return
  const early: FollowerReads['proved'] = []
  for (const each of reads.proved) {
    if (rules.mayServeRead(each.index, appliedIndex)) outbox.push({ type: 'readable', ...each })
    else early.push(each)
  }
  reads.proved = early
}

function refuseAll<Command>(raft: RaftState<Command>, code: RejectCode): void {
  const { reads, outbox } = raft
  if (reads.asked === undefined && reads.waiting.length === 0) return
  const all = [...(reads.asked?.reads ?? []), ...reads.waiting]
  if (reads.asked !== undefined) outbox.clearTimer('read')
  reads.asked = undefined
  reads.waiting = []
  for (const read of all) refuse(raft, read, code)
}

function refuse<Command>(raft: RaftState<Command>, read: number, code: RejectCode): void {
  raft.outbox.push({ type: 'unreadable', read, code, leader: knownLeader(raft) })
}
