// What is committed, and what goes to the state machine. Thesis sections 3.5 and 3.6.2: an entry is committed when a
// majority has made it durable and it is of the leader's own term, and with it all before it.

import { invariant } from './invariant.ts'
import { agreedBy } from './quorum.ts'
import { sendNews } from './replication.ts'
import { inForce } from './standing.ts'
import type { LeaderState, RaftState } from './state.ts'

/** Counts who has stored what. Followers are told at once, so that they apply without waiting for a heartbeat. */
export function advanceCommit<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  const { log, rules } = raft
  const index = agreedBy(inForce(raft), rules, (voter) => {
    if (voter.id === raft.self)
      return rules.speaksFor(voter, raft.storeId) ? rules.ownMatch(log.lastIndex, log.durableIndex) : 0
    const progress = leader.progress.get(voter.id)
    return rules.speaksFor(voter, progress?.storeId) ? (progress?.match ?? 0) : 0
  })
  if (index <= raft.commitIndex || !rules.mayCommit(log.termAt(index), raft.hardState.term)) return
  raft.commitIndex = index
  sendNews(raft, leader, now)
}

/**
 * Hands over what is committed and durable here, each entry once, in order; of many as many as one step may. After a
 * start they are all since the last snapshot, which would keep the event loop from everything else, the answers to a
 * new leader among it.
 */
export function applyCommitted<Command>(raft: RaftState<Command>): void {
  const { log, rules, commitIndex, appliedIndex, options } = raft
  invariant(
    commitIndex <= log.lastIndex,
    `commit index ${commitIndex} is within the log, which ends at ${log.lastIndex}`,
  )
  const all = rules.mayApplyUpTo(commitIndex, log.durableIndex)
  if (all <= appliedIndex) return
  const last = Math.min(all, appliedIndex + options.maxEntriesPerStep)
  raft.appliedIndex = last
  raft.outbox.push({ type: 'apply', entries: log.slice(appliedIndex + 1, last), hasMore: last < all })
}
