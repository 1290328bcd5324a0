// Who may say what: the checks every message passes before its own handler sees it (thesis section 3.3 for terms, section
// 4.2.3 for who may not disturb). What cannot be accepted is dropped and counted; nothing that a peer sends throws.

import { onAppend } from './acceptance.ts'
import { hearsLeader, onPreVote, onPreVoteReply, onVote, onVoteReply } from './election.ts'
import type { RaftMessage } from './messages.ts'
import { onAppendReply } from './replication.ts'
import { adoptTerm } from './role.ts'
import type { RaftState } from './state.ts'
import type { VoterId } from './types.ts'

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
  from: VoterId,
  message: RaftMessage<Command>,
  now: number,
): void {
  const reason = objection(raft, from, message, now)
  if (reason !== undefined) {
    raft.outbox.emit({ type: 'dropped', from, reason })
    return
  }
  // A pre-vote asks about a term that nobody is in yet.
  if (message.type !== 'pre-vote' && raft.rules.stepsDown(message.term, raft.hardState.term))
    adoptTerm(raft, message.term, now, `saw term ${message.term}`)
  handle(raft, from, message, now)
}

function handle<Command>(raft: RaftState<Command>, from: VoterId, message: RaftMessage<Command>, now: number): void {
  switch (message.type) {
    case 'pre-vote':
      onPreVote(raft, from, message, now)
      break
    case 'pre-vote-reply':
      onPreVoteReply(raft, from, message, now)
      break
    case 'vote':
      onVote(raft, from, message, now)
      break
    case 'vote-reply':
      onVoteReply(raft, from, message, now)
      break
    case 'append':
      onAppend(raft, from, message, now)
      break
    case 'append-reply':
      if (raft.role.type === 'leader') onAppendReply(raft, raft.role, from, message, now)
      else raft.outbox.emit({ type: 'dropped', from, reason: 'late-answer' })
      break
    case 'timeout-now':
    case 'transfer-vote':
    case 'read-index':
    case 'read-index-reply':
    case 'snapshot':
    case 'snapshot-reply':
      raft.outbox.emit({ type: 'dropped', from, reason: 'malformed' })
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
  if (!raft.peers.includes(from)) return 'not-a-voter'
  if (isMalformed(raft, message)) return 'malformed'
  if (raft.log.pendingWrites >= raft.options.maxPendingWrites) return 'disk-behind'
  if (message.type === 'vote' && message.term > term && hearsLeader(raft, now)) return 'leader-heard'
  const isAnswer = message.type === 'vote-reply' || message.type === 'append-reply'
  return isAnswer && message.term < term ? 'stale-term' : undefined
}

function isMalformed<Command>(raft: RaftState<Command>, message: RaftMessage<Command>): boolean {
  if (!isCount(message.term) || !isCount(message.round)) return true
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
      return !isCount(message.lastIndex) || !isCount(message.lastTerm)
    case 'append':
      return !isCount(message.commitIndex) || !followsOn(message)
    case 'append-reply':
      return isImpossible(raft, message)
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

/** An answer of our own term to what we never asked: a round not begun, an index beyond our log, the place before it. */
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
