// Changes of voters and learners by joint consensus. Thesis chapter 4: a configuration is an entry of the log and in
// force from the moment it is there (section 4.1). Where voters change, the leader first appends a joint configuration,
// in which both the old and the new majority decide everything; when that is committed, it appends the new one by
// itself (section 4.3). So no moment has two majorities that do not meet, whoever fails, and a new leader finishes what
// it finds.
//
//   settled ──reconfigure──▶ joint ──committed──▶ new, unsettled ──committed──▶ settled
//                (when only learners change, straight to new)
//
// Who left hears of the end, and is forgotten.

import { includesVoter, isJoint, isMember, sameVoters } from './configuration.ts'
import type { Reconfiguration, RejectCode } from './core.ts'
import { appendEntries } from './entries.ts'
import { Progress } from './progress.ts'
import { majority } from './quorum.ts'
import { sendNews } from './replication.ts'
import { becomeFollower } from './role.ts'
import { hasCaughtUp, isSettled, knownLeader, ownTermCommitted, peersOf } from './standing.ts'
import type { LeaderState, RaftState } from './state.ts'
import { bestSuccessor } from './transfer.ts'
import type { Configuration, Voter } from './types.ts'

/** Voters and learners that one configuration can name, each. */
export const maxVoters = 16

export function onReconfigure<Command>(
  raft: RaftState<Command>,
  proposal: number,
  change: Reconfiguration,
  now: number,
): void {
  const code = objection(raft, change, now)
  if (code !== undefined) {
    raft.outbox.push({ type: 'reject', proposal, code, leader: knownLeader(raft) })
    return
  }
  const { voters, learners } = change
  const before = raft.configurations.latest.configuration
  const outgoing = sameVoters(before.voters, voters) ? [] : before.voters
  configure(raft, { voters, outgoing, learners }, now)
  const { index, term } = raft.log.end
  raft.outbox.push({ type: 'accepted', proposal, index, term })
}

/** After each step of a leader: goes on with a change whose last part is committed. */
export function advanceReconfiguration<Command>(raft: RaftState<Command>, leader: LeaderState, now: number): void {
  if (!isSettled(raft)) return
  const { configuration } = raft.configurations.latest
  if (isJoint(configuration)) {
    configure(raft, { ...configuration, outgoing: [] }, now)
    return
  }
  for (const id of leader.progress.keys()) if (!isMember(configuration, id)) leader.progress.delete(id)
  if (raft.rules.mayLead(includesVoter(configuration.voters, { id: raft.self, storeId: raft.storeId }), true)) return
  // Somebody whose log is complete need not wait for the silence (section 4.2.2).
  const successor = bestSuccessor(raft, leader)
  const { term } = raft.hardState
  if (successor !== undefined) raft.outbox.send(successor, { type: 'timeout-now', term, round: raft.round })
  becomeFollower(raft, undefined, now, 'is no voter any more')
}

/** Tells once that another configuration is in force, or that it is committed. */
export function announceConfiguration<Command>(raft: RaftState<Command>): void {
  const { index, configuration } = raft.configurations.latest
  const settled = isSettled(raft)
  const { announcedConfiguration: said } = raft
  if (said.index === index && said.settled === settled) return
  raft.announcedConfiguration = { index, settled }
  raft.outbox.emit({ type: 'configuration', index, configuration, settled })
}

function configure<Command>(raft: RaftState<Command>, configuration: Configuration, now: number): void {
  const { log, hardState, role, options } = raft
  appendEntries(raft, [{ index: log.lastIndex + 1, term: hardState.term, command: undefined, configuration }])
  if (role.type !== 'leader') return
  for (const peer of peersOf(raft)) {
    if (!role.progress.has(peer)) role.progress.set(peer, new Progress(log.lastIndex, options.maxInflightAppends, now))
  }
  // A majority of others may be needed from now on; it has had no time to answer.
  role.patientFrom = Math.max(role.patientFrom, now)
  sendNews(raft, role, now)
}

function objection<Command>(
  raft: RaftState<Command>,
  { voters, learners }: Reconfiguration,
  now: number,
): RejectCode | undefined {
  const { role, rules, configurations, transfer } = raft
  if (role.type !== 'leader') return 'not-leader'
  if (transfer !== undefined) return 'transferring'
  if (!rules.mayReconfigure(ownTermCommitted(raft))) return 'unsettled'
  const { configuration } = configurations.latest
  if (!rules.mayReconfigureBeside(!isSettled(raft) || isJoint(configuration))) return 'in-progress'
  if (!isWellFormed(voters, learners)) return 'invalid'
  if (sameVoters(configuration.voters, voters) && sameVoters(configuration.learners, learners)) return 'invalid'
  const added = voters.filter((voter) => !includesVoter(configuration.voters, voter))
  const ready = voters.filter((voter) => hasCaughtUp(raft, role, voter, now))
  const isReady = added.every((voter) => ready.includes(voter)) && ready.length >= majority(voters.length)
  return isReady ? undefined : 'not-caught-up'
}

function isWellFormed(voters: readonly Voter[], learners: readonly Voter[]): boolean {
  const ids = [...voters, ...learners].map(({ id }) => id)
  if (voters.length === 0 || voters.length > maxVoters || learners.length > maxVoters) return false
  return new Set(ids).size === ids.length && [...voters, ...learners].every(({ storeId }) => storeId !== '')
}
