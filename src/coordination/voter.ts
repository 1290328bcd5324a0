// A voter at work: the Raft core, the machine it feeds, the core that says who hosts S5, and the disk below them. This
// file only carries effects to whoever executes them, in their order; every decision is in `consensus/`.
//
//   inputs -> mailbox -> raft.step -> send -> turn | persist -> log | apply -> machine | capture, chunks -> snapshots
//                                  -> host.step

import {
  type ClusterCommand,
  ClusterMachine,
  type ClusterReply,
  type Effect,
  type Entry,
  type FollowerView,
  featureLevels,
  type HostPhase,
  type Input,
  levelOf,
  majority,
  mayPropose,
  Raft,
  type RaftEvent,
  type RaftMessage,
  type RaftTimer,
  type RaftView,
  type Reconfiguration,
  votersOnly,
} from '../../consensus/index.ts'
import type { ClusterError } from '../errors.ts'
import type { Absence } from '../runtime/away-guard.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import { encodeContent } from '../wire/log-entry.ts'
import { Answers } from './answers.ts'
import type { Ending } from './call-limit.ts'
import { Handover } from './handover.ts'
import { HostDriver } from './host-driver.ts'
import { loadLog } from './loaded-log.ts'
import { LogWriter } from './log-writer.ts'
import { Proposals } from './proposals.ts'
import { refusal, upgradePending } from './refusal.ts'
import { SnapshotDriver } from './snapshot-driver.ts'
import { StepWaits } from './step-waits.ts'
import { isVisible } from './visible-change.ts'
import { defaultSnapshotBytes, type VoterOptions } from './voter-options.ts'
import { VoterTurn } from './voter-turn.ts'

export class Voter {
  readonly machine: ClusterMachine
  readonly #options: VoterOptions
  readonly #raft: Raft<ClusterCommand>
  readonly #host: HostDriver
  readonly #mailbox: Mailbox<Input<ClusterCommand>>
  readonly #turn: VoterTurn
  readonly #timers: NamedTimers
  readonly #writer: LogWriter<ClusterCommand>
  readonly #snapshots: SnapshotDriver
  /** Of proposals, changes of voters and transfers: the core answers them all alike. */
  #lastNumber = 0
  readonly #proposals = new Proposals(() => ++this.#lastNumber)
  readonly #changes = new Answers<number>()
  readonly #reads = new Answers<number>()
  readonly #handover: Handover
  #applied: { readonly index: number; readonly term: number }
  /** Bytes of commands that were written since the last capture. */
  #logBytes = 0
  readonly #waits = new StepWaits(() => this.#isClosed)
  #isClosed = false
  /** The next entries will be applied in a turn of their own. */
  #isMoreDue = false
  #lastQuorumAt = Number.NEGATIVE_INFINITY

