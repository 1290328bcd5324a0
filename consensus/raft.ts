// Raft, one voter of it: an input and the time go in, effects come out. Ongaro 2014, "Consensus: Bridging Theory and
// Practice"; the sections stand with the parts. This file only says which part takes which input, and what ends a step.
//
//   message ──▶ receive ──┬─▶ election     (votes, pre-votes)      role: the only place where term, vote and role change
//   timer ────────────────┤   acceptance   (follower's log)        rules: the decisions on which safety rests
//   disconnected, away ───┤   replication  (leader's messages)     log, progress, quorum, outbox: parts without a role
//   propose ──────────────┘   contact      (rounds, check-quorum)
//                                 │
//                                 ▼  end of each step: write what changed, let go what is durable, commit, apply
//
// The driver's duties. Call `start` once, then `step`, one at a time, with a clock that never runs back. Execute effects in
// order. Flush a `persist`, alone or several together, then step `persisted` with the highest ticket; a failed flush stops the
// member. `send` is a datagram: it may be lost, never altered. Hand `apply` to the machine at once. After a gap in its
// own running, step `away` before any timer or message that waits. A restarted voter begins with what its disk held.

import { advanceCommit, applyCommitted } from './commit.ts'
import { membersOf } from './configuration.ts'
import { checkQuorum, doubtContact } from './contact.ts'
import type { Effect, Input, RaftTimer, RaftView } from './core.ts'
import { ask, askForVotes, campaign } from './election.ts'
import { armElection, nextWait, patientWait } from './election-wait.ts'
import { invariant } from './invariant.ts'
import { RaftLog } from './log.ts'
import type { RaftOptions } from './options.ts'
import { Outbox } from './outbox.ts'
import { receive } from './receive.ts'
import { appendOwn, heartbeat, reconnected, sendNews } from './replication.ts'
import { announce, becomeFollower, knownLeader } from './role.ts'
import { paperRules, type RaftRules } from './rules.ts'
import type { RaftState } from './state.ts'
import type { Configuration, DurableState, Random, VoterId } from './types.ts'

export interface RaftSetup<Command> {
  readonly self: VoterId
  /** The log this member votes with. */
  readonly storeId: string
  /** The configuration the log begins with, before its first entry; without voters for a log that was made to learn. */
  readonly configuration: Configuration
  /** What the disk held. */
  readonly durable: DurableState<Command>
  readonly options: RaftOptions
  readonly random: Random
  /** For simulations that break a rule on purpose. Default: `paperRules`. */
  readonly rules?: RaftRules
}

/** One voter. The file's header says what it is made of and what its driver owes it. */
export class Raft<Command> {
  readonly #raft: RaftState<Command>

  constructor(setup: RaftSetup<Command>) {
    this.#raft = initialState(setup)
  }

  /** Sets the first timers; a single voter elects itself at once. Called once, before the first `step`. */
  start(now: number): readonly Effect<Command>[] {
    const raft = this.#raft
    if (raft.peers.length === 0) campaign(raft, now, 'the only voter')
    else nextWait(raft, now)
    return this.#finish(now)
  }

  /** Takes one input at time `now` (milliseconds, monotonic) and returns what the driver must do, in order. */
  step(input: Input<Command>, now: number): readonly Effect<Command>[] {
    const raft = this.#raft
    switch (input.type) {
      case 'message':
        receive(raft, input.from, input.message, now)
        break
      case 'timer':
        this.#timer(input.timer, now)
        break
      case 'propose':
        this.#propose(input.proposal, input.command)
        break
      case 'persisted':
        raft.disk.durable = Math.max(raft.disk.durable, Math.min(input.ticket, raft.disk.ticket))
        raft.log.written(raft.disk.durable)
        break
      case 'disconnected':
        this.#disconnected(input.peer, input.evidence, now)
        break
      case 'connected':
        if (raft.role.type === 'leader') reconnected(raft, raft.role, input.peer)
        else if (raft.peers.includes(input.peer)) ask(raft, input.peer)
        break
      case 'away':
        this.#away(input.suspendedMs ?? input.ms, now)
        break
      case 'resign':
        if (raft.role.type === 'leader') becomeFollower(raft, undefined, now, 'resigned')
        break
      case 'reconfigure':
      case 'transfer':
        raft.outbox.push({ type: 'reject', proposal: input.proposal, code: 'busy', leader: knownLeader(raft) })
        break
      case 'read':
        raft.outbox.push({ type: 'unreadable', read: input.read, code: 'busy', leader: knownLeader(raft) })
        break
      case 'captured':
      case 'chunk':
      case 'chunk-stored':
        invariant(false, `${input.type} answers what was not asked`)
        break
      default:
        input satisfies never
    }
    return this.#finish(now)
  }

