// A voter at work: the Raft core, the machine it feeds, the core that says who hosts S5, and the disk below them. This
// file only carries effects to whoever executes them, in their order; every decision is in `consensus/`.
//
//   inputs -> mailbox -> raft.step -> send | persist -> disk | apply -> machine -> host.step -> start, stop S5

import {
  type ClusterCommand,
  ClusterMachine,
  type ClusterReply,
  type Effect,
  type Entry,
  type HostEffect,
  type HostInput,
  type HostPhase,
  type Input,
  majority,
  Raft,
  type RaftEvent,
  type RaftMessage,
  type RaftOptions,
  type RaftTimer,
  type RaftView,
  type Random,
  type RejectCode,
  SingletonHost,
  votersOnly,
} from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import type { Distribution } from '../observability/distribution.ts'
import type { Logger } from '../observability/logger.ts'
import type { Absence } from '../runtime/away-guard.ts'
import type { Clock } from '../runtime/clock.ts'
import { Mailbox } from '../runtime/mailbox.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'
import type { RecoveredLog } from '../storage/node-storage.ts'
import { decodeContent, encodeContent } from '../wire/log-entry.ts'
import { LogWriter } from './log-writer.ts'
import { Proposals } from './proposals.ts'

export interface VoterOptions {
  readonly self: string
  readonly log: RecoveredLog
  readonly raft: RaftOptions
  readonly clock: Clock
  readonly random: Random
  readonly turn: Turn
  readonly send: (to: string, message: RaftMessage<ClusterCommand>) => void
  /** There is a link to this voter. */
  readonly isLinked: (voter: string) => boolean
  /** Role, term, leader, commit index or the machine changed. */
  readonly onChange: () => void
  /** S5 starts or stops here. A stop takes effect before anything else happens. */
  readonly onHost: (effect: Extract<HostEffect, { type: 'start' | 'stop' }>) => void
  readonly count: (reason: string) => void
  readonly flushes?: Pick<Distribution, 'record'>
  readonly logger: Logger
  /** The log cannot be written any more: the node must stop. */
  readonly onDiskFailure: (error: unknown) => void
}

export class Voter {
  readonly machine = new ClusterMachine()
  readonly #options: VoterOptions
  readonly #raft: Raft<ClusterCommand>
  readonly #host: SingletonHost
  readonly #mailbox: Mailbox<Input<ClusterCommand>>
  readonly #timers: NamedTimers
  readonly #hostTimers: NamedTimers
  readonly #writer: LogWriter<ClusterCommand>
  readonly #proposals = new Proposals()
  #applied = { index: 0, term: 0 }
  /** Conditions that somebody waits for, asked again after each step. */
  readonly #waiting = new Set<() => void>()
  #isClosed = false

