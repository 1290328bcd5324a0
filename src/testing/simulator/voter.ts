// One voter in one life of its process: Raft, the singleton host and the replicated machine, wired as the runtime wires
// them, with simulated disk, timers and network instead of real ones. Inputs queue, so that effects keep their order.

import {
  type ClusterCommand,
  ClusterMachine,
  type Effect,
  type Entry,
  type HostEffect,
  type HostInput,
  type Input,
  type LogIndex,
  Raft,
  type RaftEvent,
  type RaftMessage,
  type RaftOptions,
  type RaftRules,
  type RaftTimer,
  type RaftView,
  SingletonHost,
  type Term,
  type VoterId,
  votersOnly,
} from '../../../consensus/index.ts'
import type { Absence } from '../../runtime/away-guard.ts'
import type { DiskRecord, SimulatedDisk } from './disk.ts'
import { check } from './failure.ts'
import type { Observed, Oracle } from './oracle.ts'
import { hashText, type Prng } from './random.ts'
import type { Schedule } from './schedule.ts'
import { type PlanningClock, VirtualTimers } from './virtual-timers.ts'

const S5 = 's5'

type Raw = Effect<ClusterCommand>
type Acknowledged = (index: LogIndex, term: Term) => void

/** Who waits for a proposal: a client, or the host whose `activate` or `release` it is. */
type Proposer = { readonly type: 'client'; readonly acknowledged: Acknowledged } | { readonly type: 'host' }

/** What a driver makes of a message that came, given what its Raft knows. */
export type Misreading = (message: RaftMessage<ClusterCommand>, view: RaftView) => RaftMessage<ClusterCommand>

export interface VoterSetup {
  readonly self: Observed
  readonly voters: readonly VoterId[]
  readonly disk: SimulatedDisk
  readonly clock: PlanningClock
  readonly schedule: Schedule
  readonly random: Prng
  readonly oracle: Oracle
  readonly options: RaftOptions
  readonly rules: RaftRules
  /** A planted bug: answers that a write is durable before it is. */
  readonly acknowledgesUnflushed: boolean
  /** A planted bug: what the driver makes of a message before Raft sees it. */
  readonly misreads: Misreading | undefined
  /** Runs work of this life as one turn of the process, when it can run. */
  readonly enter: (work: () => void) => void
  readonly send: (to: VoterId, message: RaftMessage<ClusterCommand>) => void
  readonly note: (event: string, detail: unknown) => void
  /** Whether Raft knows a leader; called after every step. */
  readonly leaderKnown: (isKnown: boolean) => void
}

export class SimulatedVoter {
  readonly #setup: VoterSetup
  readonly #raft: Raft<ClusterCommand>
  readonly #host: SingletonHost
  readonly #machine = new ClusterMachine()
  readonly #raftTimers: VirtualTimers
  readonly #hostTimers: VirtualTimers
  /** The log in memory, as the persist effects made it. */
  readonly #log: Entry<ClusterCommand>[]
  readonly #inputs: Input<ClusterCommand>[] = []
  #isBusy = false
  #view: RaftView
  #applied: { readonly index: LogIndex; readonly term: Term } = { index: 0, term: 0 }
  readonly #offered = new Map<number, Proposer>()
  readonly #accepted = new Map<LogIndex, { readonly term: Term; readonly proposer: Proposer }>()
  #nextProposal = 1
  #unwritten: { readonly ticket: number; readonly records: readonly DiskRecord[] }[] = []
  #isWriting = false

