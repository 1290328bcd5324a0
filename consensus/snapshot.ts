// Snapshots: taking one and cutting the log behind it (thesis section 5.1), sending one to a follower that lacks what
// the log no longer has, and taking one up (section 5.2). The core never sees the machine's state: the driver captures,
// stores and reads the bytes, here is decided when, which, and what it means for the log.
//
//   own:      applied enough ──capture──▶ (driver writes) ──captured──▶ log cut, `compact`
//   leader:   ──fetch-chunk──▶ (driver reads) ──chunk──▶ send snapshot ··▶ snapshot-reply: the next
//                                                                      ··▶ append-reply: in step again
//   follower: snapshot ··▶ ──store-chunk──▶ (driver writes) ──chunk-stored──▶ snapshot-reply
//             whole: log replaced, `restore`, append-reply when that is durable
//
// Only one of capturing and receiving is under way, so that "the latest snapshot" has one meaning on the disk.

import { acknowledge, hear } from './acceptance.ts'
import type { Input } from './core.ts'
import { invariant } from './invariant.ts'
import type { RaftMessage } from './messages.ts'
import type { Progress, Sending } from './progress.ts'
import type { RaftState } from './state.ts'
import type { Configuration, LogIndex, Snapshot, Term, VoterId } from './types.ts'

type Of<Type extends RaftMessage<unknown>['type']> = Extract<RaftMessage<unknown>, { type: Type }>
type InputOf<Type extends Input<unknown>['type']> = Extract<Input<unknown>, { type: Type }>

export interface Snapshots {
  /** The latest durable one. */
  latest: Snapshot | undefined
  capturing: { readonly index: LogIndex; readonly term: Term; readonly configuration: Configuration } | undefined
  receiving: Receiving | undefined
  /** The driver wants one, however few entries were applied. */
  isDue: boolean
}

interface Receiving {
  readonly snapshot: Snapshot
  from: VoterId
  round: number
  /** Everything before is stored. */
  offset: number
  /** The driver has bytes it has not stored yet. */
  isStoring: boolean
}

/** After each step: captures the machine when enough was applied since the last time. */
export function maybeCapture<Command>(raft: RaftState<Command>, now: number): void {
  const { snapshots, appliedIndex, options, rules, log, configurations, hardState } = raft
  const { latest, capturing, receiving } = snapshots
  if (capturing !== undefined || receiving !== undefined) return
  const applied = appliedIndex - (latest?.index ?? 0)
  const isEnough = options.snapshotEveryEntries > 0 && applied >= options.snapshotEveryEntries
  if (!(isEnough || (snapshots.isDue && applied > 0)) || isBeingSent(raft, now)) return
  snapshots.isDue = false
  const term = rules.snapshotTerm(log.termAt(appliedIndex) ?? 0, hardState.term)
  const configuration = rules.snapshotConfiguration(
    configurations.at(appliedIndex),
    configurations.latest.configuration,
  )
  snapshots.capturing = { index: appliedIndex, term, configuration }
  raft.outbox.push({ type: 'capture', ...snapshots.capturing })
  cut(raft)
}

/** The machine as it was is durable: the log need not go back further. */
export function onCaptured<Command>(raft: RaftState<Command>, { index, id, size }: InputOf<'captured'>): void {
  const { snapshots } = raft
  const { capturing } = snapshots
  invariant(capturing?.index === index && size > 0, `the state at ${index} was to be captured, and has bytes`)
  snapshots.latest = { ...capturing, id, size }
  snapshots.capturing = undefined
  cut(raft)
}

/** `progress` needs what the log no longer has. */
export function beginSnapshot<Command>(raft: RaftState<Command>, progress: Progress, to: VoterId, now: number): void {
  const { latest } = raft.snapshots
  invariant(latest !== undefined && latest.index >= raft.log.base.index, 'a snapshot stands for what the log lacks')
  fetch(raft, progress.needsSnapshot(latest, now), to, now)
}

/**
 * With each heartbeat: what was not answered for long is asked for again, from the latest snapshot there is. Bytes that
 * were sent are taken for lost only when the follower has answered what was sent behind them: on a slow link nothing
 * piles up, and a heartbeat waits for one message at most.
 */
export function retrySnapshot<Command>(raft: RaftState<Command>, progress: Progress, to: VoterId, now: number): void {
  const { sending } = progress
  if (sending === undefined || now - sending.since < raft.options.electionTimeoutMinMs) return
  if (sending.awaits === 'reply' && progress.answeredRound <= sending.round) return
  if (sending.snapshot.id === raft.snapshots.latest?.id) fetch(raft, sending, to, now)
  else beginSnapshot(raft, progress, to, now)
}

/** The driver has read bytes for a follower. */
export function onChunk<Command>(
  raft: RaftState<Command>,
  { to, id, offset, bytes }: InputOf<'chunk'>,
  now: number,
): void {
  const sending = raft.role.type === 'leader' ? raft.role.progress.get(to)?.sending : undefined
  if (sending?.snapshot.id !== id || sending.offset !== offset || sending.awaits !== 'chunk') return
  sending.awaits = 'reply'
  sending.since = now
  sending.round = raft.round
  const { term } = raft.hardState
  raft.outbox.send(to, { type: 'snapshot', term, round: raft.round, snapshot: sending.snapshot, offset, bytes })
}

