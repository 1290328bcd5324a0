// Raft, one voter of it: an input and the time go in, effects come out. Ongaro 2014, "Consensus: Bridging Theory and
// Practice"; the sections stand with the parts. This file only says which part takes which input, and what ends a step.
//
//   message ──▶ receive ──┬─▶ election     (votes, pre-votes)     role: the only place where term, vote and role change
//   timer ────────────────┤   acceptance   (follower's log)       rules: the decisions on which safety rests
//   disconnected, away ───┤   replication  (leader's messages)    log, configuration, progress, quorum, spares,
//   propose ──────────────┤   contact      (rounds, check-quorum)     outbox, start: parts without a role
//   reconfigure ──────────┤   reconfiguration (voters, learners)
//   transfer, read ───────┤   transfer, read-index
//   captured, chunk ──────┘   snapshot     (compaction, sending, taking up)
//                                 │
//                                 ▼  end of each step: write what changed, let go what is durable, commit, apply, serve
//
// The driver's duties. Call `start` once, then `step`, one at a time, with a clock that never runs back. Execute
// effects in order. Flush a `persist`, alone or several together, then step `persisted` with the highest ticket; a
// failed flush stops the member. `send` is a datagram: it may be lost, never altered. Hand `apply` to the machine at
// once. After a gap in its own running, step `away` before any timer or message that waits. A restarted voter begins
// with what its disk held.

import { advanceCommit, applyCommitted } from './commit.ts'
import { checkQuorum, doubtContact } from './contact.ts'
import type { Effect, FollowerView, Input, Proposal, RaftTimer, RaftView } from './core.ts'
import { ask, askForVotes, campaign } from './election.ts'
import { armElection, firstWait, hastenFirstWait, nextWait, patientWait } from './election-wait.ts'
import { advanceReads, onRead, onReadTimer, wantsRound } from './read-index.ts'
import { receive } from './receive.ts'
import { advanceReconfiguration, announceConfiguration, onReconfigure } from './reconfiguration.ts'
import { appendOwn, heartbeat, onSparesTimer, reconnected, sendNews, sendRound } from './replication.ts'
import { announce, becomeFollower } from './role.ts'
import { maybeCapture, onCaptured, onChunk, onChunkStored } from './snapshot.ts'
import { hasCaughtUp, inForce, isSettled, isVoter, knownLeader, ownTermCommitted, peersOf } from './standing.ts'
import { initialState, type RaftSetup } from './start.ts'
import type { RaftState } from './state.ts'
import { advanceTransfer, onTransfer, onTransferTimer } from './transfer.ts'
import type { VoterId } from './types.ts'

/** One voter. The file's header says what it is made of and what its driver owes it. */
export class Raft<Command> {
  readonly #raft: RaftState<Command>
  /** Asked for many times after each step. */
  #view: RaftView | undefined

  constructor(setup: RaftSetup<Command>) {
    this.#raft = initialState(setup)
  }

  /** Sets the first timers; a single voter elects itself at once. Called once, before the first `step`. */
  start(now: number): readonly Effect<Command>[] {
    const raft = this.#raft
    const { configuration } = raft.configurations.latest
    if (configuration.voters.length === 1 && isVoter(raft)) campaign(raft, now, 'the only voter')
    else firstWait(raft, now)
    return this.#finish(now)
  }

  /** Takes one input at time `now` (milliseconds, monotonic) and returns what the driver must do, in order. */
  step(input: Input<Command>, now: number): readonly Effect<Command>[] {
    const raft = this.#raft
    switch (input.type) {
      case 'message':
        receive(raft, { id: input.from, storeId: input.storeId }, input.message, now)
        break
      case 'timer':
        this.#timer(input.timer, now)
        break
      case 'propose':
        this.#propose([input], now)
        break
      case 'propose-all':
        this.#propose(input.proposals, now)
        break
      case 'persisted':
        raft.disk.durable = Math.max(raft.disk.durable, Math.min(input.ticket, raft.disk.ticket))
        raft.log.written(raft.disk.durable)
        break
      case 'disconnected':
        this.#disconnected(input.peer, input.evidence, now)
        break
      case 'connected':
        if (input.peer === raft.wait.doubted) raft.wait.isDoubtedBack = true
        if (raft.role.type === 'leader') reconnected(raft, raft.role, input.peer, now)
        else if (peersOf(raft).includes(input.peer)) {
          ask(raft, input.peer)
          hastenFirstWait(raft, now)
        }
        break
      case 'away':
        this.#away(input.suspendedMs ?? input.ms, now)
        break
      case 'resign':
        if (raft.role.type === 'leader') becomeFollower(raft, undefined, now, 'resigned')
        break
      case 'reconfigure':
        onReconfigure(raft, input.proposal, input.change, now)
        break
      case 'transfer':
        onTransfer(raft, input.proposal, input.to, now)
        // The successor is no spare any more.
        this.#sendNews(now)
        break
      case 'read':
        onRead(raft, input.read)
        break
      case 'apply-due':
        // Every step hands over what it can.
        break
      case 'capture-due':
        raft.snapshots.isDue = true
        break
      case 'captured':
        onCaptured(raft, input)
        break
      case 'chunk':
        onChunk(raft, input, now)
        break
      case 'chunk-stored':
        onChunkStored(raft, input)
        break
      default:
        input satisfies never
    }
    return this.#finish(now)
  }