  /** What this voter knows, as plain data. */
  view(): RaftView {
    const { role, hardState, commitIndex, log, configuration } = this.#raft
    return {
      role: role.type,
      term: hardState.term,
      leader: knownLeader(this.#raft),
      commitIndex,
      lastIndex: log.lastIndex,
      leaderSince: role.type === 'leader' ? role.since : undefined,
      quorumAt: role.type === 'leader' ? role.quorumAt : undefined,
      configuration,
      configurationSettled: true,
      settled: role.type === 'leader' && log.termAt(commitIndex) === hardState.term,
      transferringTo: undefined,
      snapshotIndex: 0,
    }
  }

  /** A timer may fire late, or after it was replaced: the state says whether its time has come. */
  #timer(timer: RaftTimer, now: number): void {
    const raft = this.#raft
    if (timer === 'election') {
      raft.wait.armedAt = undefined
      if (now < raft.wait.until) armElection(raft)
      else campaign(raft, now, 'heard no leader')
    } else if (raft.role.type === 'leader') {
      if (timer === 'heartbeat') heartbeat(raft, raft.role, now)
      else checkQuorum(raft, raft.role, now)
    }
  }

  #propose(proposal: number, command: Command): void {
    const { role, log, outbox, options, commitIndex, hardState } = this.#raft
    if (role.type !== 'leader') {
      outbox.push({ type: 'reject', proposal, code: 'not-leader', leader: knownLeader(this.#raft) })
    } else if (
      log.lastIndex - commitIndex >= options.maxUncommittedEntries ||
      log.pendingWrites >= options.maxPendingWrites
    ) {
      outbox.push({ type: 'reject', proposal, code: 'busy', leader: this.#raft.self })
    } else {
      appendOwn(this.#raft, command)
      outbox.push({ type: 'accepted', proposal, index: log.lastIndex, term: hardState.term })
      sendNews(this.#raft, role)
    }
  }

  /** Evidence against the leader shortens this voter's own wait; it says nothing about anybody else. */
  #disconnected(peer: VoterId, evidence: boolean, now: number): void {
    const raft = this.#raft
    if (raft.role.type === 'leader') {
      raft.role.progress.get(peer)?.restart()
    } else if (evidence && raft.role.type === 'follower' && raft.role.leader === peer && raft.wait.doubted !== peer) {
      raft.wait.doubted = peer
      raft.wait.shortWaits = raft.options.evidenceAttempts
      nextWait(raft, now)
      announce(raft, 'the connection to the leader is gone')
    }
  }

  /** Messages that waited meanwhile come first: nobody is deposed, and nobody led, on what was known before. */
  #away(uncountedMs: number, now: number): void {
    const raft = this.#raft
    if (raft.role.type === 'leader') {
      doubtContact(raft, raft.role, uncountedMs, now)
      heartbeat(raft, raft.role, now)
    } else {
      patientWait(raft, now)
    }
  }

  #finish(now: number): readonly Effect<Command>[] {
    const raft = this.#raft
    do {
      write(raft, now)
      release(raft)
      askForVotes(raft, now)
      if (raft.role.type === 'leader') advanceCommit(raft, raft.role)
      // Winning its own vote appends an entry: then there is more to write.
    } while (hasChanges(raft))
    applyCommitted(raft)
    return raft.outbox.take()
  }
}

function hasChanges<Command>({ rules, disk, hardState, log }: RaftState<Command>): boolean {
  return log.hasUnwritten || rules.mustPersist(disk.written, hardState)
}

/** One write for everything a step changed. */
function write<Command>(raft: RaftState<Command>, now: number): void {
  if (!hasChanges(raft)) return
  const { disk, hardState, rules } = raft
  const changed = rules.mustPersist(disk.written, hardState)
  disk.ticket++
  disk.written = hardState
  raft.outbox.push({
    type: 'persist',
    ticket: disk.ticket,
    hardState: changed ? hardState : undefined,
    base: undefined,
    entries: raft.log.write(disk.ticket, now),
  })
}

function release<Command>({ outbox, rules, disk }: RaftState<Command>): void {
  outbox.release(disk.ticket, (promised, ticket) =>
    promised === 'vote' ? rules.voteAfterDurable(ticket, disk.durable) : rules.ackAfterDurable(ticket, disk.durable),
  )
}

function initialState<Command>(setup: RaftSetup<Command>): RaftState<Command> {
  const { self, configuration, durable, options, random, rules = paperRules } = setup
  const voters = membersOf(configuration)
  invariant(
    voters.includes(self) && voters.length === configuration.voters.length,
    'self is one of the voters, each named once',
  )
  const log = new RaftLog(durable.entries)
  invariant(log.end.term <= durable.hardState.term, 'no entry on disk is of a later term than the disk knows')
  const isNew = durable.hardState.term === 0
  return {
    self,
    configuration,
    voters,
    peers: voters.filter((voter) => voter !== self),
    options,
    random,
    rules,
    log,
    outbox: new Outbox(),
    hardState: durable.hardState,
    role: { type: 'follower', leader: undefined, heardAt: Number.NEGATIVE_INFINITY },
    commitIndex: 0,
    appliedIndex: 0,
    round: 0,
    wait: {
      forMs: 0,
      until: Number.POSITIVE_INFINITY,
      armedAt: undefined,
      doubted: undefined,
      // A log that never had a leader has none to be patient with.
      shortWaits: isNew ? options.evidenceAttempts : 0,
    },
    disk: { ticket: 0, durable: 0, written: durable.hardState },
    announced: '',
  }
}