/** A follower says how much it has. */
export function onSnapshotReply<Command>(
  raft: RaftState<Command>,
  progress: Progress,
  from: VoterId,
  { index, id, offset }: Of<'snapshot-reply'>,
  now: number,
): void {
  const { sending } = progress
  if (sending?.snapshot.id !== id || sending.snapshot.index !== index || offset >= sending.snapshot.size) return
  sending.offset = offset
  if (sending.awaits === 'reply') fetch(raft, sending, from, now)
}

/** A follower receives a part of a snapshot. */
export function onSnapshot<Command>(
  raft: RaftState<Command>,
  from: VoterId,
  message: Of<'snapshot'>,
  now: number,
): void {
  const { snapshots, hardState, rules, log, commitIndex } = raft
  const { snapshot, offset, bytes, round } = message
  if (message.term < hardState.term) {
    // A deposed leader learns the new term from this.
    answer(raft, from, round, snapshot, 0)
    return
  }
  if (raft.role.type === 'leader' || !hear(raft, from, now)) {
    raft.outbox.emit({ type: 'dropped', from, reason: 'second-leader' })
    return
  }
  if (!rules.isNewSnapshot(snapshot.index, commitIndex)) {
    acknowledge(raft, from, round, commitIndex)
    return
  }
  if (rules.keepsLog(log.termAt(snapshot.index), snapshot.term)) {
    // All of it is in the log, which needs only be told that it is committed.
    raft.commitIndex = snapshot.index
    acknowledge(raft, from, round, snapshot.index)
    return
  }
  if (snapshots.capturing !== undefined || snapshots.receiving?.isStoring) return
  if (snapshots.receiving?.snapshot.id !== snapshot.id) {
    snapshots.receiving = { snapshot, from, round, offset: 0, isStoring: false }
  }
  const receiving = snapshots.receiving
  receiving.from = from
  receiving.round = round
  if (!rules.followsChunk(offset, receiving.offset)) {
    answer(raft, from, round, snapshot, receiving.offset)
    return
  }
  receiving.isStoring = true
  raft.outbox.push({ type: 'store-chunk', snapshot, offset, bytes })
}

/** The driver has stored what came. */
export function onChunkStored<Command>(raft: RaftState<Command>, { id, offset }: InputOf<'chunk-stored'>): void {
  const { snapshots, rules } = raft
  const { receiving } = snapshots
  if (receiving?.snapshot.id !== id || !receiving.isStoring) return
  receiving.isStoring = false
  receiving.offset = offset
  const { snapshot, from, round } = receiving
  if (!rules.isWhole(offset, snapshot.size)) {
    answer(raft, from, round, snapshot, offset)
    return
  }
  snapshots.receiving = undefined
  snapshots.latest = snapshot
  takeUp(raft, snapshot)
  acknowledge(raft, from, round, snapshot.index)
}

/** The snapshot takes the place of the log, unless the log has caught up with it meanwhile. */
function takeUp<Command>(raft: RaftState<Command>, snapshot: Snapshot): void {
  const { log, rules, configurations, outbox } = raft
  const { index, term, configuration } = snapshot
  if (!rules.isNewSnapshot(index, raft.commitIndex)) {
    cut(raft)
    return
  }
  if (rules.keepsLog(log.termAt(index), term)) {
    raft.commitIndex = index
    return
  }
  log.replaceBy({ index, term })
  configurations.replaceBy(index, configuration)
  raft.commitIndex = index
  raft.appliedIndex = index
  outbox.push({ type: 'restore', snapshot })
}

/** Cuts the log behind the latest snapshot, but for a tail that spares followers which lag a little. */
function cut<Command>({ log, snapshots, rules, options, configurations, outbox }: RaftState<Command>): void {
  const durable = snapshots.latest?.index ?? 0
  const captured = snapshots.capturing?.index ?? durable
  const wanted = captured - options.snapshotTrailingEntries
  const through = Math.min(rules.mayCompact(wanted, durable, captured), log.durableIndex)
  if (through <= log.base.index) return
  log.compact(through)
  configurations.compact(through)
  outbox.push({ type: 'compact', through: log.base })
}

/** A snapshot that is on its way stays the latest while it makes progress. */
function isBeingSent<Command>({ role, options }: RaftState<Command>, now: number): boolean {
  if (role.type !== 'leader') return false
  const since = now - options.electionTimeoutMaxMs
  // It is asked for again and again; only who answers gets on.
  return [...role.progress.values()].some(
    ({ sending, heardAt }) => sending !== undefined && heardAt !== undefined && heardAt > since,
  )
}

function fetch<Command>({ outbox, options }: RaftState<Command>, sending: Sending, to: VoterId, now: number): void {
  const { id, size } = sending.snapshot
  sending.awaits = 'chunk'
  sending.since = now
  const length = Math.min(options.snapshotChunkBytes, size - sending.offset)
  outbox.push({ type: 'fetch-chunk', to, id, offset: sending.offset, length })
}

function answer<Command>(
  raft: RaftState<Command>,
  to: VoterId,
  round: number,
  { index, id }: Snapshot,
  offset: number,
): void {
  raft.outbox.send(to, { type: 'snapshot-reply', term: raft.hardState.term, round, index, id, offset })
}
