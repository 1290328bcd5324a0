// How long a voter bears silence before it asks for votes. Random between two bounds (thesis section 3.4), so that
// votes are rarely split; short while there is evidence that the leader is gone, which only makes this one voter ask
// earlier.

import { inForce } from './standing.ts'
import type { RaftState } from './state.ts'

/** Begins a whole election timeout, newly drawn. */
export function patientWait<Command>(raft: RaftState<Command>, now: number): void {
  const { electionTimeoutMinMs, electionTimeoutMaxMs } = raft.options
  wait(raft, electionTimeoutMinMs + raft.random() * (electionTimeoutMaxMs - electionTimeoutMinMs), now)
}

/**
 * Begins a short wait if evidence still buys one, else a whole election timeout. Each is drawn from twice the span of
 * the one before, but less than an election timeout: voters that have just split the vote, on slow disks perhaps, would
 * soon split it again.
 */
export function nextWait<Command>(raft: RaftState<Command>, now: number, draw: number = raft.random()): void {
  const { wait: state, options } = raft
  if (state.shortWaits === 0) {
    patientWait(raft, now)
    return
  }
  const span = options.evidenceDelayMaxMs * 2 ** (options.evidenceAttempts - state.shortWaits)
  state.shortWaits--
  wait(raft, draw * Math.min(span, options.electionTimeoutMinMs), now)
}

/**
 * As {@link nextWait}, each voter in a part of the span of its own: voters that begin together do not split the vote.
 */
export function firstWait<Command>(raft: RaftState<Command>, now: number): void {
  const ids = inForce(raft)
    .voters.map(({ id }) => id)
    .sort()
  const place = Math.max(0, ids.indexOf(raft.self))
  nextWait(raft, now, (place + raft.random()) / Math.max(1, ids.length))
}

/**
 * A voter that has just begun, and heard no leader yet, has found another one: there may be nobody to be patient with.
 * A leader's followers deny its pre-vote.
 */
export function hastenFirstWait<Command>(raft: RaftState<Command>, now: number): void {
  const { role, wait: state, options } = raft
  const isFresh = state.isFirst && role.type === 'follower' && role.leader === undefined
  if (!isFresh || state.until - now <= options.evidenceDelayMaxMs) return
  state.shortWaits = options.evidenceAttempts
  firstWait(raft, now)
}

/** The leader was heard: the wait begins again, and evidence against it is void. */
export function renewWait<Command>(raft: RaftState<Command>, now: number): void {
  const { wait: state } = raft
  state.doubted = undefined
  state.shortWaits = 0
  if (state.forMs < raft.options.electionTimeoutMinMs) {
    patientWait(raft, now)
    return
  }
  state.until = now + state.forMs
  armElection(raft)
}

/**
 * Sees to it that the driver's timer fires no later than the wait ends. An earlier one stays: it finds the wait not
 * over and is set anew. So a leader's messages, each of which moves the end, cost no timer each.
 */
export function armElection<Command>(raft: RaftState<Command>): void {
  const { wait: state, outbox } = raft
  if (state.until === Number.POSITIVE_INFINITY) {
    if (state.armedAt !== undefined) outbox.clearTimer('election')
    state.armedAt = undefined
  } else if (state.armedAt === undefined || state.armedAt > state.until) {
    state.armedAt = state.until
    outbox.setTimer('election', state.until)
  }
}

function wait<Command>(raft: RaftState<Command>, forMs: number, now: number): void {
  raft.wait.isFirst = raft.wait.forMs === 0
  raft.wait.forMs = forMs
  raft.wait.until = now + forMs
  armElection(raft)
}
