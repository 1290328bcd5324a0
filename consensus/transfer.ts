// Handing leadership over. Thesis section 3.10: the leader takes no more proposals, brings its successor's log to the
// end of its own, and tells it to stand at once. That voter skips the pre-vote, and its question is answered although
// the leader is still heard. If nothing comes of it within an election timeout, the leader goes on as if nothing had
// been.

import type { RejectCode } from './core.ts'
import { hasCaughtUp, inForce, knownLeader } from './standing.ts'
import type { LeaderState, RaftState } from './state.ts'
import type { Voter, VoterId } from './types.ts'

export interface Transfer {
  readonly proposal: number
  readonly to: VoterId
  /** Until when it may take. */
  readonly until: number
  /** The successor has been told to stand. */
  told: boolean
}

export function onTransfer<Command>(
  raft: RaftState<Command>,
  proposal: number,
  to: VoterId | undefined,
  now: number,
): void {
  const successor = chooseSuccessor(raft, to, now)
  if ('code' in successor) {
    raft.outbox.push({ type: 'reject', proposal, code: successor.code, leader: knownLeader(raft) })
    return
  }
  const until = now + raft.options.electionTimeoutMinMs
  raft.transfer = { proposal, to: successor.id, until, told: false }
  raft.outbox.setTimer('transfer', until)
}

function chooseSuccessor<Command>(
  raft: RaftState<Command>,
  to: VoterId | undefined,
  now: number,
): Voter | { readonly code: RejectCode } {
  const { role } = raft
  if (role.type !== 'leader') return { code: 'not-leader' }
  if (raft.transfer !== undefined) return { code: 'in-progress' }
  const { voters } = inForce(raft)
  if (to === raft.self || (to !== undefined && !voters.some(({ id }) => id === to))) return { code: 'invalid' }
  const id = to ?? bestSuccessor(raft, role)
  const voter = voters.find((each) => each.id === id)
  return voter !== undefined && hasCaughtUp(raft, role, voter, now) ? voter : { code: 'not-caught-up' }
}

/** After each step of a leader: tells the successor to stand as soon as it has everything. */
export function advanceTransfer<Command>(raft: RaftState<Command>, leader: LeaderState): void {
  const { transfer, log } = raft
  if (transfer === undefined || transfer.told || leader.progress.get(transfer.to)?.match !== log.lastIndex) return
  transfer.told = true
  raft.outbox.send(transfer.to, { type: 'timeout-now', term: raft.hardState.term, round: raft.round })
}

/** Time is up: a leader takes proposals again; one that has stepped down does not know who leads. */
export function onTransferTimer<Command>(raft: RaftState<Command>, now: number): void {
  const { transfer } = raft
  if (transfer === undefined) return
  if (now < transfer.until) raft.outbox.setTimer('transfer', transfer.until)
  else end(raft, 'timed-out')
}

/** Another leader is known, or this one is gone: did it go to whom it was meant for? */
export function handedOver<Command>(raft: RaftState<Command>, leader: VoterId | undefined): void {
  const { transfer, role } = raft
  if (transfer === undefined || role.type === 'leader' || leader === undefined) return
  if (leader !== transfer.to) {
    end(raft, 'not-leader')
    return
  }
  raft.transfer = undefined
  raft.outbox.clearTimer('transfer')
  raft.outbox.push({ type: 'transferred', proposal: transfer.proposal, to: leader })
}

/** The voter with the longest log among those that answer. */
export function bestSuccessor<Command>(raft: RaftState<Command>, leader: LeaderState): VoterId | undefined {
  let best: { readonly id: VoterId; readonly match: number; readonly heardAt: number } | undefined
  for (const { id, storeId } of inForce(raft).voters) {
    const progress = leader.progress.get(id)
    if (progress?.storeId !== storeId || progress.heardAt === undefined || progress.mode !== 'replicate') continue
    const { match, heardAt } = progress
    if (best === undefined || match > best.match || (match === best.match && heardAt > best.heardAt)) {
      best = { id, match, heardAt }
    }
  }
  return best?.id
}

function end<Command>(raft: RaftState<Command>, code: 'timed-out' | 'not-leader'): void {
  const { transfer, outbox } = raft
  if (transfer === undefined) return
  raft.transfer = undefined
  outbox.clearTimer('transfer')
  outbox.push({ type: 'reject', proposal: transfer.proposal, code, leader: knownLeader(raft) })
}
