// Who may say what: the checks every message passes before its own handler sees it (thesis section 3.3 for terms,
// section 4.2.3 for who may not disturb). What cannot be accepted is dropped and counted; nothing that a peer sends
// throws.

import { onAppend } from './acceptance.ts'
import { isMember } from './configuration.ts'
import { hearsLeader, onPreVote, onPreVoteReply, onTimeoutNow, onVote, onVoteReply } from './election.ts'
import type { RaftMessage } from './messages.ts'
import { onReadIndex, onReadIndexReply } from './read-index.ts'
import { onFollowerReply } from './replication.ts'
import { adoptTerm } from './role.ts'
import { onSnapshot } from './snapshot.ts'
import { inForce } from './standing.ts'
import type { RaftState } from './state.ts'
import type { Voter, VoterId } from './types.ts'

/** Why a message was dropped; the reasons of the `dropped` event. */
export type DropReason =
  | 'not-a-voter'
  | 'malformed'
  /** More writes under way than `maxPendingWrites`. */
  | 'disk-behind'
  /** A request for votes while the leader is heard. */
  | 'leader-heard'
  /** An answer of an earlier term. */
  | 'stale-term'
  /** An answer to an earlier question, or a second one. */
  | 'late-answer'
  | 'second-leader'
  | 'rewrites-committed'

export function receive<Command>(
  raft: RaftState<Command>,
  sender: Voter,
  message: RaftMessage<Command>,
  now: number,
): void {
  const from = sender.id
  const reason = objection(raft, from, message, now)
  if (reason !== undefined) {
    raft.outbox.emit({ type: 'dropped', from, reason })
    return
  }
  // A pre-vote asks about a term that nobody is in yet.
  if (message.type !== 'pre-vote' && raft.rules.stepsDown(message.term, raft.hardState.term))
    adoptTerm(raft, message.term, now, `saw term ${message.term}`)
  handle(raft, sender, message, now)
}

function handle<Command>(raft: RaftState<Command>, sender: Voter, message: RaftMessage<Command>, now: number): void {
  const from = sender.id
  switch (message.type) {
    case 'pre-vote':
      onPreVote(raft, from, message, now)
      break
    case 'pre-vote-reply':
      onPreVoteReply(raft, sender, message, now)
      break
    case 'vote':
    case 'transfer-vote':
      onVote(raft, from, message, now)
      break
    case 'vote-reply':
      onVoteReply(raft, sender, message, now)
      break
    case 'append':
      onAppend(raft, from, message, now)
      break
    case 'append-reply':
    case 'snapshot-reply':
      if (raft.role.type === 'leader') onFollowerReply(raft, raft.role, sender, message, now)
      else raft.outbox.emit({ type: 'dropped', from, reason: 'late-answer' })
      break
    case 'timeout-now':
      onTimeoutNow(raft, from, message.term, now)
      break
    case 'read-index':
      onReadIndex(raft, from, message)
      break
    case 'read-index-reply':
      onReadIndexReply(raft, from, message)
      break
    case 'snapshot':
      onSnapshot(raft, from, message, now)
      break
    default:
      message satisfies never
  }
}

function objection<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  message: RaftMessage<Command>,
  now: number,
): DropReason | undefined {
  const { term } = raft.hardState
  if (from === raft.self) return 'not-a-voter'
  if (isMalformed(raft, message)) return 'malformed'
  if (raft.log.pendingWrites >= raft.options.maxPendingWrites) return 'disk-behind'
  if (message.type === 'vote' && message.term > term && hearsLeader(raft, now)) return 'leader-heard'
  if (!isAnswer(message)) return undefined
  if (message.type !== 'read-index-reply' && !isMember(inForce(raft), from)) return 'not-a-voter'
  return message.type !== 'pre-vote-reply' && message.term < term ? 'stale-term' : undefined
}

function isAnswer(message: RaftMessage<unknown>): boolean {
  switch (message.type) {
    case 'pre-vote-reply':
    case 'vote-reply':
    case 'append-reply':
    case 'snapshot-reply':
    case 'read-index-reply':
      return true
    default:
      return false
  }
}

function isMalformed<Command>(raft: RaftState<Command>, message: RaftMessage<Command>): boolean {
  if (!isCount(message.term) || !isCount(message.round)) return true
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
    case 'transfer-vote':
      return !isCount(message.lastIndex) || !isCount(message.lastTerm)
    case 'append':
      return !isCount(message.commitIndex) || !followsOn(message)
    case 'append-reply':
      return isImpossible(raft, message)
    case 'read-index-reply':
      return message.index !== undefined && !isCount(message.index)
    case 'snapshot':
      return !isChunk(message)
    case 'snapshot-reply':
      return !isCount(message.index) || !isCount(message.offset)
    default:
      return false
  }
}

/** Entries must stand directly after the previous one, in terms that never fall and never exceed the leader's. */
function followsOn(message: Extract<RaftMessage<unknown>, { type: 'append' }>): boolean {
  let { previousIndex: index, previousTerm: term } = message
  if (!isCount(index) || !isCount(term) || (index === 0) !== (term === 0)) return false
  for (const entry of message.entries) {
    if (entry.index !== index + 1 || !isCount(entry.term) || entry.term < term || entry.term === 0) return false
    index = entry.index
    term = entry.term
  }
  return term <= message.term
}

/** A part of a snapshot lies within it, is not empty, and ends no later than the leader's term. */
function isChunk({ snapshot, offset, bytes, term }: Extract<RaftMessage<unknown>, { type: 'snapshot' }>): boolean {
  const { index, term: lastTerm, size, id } = snapshot
  if (![index, lastTerm, size, offset].every(isCount) || index === 0 || lastTerm === 0 || id === '') return false
  return lastTerm <= term && bytes.length > 0 && offset + bytes.length <= size
}

/**
 * An answer of our own term to what we never asked: a round not begun, an index beyond our log, the place before it.
 */
function isImpossible<Command>(
  raft: RaftState<Command>,
  message: Extract<RaftMessage<Command>, { type: 'append-reply' }>,
): boolean {
  const { matchIndex, hintIndex, hintTerm } = message
  if (!isCount(matchIndex) || !isCount(hintIndex) || !isCount(hintTerm)) return true
  if (message.term !== raft.hardState.term || raft.role.type !== 'leader') return false
  if (message.round > raft.round || matchIndex > raft.log.lastIndex) return true
  return !message.accepted && matchIndex === 0
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}