  constructor(setup: VoterSetup) {
    this.#setup = setup
    const { self, disk, clock, schedule, random, options, rules } = setup
    this.#log = [...disk.entries]
    this.#raft = new Raft<ClusterCommand>({
      self: self.id,
      storeId: self.id,
      configuration: votersOnly(setup.voters.map((id) => ({ id, storeId: id }))),
      durable: { hardState: disk.hardState, entries: [...disk.entries] },
      options,
      random: random.next,
      rules,
    })
    this.#host = new SingletonHost({ self: self.id, singleton: S5, options, rules })
    const world = { clock, schedule, random }
    this.#raftTimers = new VirtualTimers(world, setup.enter, (timer) => {
      setup.note('raft-timer', timer)
      this.input({ type: 'timer', timer: timer as RaftTimer })
    })
    this.#hostTimers = new VirtualTimers(world, setup.enter, (timer) => {
      setup.note('host-timer', timer)
      this.#stepHost({ type: 'timer', timer: timer as 'lease' | 'activate' })
      this.#drain()
    })
    this.#view = this.#raft.view()
  }

  get view(): RaftView {
    return this.#view
  }

  get appliedIndex(): LogIndex {
    return this.#applied.index
  }

  /** The token of the last activation this voter applied; 0 before the first. */
  get activatedToken(): number {
    return this.#machine.singleton(S5)?.token ?? 0
  }

  start(): void {
    this.#isBusy = true
    this.#carryOut(this.#raft.start(this.#now()))
    this.#observe()
    this.#isBusy = false
    this.#drain()
  }

  /** Gives `input` to Raft, with everything that follows from it. */
  input(input: Input<ClusterCommand>): void {
    this.#inputs.push(input)
    this.#drain()
  }

  received(from: VoterId, message: RaftMessage<ClusterCommand>): void {
    const { misreads } = this.#setup
    const read = misreads === undefined ? message : misreads(message, this.#view)
    this.input({ type: 'message', from, storeId: from, message: read })
  }

  /** The process did not run: Raft hears it first, then the host, unless its own clock has counted it and sees to the lease. */
  away({ ms, suspendedMs }: Absence): void {
    this.input({ type: 'away', ms, suspendedMs })
    if (suspendedMs > 0 || ms >= this.#setup.options.leaseMs) this.#stepHost({ type: 'away' })
    this.#drain()
  }

  /** A graceful stop: the singleton is given back. */
  release(): void {
    this.#stepHost({ type: 'release' })
    this.#drain()
  }

  propose(command: ClusterCommand, acknowledged: Acknowledged): void {
    this.#propose(command, { type: 'client', acknowledged })
    this.#drain()
  }

  /** The token with which this process may act as S5 at this instant. */
  s5Token(): number | undefined {
    return this.#host.token !== undefined && this.#host.holds(this.#now()) ? this.#host.token : undefined
  }

  logEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined {
    return this.#log[index - 1]
  }

  /** 32 bits over the whole replicated state. */
  machineDigest(): number {
    return hashText(
      JSON.stringify(this.#machine.snapshot(), (_key, value: unknown) =>
        value instanceof Uint8Array ? [...value] : value,
      ),
    )
  }

  #now(): number {
    return this.#setup.clock.now()
  }

  #drain(): void {
    if (this.#isBusy) return
    this.#isBusy = true
    for (let input = this.#inputs.shift(); input !== undefined; input = this.#inputs.shift()) {
      this.#carryOut(this.#raft.step(input, this.#now()))
      this.#observe()
    }
    this.#isBusy = false
    this.#setup.leaderKnown(this.#view.leader !== undefined)
  }

  /** The host sees what Raft and the machine say after every step of either. */
  #observe(): void {
    this.#view = this.#raft.view()
    this.#stepHost({
      type: 'observe',
      view: this.#view,
      record: this.#machine.singleton(S5),
      applied: this.#applied,
    })
  }

  #carryOut(effects: readonly Raw[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#setup.oracle.sentRaft(this.#setup.self.id, effect.to, effect.message, this.#setup.disk.hardState)
          this.#setup.send(effect.to, effect.message)
          break
        case 'set-timer':
          this.#raftTimers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#raftTimers.clear(effect.timer)
          break
        case 'persist':
          this.#persist(effect)
          break
        case 'apply':
          for (const entry of effect.entries) this.#apply(entry)
          break
        case 'accepted':
          this.#wasAccepted(effect.proposal, effect.index, effect.term)
          break
        case 'reject':
          this.#wasRejected(effect.proposal)
          break
        case 'emit':
          this.#emitted(effect.event)
          break
        case 'readable':
        case 'unreadable':
        case 'transferred':
        case 'capture':
        case 'compact':
        case 'fetch-chunk':
        case 'store-chunk':
        case 'restore':
          check(false, 'no-crash', () => `${effect.type} was not asked for`)
          break
        default:
          effect satisfies never
      }
    }
  }

  #persist(effect: Extract<Raw, { type: 'persist' }>): void {
    const records: DiskRecord[] = []
    if (effect.hardState !== undefined) records.push({ type: 'hard-state', hardState: effect.hardState })
    for (const entry of effect.entries) {
      check(entry.index <= this.#log.length + 1, 'no-crash', () => `entry ${entry.index} leaves a gap in memory`)
      this.#log.length = entry.index - 1
      this.#log.push(entry)
      const previousTerm = this.#log[entry.index - 2]?.term ?? 0
      this.#setup.oracle.wrote(this.#setup.self.id, entry, previousTerm)
      records.push({ type: 'entry', entry })
    }
    this.#unwritten.push({ ticket: effect.ticket, records })
    if (this.#setup.acknowledgesUnflushed) this.#inputs.push({ type: 'persisted', ticket: effect.ticket })
    if (!this.#isWriting) this.#write()
  }

  /** What gathered while one flush was running goes into the next one. */
  #write(): void {
    const batch = this.#unwritten
    const last = batch.at(-1)
    if (last === undefined) return
    this.#unwritten = []
    this.#isWriting = true
    const records = batch.flatMap((write) => write.records)
    this.#setup.disk.write(records, () =>
      this.#setup.enter(() => {
        this.#isWriting = false
        this.#setup.note('persisted', last.ticket)
        this.input({ type: 'persisted', ticket: last.ticket })
        if (!this.#isWriting) this.#write()
      }),
    )
  }

  #apply(entry: Entry<ClusterCommand>): void {
    const { oracle, self } = this.#setup
    check(
      entry.index === this.#applied.index + 1,
      'state-machine-safety',
      () => `${self.id} applies ${entry.index} after ${this.#applied.index}`,
    )
    oracle.applied(self.id, entry, this.#raft.view().term)
    this.#applied = { index: entry.index, term: entry.term }
    if (entry.command !== undefined) {
      const reply = this.#machine.apply(this.#applied, entry.command)
      oracle.replied(self.id, entry.index, entry.command, reply)
    }
    this.#settle(entry)
    this.#observe()
  }

  #settle(entry: Entry<ClusterCommand>): void {
    const waiting = this.#accepted.get(entry.index)
    if (waiting === undefined) return
    this.#accepted.delete(entry.index)
    const isOurs = waiting.term === entry.term
    if (waiting.proposer.type === 'client' && isOurs) waiting.proposer.acknowledged(entry.index, entry.term)
    if (waiting.proposer.type === 'host' && !isOurs) this.#stepHost({ type: 'proposal-lost' })
  }

  #propose(command: ClusterCommand, proposer: Proposer): void {
    const proposal = this.#nextProposal++
    this.#offered.set(proposal, proposer)
    this.#inputs.push({ type: 'propose', proposal, command })
  }

  #wasAccepted(proposal: number, index: LogIndex, term: Term): void {
    const proposer = this.#offered.get(proposal)
    this.#offered.delete(proposal)
    if (proposer !== undefined) this.#accepted.set(index, { term, proposer })
  }

  #wasRejected(proposal: number): void {
    const proposer = this.#offered.get(proposal)
    this.#offered.delete(proposal)
    if (proposer?.type === 'host') this.#stepHost({ type: 'proposal-lost' })
  }

  #emitted(event: RaftEvent): void {
    this.#setup.note(event.type, event)
    if (event.type !== 'role' || event.role !== 'leader') return
    const { oracle, self, voters, disk } = this.#setup
    oracle.elected(self, event.term, voters, disk.hardState)
  }

  #stepHost(input: HostInput): void {
    for (const effect of this.#host.step(input, this.#now())) this.#carryOutHost(effect)
  }

  #carryOutHost(effect: HostEffect): void {
    switch (effect.type) {
      case 'propose':
        this.#propose(effect.command, { type: 'host' })
        return
      case 'set-timer':
        this.#hostTimers.set(effect.timer, effect.at)
        return
      case 'clear-timer':
        this.#hostTimers.clear(effect.timer)
        return
      case 'start':
      case 'stop':
        this.#setup.note(`s5-${effect.type}`, effect)
        return
      default:
        effect satisfies never
    }
  }
}
