// The follower's side of replication (thesis section 3.5; figure 3.1, AppendEntries, receiver): refuse what does not
// follow on, replace what conflicts, keep the rest, and acknowledge when it is durable.

import { renewWait } from './election-wait.ts'
import { appendEntries, truncateFrom } from './entries.ts'
import type { RaftMessage } from './messages.ts'
import { announce, becomeFollower } from './role.ts'
import type { RaftState } from './state.ts'
import type { LogIndex, VoterId } from './types.ts'

type Append<Command> = Extract<RaftMessage<Command>, { type: 'append' }>

export function onAppend<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  message: Append<Command>,
  now: number,
): void {
  if (message.term < raft.hardState.term) {
    // A deposed leader learns the new term from this.
    refuse(raft, from, message)
    return
  }
  if (raft.role.type === 'leader' || !hear(raft, from, now)) {
    raft.outbox.emit({ type: 'dropped', from, reason: 'second-leader' })
    return
  }
  if (message.previousIndex < raft.log.base.index) {
    // What a snapshot stands for is committed, so the leader has it too: its message is old, or it has begun anew.
    acknowledge(raft, from, message.round, raft.commitIndex)
    return
  }
  if (!raft.rules.previousMatches(raft.log.termAt(message.previousIndex), message.previousTerm)) {
    refuse(raft, from, message)
    return
  }
  if (!store(raft, message)) {
    raft.outbox.emit({ type: 'dropped', from, reason: 'rewrites-committed' })
    return
  }
  const matchIndex = message.previousIndex + message.entries.length
  raft.commitIndex = Math.max(raft.commitIndex, raft.rules.followerCommit(message.commitIndex, matchIndex))
  acknowledge(raft, from, message.round, matchIndex)
}

/** Held back until everything up to `matchIndex` is durable. */
export function acknowledge<Command>(raft: RaftState<Command>, to: VoterId, round: number, matchIndex: LogIndex): void {
  const { term } = raft.hardState
  raft.outbox.hold('ack', to, {
    type: 'append-reply',
    term,
    round,
    accepted: true,
    matchIndex,
    hintIndex: 0,
    hintTerm: 0,
  })
}

/** The leader of this term is alive. False when this term has another: then one of the two is mistaken. */
export function hear<Command>(raft: RaftState<Command>, from: VoterId, now: number): boolean {
  const { role } = raft
  if (role.type === 'follower' && role.leader !== undefined && role.leader !== from) return false
  if (role.type === 'follower' && role.leader === from) role.heardAt = now
  else becomeFollower(raft, from, now, 'heard the leader')
  renewWait(raft, now)
  announce(raft, 'heard the leader again')
  return true
}

/** False when a committed entry would have to go: no true leader asks for that (leader completeness, section 3.6.3). */
function store<Command>(raft: RaftState<Command>, { entries }: Append<Command>): boolean {
  const { log } = raft
  const first = raft.rules.firstDifference(entries, (index) => log.termAt(index))
  if (first === undefined) return true
  if (first <= raft.commitIndex) return false
  if (first <= log.lastIndex) truncateFrom(raft, first)
  appendEntries(
    raft,
    entries.filter((entry) => entry.index >= first),
  )
  return true
}

function refuse<Command>(raft: RaftState<Command>, from: VoterId, message: Append<Command>): void {
  const last: LogIndex = Math.max(0, message.previousIndex - 1)
  const hint = raft.log.lastAgreement(last, message.previousTerm)
  raft.outbox.send(from, {
    type: 'append-reply',
    term: raft.hardState.term,
    round: message.round,
    accepted: false,
    matchIndex: message.previousIndex,
    hintIndex: hint.index,
    hintTerm: hint.term,
  })
}