  private constructor(
    options: VoterOptions,
    durable: ConstructorParameters<typeof Raft<ClusterCommand>>[0]['durable'],
  ) {
    const { self, raft, random, clock, turn } = options
    const { storeId, voters } = options.log.header
    this.#options = options
    this.#raft = new Raft({ self, storeId, configuration: votersOnly(voters), durable, options: raft, random })
    this.#host = new SingletonHost({ self, singleton: 's5', options: raft })
    this.#mailbox = new Mailbox((input) => this.#take(input))
    this.#timers = new NamedTimers(clock, (timer) =>
      turn.enter(() => this.#put({ type: 'timer', timer: timer as RaftTimer })),
    )
    this.#hostTimers = new NamedTimers(clock, (timer) =>
      turn.enter(() => this.#stepHost({ type: 'timer', timer: timer as 'lease' | 'activate' })),
    )
    this.#writer = new LogWriter({
      store: options.log,
      encode: encodeContent,
      onPersisted: (ticket) => turn.enter(() => this.#put({ type: 'persisted', ticket })),
      onFlushed: (seconds) => options.flushes?.record(seconds),
      onFailure: options.onDiskFailure,
    })
  }

  /** Loads what the log holds and starts. Rejects with `ERR_LOG_CORRUPT` when it is damaged. */
  static async open(options: VoterOptions): Promise<Voter> {
    const { hardState, entries, repaired } = await options.log.load()
    if (repaired)
      options.logger.warn('the log ended in an unfinished write, which was cut off; nothing acknowledged is lost', {
        ...repaired,
      })
    const decoded = entries.map(({ index, term, command }): Entry<ClusterCommand> => {
      return { index, term, ...decodeContent(command) }
    })
    const voter = new Voter(options, { hardState, entries: decoded })
    options.turn.enter(() => voter.#execute(voter.#raft.start(options.clock.now())))
    return voter
  }

  view(): RaftView {
    return this.#raft.view()
  }

  /** S5 as this voter may use it at this very moment. */
  holds(token: number): boolean {
    return this.#host.token === token && this.#host.holds(this.#options.clock.now())
  }

  phase(): HostPhase {
    return this.#host.phase(this.#options.clock.now())
  }

  /** A majority answered a round not longer ago than the lease allows. Asked of a leader. */
  hasLease(): boolean {
    const { role, quorumAt } = this.#raft.view()
    return (
      role === 'leader' && quorumAt !== undefined && this.#options.clock.now() - quorumAt < this.#options.raft.leaseMs
    )
  }

  /** A majority answered within the time after which a leader steps down. Asked of a leader. */
  hasQuorum(): boolean {
    const { role, quorumAt } = this.#raft.view()
    const patience = this.#options.raft.electionTimeoutMaxMs
    return role === 'leader' && quorumAt !== undefined && this.#options.clock.now() - quorumAt < patience
  }

  get voterIds(): readonly string[] {
    return this.#options.log.header.voters.map(({ id }) => id)
  }

  /** The last entry that the machine has seen. */
  get applied(): { readonly index: number; readonly term: number } {
    return this.#applied
  }

  /** `storeId`: the log the sender votes with, as its link has proved it. */
  receive(from: string, storeId: string, message: RaftMessage<ClusterCommand>): void {
    this.#put({ type: 'message', from, storeId, message })
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
    // A stop that the monotonic clock has counted ends the lease by itself when it is long enough. A suspension it has not
    // counted lengthens the lease in secret, however short.
    if (suspendedMs > 0 || ms >= this.#options.raft.leaseMs) this.#stepHost({ type: 'away' })
  }

  /**
   * Proposes `command` and resolves to the machine's answer. Rejects with `ERR_NOT_LEADER`, `ERR_BUFFER_FULL`, or the reason of `signal`;
   * then `mayHaveHappened` says whether it can still be committed.
   */
  propose(command: ClusterCommand, signal: AbortSignal): Promise<ClusterReply> {
    const reply = this.#proposals.open((proposal) => this.#put({ type: 'propose', proposal, command }), signal)
    const { count } = this.#options
    reply.then(
      () => count('proposal-committed'),
      () => count('proposal-failed'),
    )
    return reply
  }

  /** Stops hosting S5, tells the log so that a successor need not wait, then gives up leadership. Bounded by `signal`. */
  async resign(signal: AbortSignal): Promise<void> {
    if (this.view().role !== 'leader') return
    this.#stepHost({ type: 'release' })
    const isReleased = (): boolean => this.machine.singleton('s5')?.released ?? true
    // Without a majority nobody can be told, and nobody can succeed: when all stop together, the last ones need not wait.
    const isVain = (): boolean => this.view().role !== 'leader' || !this.reachesMajority()
    await this.#until(() => isReleased() || isVain(), signal)
    this.#put({ type: 'resign' })
  }

  /** Stops everything; resolves when the disk is idle and the log closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const check of [...this.#waiting]) check()
    this.#timers.clearAll()
    this.#hostTimers.clearAll()
    this.#proposals.close()
    await this.#writer.idle()
    await this.#options.log.close()
  }

  #put(input: Input<ClusterCommand>): void {
    if (!this.#isClosed) this.#mailbox.put(input)
  }

  #take(input: Input<ClusterCommand>): void {
    if (this.#isClosed) return
    const before = this.#raft.view()
    this.#execute(this.#raft.step(input, this.#options.clock.now()))
    const after = this.#raft.view()
    if (before.role === 'leader' && (after.role !== 'leader' || after.term !== before.term))
      this.#proposals.abandon(after.leader)
    this.#observe()
    for (const check of [...this.#waiting]) check()
    if (isVisible(before, after)) this.#options.onChange()
  }

  #execute(effects: readonly Effect<ClusterCommand>[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#options.send(effect.to, effect.message)
          break
        case 'persist':
          this.#writer.persist(effect)
          break
        case 'apply':
          this.#apply(effect.entries)
          break
        case 'set-timer':
          this.#timers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#timers.clear(effect.timer)
          break
        case 'accepted':
          this.#proposals.accepted(effect.proposal, effect.index, effect.term)
          break
        case 'reject':
          this.#proposals.rejected(effect.proposal, refusal(effect.code, effect.leader, this.#options.raft))
          break
        case 'emit':
          this.#count(effect.event)
          break
        case 'readable':
        case 'unreadable':
        case 'transferred':
        case 'capture':
        case 'compact':
        case 'fetch-chunk':
        case 'store-chunk':
        case 'restore':
          // Each answers or follows an input or an option that this driver does not give.
          throw new Error(`${effect.type} was not asked for: a bug in the core`)
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
  }

  #observe(): void {
    this.#stepHost({
      type: 'observe',
      view: this.#raft.view(),
      record: this.machine.singleton('s5'),
      applied: this.#applied,
    })
  }

  #stepHost(input: HostInput): void {
    if (this.#isClosed) return
    for (const effect of this.#host.step(input, this.#options.clock.now())) {
      switch (effect.type) {
        case 'propose':
          void this.#proposeForHost(effect.command)
          break
        case 'start':
        case 'stop':
          this.#options.onHost(effect)
          break
        case 'set-timer':
          this.#hostTimers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#hostTimers.clear(effect.timer)
          break
        default:
          effect satisfies never
      }
    }
  }

  async #proposeForHost(command: ClusterCommand): Promise<void> {
    try {
      await this.propose(command, new AbortController().signal)
    } catch {
      // Not accepted, or lost with the leadership: the host's core decides whether to ask again.
      this.#options.turn.enter(() => this.#stepHost({ type: 'proposal-lost' }))
    }
  }

  /** As far as links tell, those that can be asked are a majority. */
  reachesMajority(): boolean {
    const { self, isLinked } = this.#options
    return this.voterIds.filter((id) => id === self || isLinked(id)).length >= majority(this.voterIds.length)
  }

  /** Resolves once `condition` holds after a step, or `signal` aborts. */
  #until(condition: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!condition() && !signal.aborted && !this.#isClosed) return
        this.#waiting.delete(check)
        signal.removeEventListener('abort', check)
        resolve()
      }
      this.#waiting.add(check)
      signal.addEventListener('abort', check, { once: true })
      check()
    })
  }
}

function refusal(code: RejectCode, leader: string | undefined, raft: RaftOptions): ClusterError {
  if (code === 'busy') {
    const limit = raft.maxUncommittedEntries
    return new ClusterError('ERR_BUFFER_FULL', `${limit} entries are not committed yet`, { queue: 'log', limit })
  }
  const why = code === 'transferring' ? 'leadership is being handed over' : 'this voter does not lead'
  return new ClusterError('ERR_NOT_LEADER', why, { leader })
}

function isVisible(before: RaftView, after: RaftView): boolean {
  return (
    before.role !== after.role ||
    before.term !== after.term ||
    before.leader !== after.leader ||
    before.commitIndex !== after.commitIndex
  )
}