  /** What this voter knows, as plain data. */
  view(): RaftView {
    this.#view ??= this.#look()
    return this.#view
  }

  #look(): RaftView {
    const { role, hardState, commitIndex, log, transfer, snapshots } = this.#raft
    return {
      role: role.type,
      term: hardState.term,
      leader: knownLeader(this.#raft),
      commitIndex,
      lastIndex: log.lastIndex,
      leaderSince: role.type === 'leader' ? role.since : undefined,
      quorumAt: role.type === 'leader' ? role.quorumAt : undefined,
      configuration: inForce(this.#raft),
      configurationIndex: this.#raft.configurations.latest.index,
      configurationSettled: isSettled(this.#raft),
      settled: role.type === 'leader' && ownTermCommitted(this.#raft),
      transferringTo: role.type === 'leader' ? transfer?.to : undefined,
      snapshotIndex: snapshots.latest?.index ?? 0,
    }
  }

  /** What this leader knows of everybody else who holds the log; empty when it does not lead. */
  followers(now: number): FollowerView[] {
    const raft = this.#raft
    const { role } = raft
    if (role.type !== 'leader') return []
    return Array.from(role.progress, ([id, { storeId, match, heardAt, since, sending }]) => ({
      id,
      storeId,
      matchIndex: match,
      isCaughtUp: storeId !== undefined && hasCaughtUp(raft, role, { id, storeId }, now),
      silentSince: heardAt ?? since,
      snapshotOffset: sending?.offset,
    }))
  }

  /** A timer may fire late, or after it was replaced: the state says whether its time has come. */
  #timer(timer: RaftTimer, now: number): void {
    const raft = this.#raft
    if (timer === 'transfer') {
      onTransferTimer(raft, now)
    } else if (timer === 'read') {
      onReadTimer(raft, now)
    } else if (timer === 'election') {
      raft.wait.armedAt = undefined
      if (now < raft.wait.until) armElection(raft)
      else campaign(raft, now, 'heard no leader')
    } else if (raft.role.type === 'leader') {
      if (timer === 'heartbeat') heartbeat(raft, raft.role, now)
      else if (timer === 'spares') onSparesTimer(raft, raft.role, now)
      else checkQuorum(raft, raft.role, now)
    }
  }

  #propose(proposals: readonly Proposal<Command>[], now: number): void {
    for (const { proposal, command } of proposals) this.#append(proposal, command)
    this.#sendNews(now)
  }

  #sendNews(now: number): void {
    const { role } = this.#raft
    if (role.type === 'leader') sendNews(this.#raft, role, now)
  }

  #append(proposal: number, command: Command): void {
    const { role, log, outbox, options, commitIndex, hardState, transfer } = this.#raft
    if (role.type !== 'leader') {
      outbox.push({ type: 'reject', proposal, code: 'not-leader', leader: knownLeader(this.#raft) })
    } else if (transfer !== undefined) {
      outbox.push({ type: 'reject', proposal, code: 'transferring', leader: this.#raft.self })
    } else if (
      log.lastIndex - commitIndex >= options.maxUncommittedEntries ||
      log.pendingWrites >= options.maxPendingWrites
    ) {
      outbox.push({ type: 'reject', proposal, code: 'busy', leader: this.#raft.self })
    } else {
      appendOwn(this.#raft, command)
      outbox.push({ type: 'accepted', proposal, index: log.lastIndex, term: hardState.term })
    }
  }

  /** Evidence against the leader shortens this voter's own wait; it says nothing about anybody else. */
  #disconnected(peer: VoterId, evidence: boolean, now: number): void {
    const raft = this.#raft
    if (evidence && raft.hardState.votedFor === peer) raft.wait.votedAt = Number.NEGATIVE_INFINITY
    if (raft.role.type === 'leader') {
      raft.role.progress.get(peer)?.restart()
    } else if (evidence && raft.role.type === 'follower' && raft.role.leader === peer && raft.wait.doubted !== peer) {
      raft.wait.doubted = peer
      raft.wait.isDoubtedBack = false
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

  /** What a leader does at the end of each step. */
  #lead(now: number): void {
    const raft = this.#raft
    if (raft.role.type === 'leader') advanceCommit(raft, raft.role, now)
    if (raft.role.type === 'leader') advanceReconfiguration(raft, raft.role, now)
    if (raft.role.type === 'leader') advanceTransfer(raft, raft.role)
    if (raft.role.type === 'leader' && wantsRound(raft, raft.role)) sendRound(raft, raft.role, now)
  }

  #finish(now: number): readonly Effect<Command>[] {
    const raft = this.#raft
    do {
      write(raft, now)
      release(raft)
      askForVotes(raft, now)
      this.#lead(now)
      // Winning its own vote, and a configuration that ends, append an entry: then there is more to write.
    } while (hasChanges(raft))
    applyCommitted(raft)
    announceConfiguration(raft)
    advanceReads(raft, now)
    maybeCapture(raft, now)
    this.#view = undefined
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
    ...raft.log.write(disk.ticket, now),
  })
}

function release<Command>({ outbox, rules, disk }: RaftState<Command>): void {
  outbox.release(disk.ticket, (promised, ticket) =>
    promised === 'vote' ? rules.voteAfterDurable(ticket, disk.durable) : rules.ackAfterDurable(ticket, disk.durable),
  )
}