  private constructor(
    options: VoterOptions,
    machine: ClusterMachine,
    durable: ConstructorParameters<typeof Raft<ClusterCommand>>[0]['durable'],
  ) {
    const { self, raft, random, clock, turn } = options
    const { storeId, voters } = options.log.header
    this.#options = options
    this.machine = machine
    this.#raft = new Raft({ self, storeId, configuration: votersOnly(voters), durable, options: raft, random })
    this.#applied = { index: durable.snapshot?.index ?? 0, term: durable.snapshot?.term ?? 0 }
    this.#host = new HostDriver({
      ...{ self, raft, clock, turn, mayHost: options.mayHost ?? (() => true) },
      propose: (command) => this.propose(command, new AbortController().signal),
      onHost: options.onHost,
    })
    this.#handover = new Handover({
      ...{ self, clock, voter: this, raft, host: this.#host, waits: this.#waits },
      nextNumber: () => ++this.#lastNumber,
      put: (input) => this.#put(input),
    })
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#turn = new VoterTurn({
      ...{ clock, turn, maxEntries: raft.maxEntriesPerAppend, send: options.send, onSent: () => this.#writer.begin() },
      propose: (proposals) => this.#put({ type: 'propose-all', proposals }),
      onApplied: () => !this.#isClosed && options.onChange(),
      onAppliedOfClients: options.onApplied,
    })
    const expired = (timer: string): void => this.#put({ type: 'timer', timer: timer as RaftTimer })
    this.#timers = new NamedTimers(clock, (name) => turn.enter(() => this.#turn.atOnce(() => expired(name))))
    this.#writer = new LogWriter({
      clock,
      store: options.log,
      encode: encodeContent,
      onBytes: (bytes) => this.#grown(bytes),
      onPersisted: (ticket) => turn.enter(() => this.#persisted(ticket)),
      onFlushed: (seconds) => options.flushes?.record(seconds),
      onFailure: options.onDiskFailure,
    })
    this.#snapshots = new SnapshotDriver({
      ...{ log: options.log, machine: this.machine, logger: options.logger, clock },
      answer: (input) => turn.enter(() => this.#put(input)),
      onFailure: options.onDiskFailure,
    })
  }

  /** Loads what the log holds and starts. Rejects with `ERR_LOG_CORRUPT` when it is damaged. */
  static async open(options: VoterOptions): Promise<Voter> {
    const machine = new ClusterMachine()
    const { log, levels = featureLevels, logger, raft } = options
    const voter = new Voter(options, machine, await loadLog(log, machine, levels, logger, raft.snapshotTrailingEntries))
    options.turn.enter(() => voter.#execute(voter.#raft.start(options.clock.now())))
    return voter
  }

  view(): RaftView {
    return this.#raft.view()
  }

  /** What this leader knows of everybody else who holds the log; empty when it does not lead. */
  followers(): readonly FollowerView[] {
    return this.#raft.followers(this.#options.clock.now())
  }

  /** S5 as this voter may use it at this very moment. */
  holds(token: number): boolean {
    return this.#host.holds(token)
  }

  phase(): HostPhase {
    return this.#host.phase()
  }

  /** When a majority last answered this voter as leader, in this term of it or an earlier one. */
  get lastQuorumAt(): number {
    return this.#raft.view().quorumAt ?? this.#lastQuorumAt
  }

  /** A majority answered a round not longer ago than the lease allows. Asked of a leader. */
  hasLease(): boolean {
    const { role, quorumAt } = this.#raft.view()
    return (
      role === 'leader' && quorumAt !== undefined && this.#options.clock.now() - quorumAt < this.#options.raft.leaseMs
    )
  }

  /** A majority answered, or voted for it, within the time after which a leader steps down. Asked of a leader. */
  hasQuorum(): boolean {
    const { quorumAt, leaderSince } = this.#raft.view()
    const at = quorumAt ?? leaderSince
    return at !== undefined && this.#options.clock.now() - at < this.#options.raft.electionTimeoutMaxMs
  }

  get voterIds(): readonly string[] {
    return this.#raft.view().configuration.voters.map(({ id }) => id)
  }

  /** The last entry that the machine has seen. */
  get applied(): { readonly index: number; readonly term: number } {
    return this.#applied
  }

  /** `storeId`: the log the sender votes with, as its link has proved it. */
  receive(from: string, storeId: string, message: RaftMessage<ClusterCommand>): void {
    const take = (): void => this.#put({ type: 'message', from, storeId, message })
    if (message.type === 'append' && message.entries.length === 0) this.#turn.atOnce(take)
    else take()
  }

  connected(peer: string): void {
    this.#put({ type: 'connected', peer })
  }

  /** `evidence`: it said that it goes, or its port refuses. */
  disconnected(peer: string, evidence: boolean): void {
    this.#put({ type: 'disconnected', peer, evidence })
  }

  away({ ms, suspendedMs }: Absence): void {
    this.#put({ type: 'away', ms, suspendedMs })
    // A stop that the monotonic clock has counted ends the lease by itself when it is long enough. A suspension it has
    // not counted lengthens the lease in secret, however short.
    if (suspendedMs > 0 || ms >= this.#options.raft.leaseMs) this.#host.away()
  }

  /**
   * Proposes `command` and resolves to the machine's answer. Rejects with `ERR_NOT_LEADER`, `ERR_BUFFER_FULL`,
   * `ERR_UPGRADE_PENDING`, or the reason of `signal`; then `mayHaveHappened` says whether it can still be committed.
   */
  propose(command: ClusterCommand, signal: Ending): Promise<ClusterReply> {
    const { levels, count } = this.#options
    if (!mayPropose(command, this.machine.level, levels))
      return Promise.reject(upgradePending(levelOf(command, levels), this.machine.level))
    const reply = this.#proposals.open((proposal) => this.#turn.propose({ proposal, command }), signal)
    reply.then(
      () => count('proposal-committed'),
      () => count('proposal-failed'),
    )
    return reply
  }

  /**
   * Resolves to an index once this voter's machine shows everything that was acknowledged before the call (thesis
   * section 6.4). Rejects with `ERR_NOT_LEADER` (no leader is known, or it changed), `ERR_TIMEOUT` (it did not answer),
   * `ERR_BUFFER_FULL`, or the reason of `signal`.
   */
  read(signal: Ending): Promise<number> {
    const read = ++this.#lastNumber
    return this.#reads.open(read, () => this.#put({ type: 'read', read }), signal)
  }

  /**
   * Resolves once the change is in this leader's log; `view` says when it is settled. Rejects as {@link propose} does.
   */
  reconfigure(change: Reconfiguration, signal: AbortSignal): Promise<number> {
    const proposal = ++this.#lastNumber
    return this.#changes.open(proposal, () => this.#put({ type: 'reconfigure', proposal, change }), signal)
  }

  /**
   * Stops hosting S5, and hands leadership to `to`, or to whoever has most of the log: the release is the last entry of
   * this term, so the successor need not wait. Resolves to its id. Rejects with `ERR_NOT_LEADER`, `ERR_BAD_REQUEST` (no
   * such voter, or it lacks entries), `ERR_TIMEOUT`; then this voter leads on, and hosts S5 again.
   */
  transfer(to: string | undefined, signal: AbortSignal): Promise<string> {
    return this.#handover.transfer(to, signal)
  }

  /** S5 stops and starts again under a new token. */
  renewHosting(): void {
    this.#handover.renew()
  }

  /** Hands over if anybody can take over, else stops hosting S5 and gives up leadership. Bounded by `signal`. */
  resign(signal: AbortSignal): Promise<void> {
    return this.#handover.resign(signal)
  }

  /** Stops everything; resolves when the disk is idle and the log closed. */
  async close(): Promise<void> {
    this.#turn.flush()
    this.#isClosed = true
    this.#waits.stepped()
    this.#timers.clearAll()
    this.#host.close()
    this.#proposals.close()
    for (const answers of [this.#changes, this.#handover, this.#reads]) answers.close()
    await Promise.all([this.#writer.idle(), this.#snapshots.close()])
    await this.#options.log.close()
  }

  #put(input: Input<ClusterCommand>): void {
    if (this.#isClosed) return
    this.#turn.givePending()
    this.#mailbox.put(input)
  }

  /** A leader gathers, as its callers write again; a follower's answer is what others wait for. */
  #persisted(ticket: number): void {
    this.#put({ type: 'persisted', ticket })
    if (this.#raft.view().role !== 'leader') this.#turn.flush()
  }

  #take(input: Input<ClusterCommand>): void {
    if (this.#isClosed) return
    const before = this.#raft.view()
    this.#lastQuorumAt = before.quorumAt ?? this.#lastQuorumAt
    this.#execute(this.#raft.step(input, this.#options.clock.now()))
    const after = this.#raft.view()
    if (before.role === 'leader' && (after.role !== 'leader' || after.term !== before.term))
      this.#proposals.abandon(after.leader)
    this.#host.observe(after, this.machine, this.#applied)
    this.#waits.stepped()
    if (isVisible(before, after)) this.#options.onChange()
  }

  #execute(effects: readonly Effect<ClusterCommand>[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#turn.send(effect.to, effect.message)
          break
        case 'persist':
          this.#writer.persist(effect)
          break
        case 'apply':
          this.#apply(effect.entries)
          if (effect.hasMore) this.#applyMore()
          break
        case 'set-timer':
          this.#timers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#timers.clear(effect.timer)
          break
        case 'accepted':
          this.#proposals.accepted(effect.proposal, effect.index, effect.term)
          this.#changes.resolve(effect.proposal, effect.index)
          break
        case 'reject':
          this.#reject(effect.proposal, refusal(effect.code, effect.leader, this.#options.raft))
          break
        case 'emit':
          this.#count(effect.event)
          break
        case 'readable':
          this.#reads.resolve(effect.read, effect.index)
          break
        case 'unreadable':
          this.#reads.reject(effect.read, refusal(effect.code, effect.leader, this.#options.raft))
          break
        case 'transferred':
          this.#handover.done(effect.proposal, effect.to)
          break
        case 'capture':
          this.#logBytes = 0
          this.#snapshots.capture(effect)
          break
        case 'compact':
          this.#snapshots.compact(effect)
          break
        case 'fetch-chunk':
          this.#snapshots.fetch(effect)
          break
        case 'store-chunk':
          this.#snapshots.store(effect)
          break
        case 'restore':
          this.#snapshots.restore(effect)
          this.#applied = { index: effect.snapshot.index, term: effect.snapshot.term }
          break
        default:
          effect satisfies never
      }
    }
  }

  #count(event: RaftEvent): void {
    if (event.type === 'dropped') this.#options.count(`raft-${event.reason}`)
    else if (event.type === 'role' && event.role !== 'follower') this.#options.count(`election-${event.role}`)
  }

  #apply(entries: readonly Entry<ClusterCommand>[]): void {
    for (const { index, term, command } of entries) {
      const reply = command === undefined ? undefined : this.machine.apply({ index, term }, command)
      this.#applied = { index, term }
      this.#proposals.applied(index, term, reply)
    }
    this.#turn.applied(entries)
  }

  /** Once others had their turn; a step that comes before does the same. */
  #applyMore(): void {
    if (this.#isMoreDue) return
    this.#isMoreDue = true
    const { clock, turn } = this.#options
    clock.setImmediate(() => {
      this.#isMoreDue = false
      turn.enter(() => this.#put({ type: 'apply-due' }))
    })
  }

  /** Called within a step: the mailbox takes it behind that one. Snapshots cost no more than the log does. */
  #grown(bytes: number): void {
    this.#logBytes += bytes
    const wanted = Math.max(this.#options.snapshotBytes ?? defaultSnapshotBytes, this.#snapshots.capturedBytes)
    if (this.#logBytes < wanted) return
    this.#logBytes = 0
    this.#put({ type: 'capture-due' })
  }

  #reject(proposal: number, error: ClusterError): void {
    this.#proposals.rejected(proposal, error)
    this.#changes.reject(proposal, error)
    this.#handover.refused(proposal, error)
  }

  /** As far as links tell, those that can be asked are a majority. */
  reachesMajority(): boolean {
    const { self, isLinked } = this.#options
    const { voters } = this.#raft.view().configuration
    return voters.filter(({ id }) => id === self || isLinked(id)).length >= majority(voters.length)
  }
}
