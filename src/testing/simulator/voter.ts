// One voter in one life of its process: Raft, the singleton host and the replicated machine, wired as the runtime wires
// them, with simulated disk, timers and network instead of real ones. Inputs queue, so that effects keep their order.

import {
  type ClusterBounds,
  type ClusterCommand,
  ClusterMachine,
  type ClusterReply,
  defaultClusterBounds,
  type Effect,
  type Entry,
  type FollowerView,
  type Input,
  type LogEnd,
  type LogIndex,
  levelOf,
  mayPropose,
  type Raft,
  type RaftEvent,
  type RaftMessage,
  type RaftTimer,
  type RaftView,
  type Reconfiguration,
  type Snapshot,
  type Term,
  type VoterId,
} from '../../../consensus/index.ts'
import type { VoterTurn } from '../../coordination/voter-turn.ts'
import type { Absence } from '../../runtime/away-guard.ts'
import { check } from './failure.ts'
import { SimulatedHost } from './host.ts'
import { LeaderDuties } from './leader-duties.ts'
import { MemoryLog } from './memory-log.ts'
import { type Acknowledged, type Replied, Requests, type Served } from './requests.ts'
import { digestOf, SimulatedSnapshots } from './snapshots.ts'
import { VirtualTimers } from './virtual-timers.ts'
import { raftOf, turnOf, type VoterSetup } from './voter-setup.ts'

const S5 = 's5'

/** How late a planted bug captures. */
const LATE_CAPTURE_MS = 5

/** A history so short that those who watch it fall behind now and then. */
const bounds: ClusterBounds = { ...defaultClusterBounds, maxHistoryChanges: 40 }

type Raw = Effect<ClusterCommand>
export class SimulatedVoter {
  readonly #setup: VoterSetup
  readonly #raft: Raft<ClusterCommand>
  /** What it does by itself while it leads. */
  readonly duties: LeaderDuties
  readonly #host: SimulatedHost
  readonly #machine = new ClusterMachine(bounds)
  readonly #raftTimers: VirtualTimers
  readonly #log: MemoryLog
  readonly #snapshots: SimulatedSnapshots
  readonly #requests = new Requests()
  /** The transfer under way. */
  #transferring: number | undefined
  readonly #inputs: Input<ClusterCommand>[] = []
  /** The running node's own. */
  readonly #turn: VoterTurn
  #isBusy = false
  #view: RaftView
  #applied: { readonly index: LogIndex; readonly term: Term } = { index: 0, term: 0 }

  constructor(setup: VoterSetup) {
    this.#setup = setup
    const { self, disk, clock, schedule, random, options, rules, enter } = setup
    this.#log = new MemoryLog({
      disk,
      enter,
      wrote: (entry, previousTerm) => setup.oracle.wrote(self.id, entry, previousTerm),
      persisted: (ticket) => {
        setup.note('persisted', ticket)
        this.input({ type: 'persisted', ticket })
      },
    })
    this.#turn = turnOf(setup, (proposals) => this.#take({ type: 'propose-all', proposals }))
    const input = (each: Input<ClusterCommand>): void => this.input(each)
    const { storesUnflushed } = setup
    this.#snapshots = new SimulatedSnapshots({ disk, schedule, random, enter, input, storesUnflushed })
    const restored = disk.stored?.snapshot
    if (restored !== undefined) this.#restore(restored)
    this.#raft = raftOf(setup, restored)
    const world = { clock, schedule, random }
    this.#host = new SimulatedHost({
      core: { self: self.id, singleton: S5, options, rules, mayHost: setup.mayHost },
      world,
      enter,
      note: setup.note,
      propose: (command) => this.#proposeForHost(command),
      fired: () => this.#drain(),
    })
    this.#raftTimers = new VirtualTimers(world, setup.enter, (timer) => {
      setup.note('raft-timer', timer)
      this.input({ type: 'timer', timer: timer as RaftTimer })
    })
    this.#view = this.#raft.view()
    this.duties = new LeaderDuties(this, setup)
  }

  get view(): RaftView {
    return this.#view
  }

  get appliedIndex(): LogIndex {
    return this.#applied.index
  }

  get appliedTerm(): Term {
    return this.#applied.term
  }

  followers(): FollowerView[] {
    return this.#raft.followers(this.#now())
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
    this.#turn.givePending()
    this.#take(input)
  }

  received(from: VoterId, storeId: string, message: RaftMessage<ClusterCommand>): void {
    const { misreads, levels, self } = this.#setup
    for (const { command } of message.type === 'append' ? message.entries : []) {
      check(
        command === undefined || levelOf(command, levels) <= levels.own,
        'known-commands',
        () => `${self.id} of level ${levels.own} is sent ${command?.type}`,
      )
    }
    const read = misreads === undefined ? message : misreads(message, this.#view)
    this.input({ type: 'message', from, storeId, message: read })
  }

  /**
   * The process did not run: Raft hears it first, then the host, unless its own clock has counted it and sees to the
   * lease.
   */
  away({ ms, suspendedMs }: Absence): void {
    this.input({ type: 'away', ms, suspendedMs })
    if (suspendedMs > 0 || ms >= this.#setup.options.leaseMs) this.#host.step({ type: 'away' })
    this.#drain()
  }

  /** A graceful stop: the singleton is given back. */
  release(): void {
    this.#host.step({ type: 'release' })
    this.#drain()
  }

  propose(command: ClusterCommand, acknowledged: Acknowledged): void {
    this.#turn.propose({ proposal: this.#requests.offer({ type: 'client', acknowledged }), command })
  }

  /** `replied` gets the machine's answer, or undefined when it was not taken. */
  submit(command: ClusterCommand, replied: Replied): void {
    if (this.#view.role !== 'leader' || !mayPropose(command, this.#machine.level, this.#setup.levels)) {
      replied(undefined)
      return
    }
    this.#turn.propose({ proposal: this.#requests.offer({ type: 'user', replied }), command })
  }

  /** `served` gets the machine when it shows all that was answered before. */
  ask(served: (machine: ClusterMachine | undefined) => void): void {
    const read = this.#requests.read(
      () => served(this.#machine),
      () => served(undefined),
    )
    this.input({ type: 'read', read })
  }

  get machine(): ClusterMachine {
    return this.#machine
  }

  /** `served` gets the index that the machine stands at when it is read. */
  read(served: Served): void {
    this.input({ type: 'read', read: this.#requests.read(served) })
  }

  /** Gives leadership to `to`, as somebody asked for. */
  transfer(to: VoterId | undefined): void {
    const proposal = this.#requests.number()
    if (this.#view.role !== 'leader' || this.#transferring !== undefined) return
    this.#transferring = proposal
    // The release is the last entry of this term, so that the successor need not wait out a lease.
    this.#host.step({ type: 'release' })
    this.input({ type: 'transfer', proposal, to })
  }

  /** A leader proposes these voters and learners, as an operator may. */
  reconfigure(change: Reconfiguration): void {
    if (!this.duties.mayReconfigure(change)) return
    this.input({ type: 'reconfigure', proposal: this.#requests.number(), change })
  }

  /** The token with which this process may act as S5 at this instant. */
  s5Token(): number | undefined {
    return this.#host.token()
  }

  logEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined {
    return this.#log.entryAt(index)
  }

  /** What a snapshot stands for in its log. */
  get base(): LogEnd {
    return this.#log.base
  }

  /** 32 bits over the whole replicated state. */
  machineDigest(): number {
    return digestOf(this.#machine.snapshot())
  }

  #now(): number {
    return this.#setup.clock.now()
  }

  #take(input: Input<ClusterCommand>): void {
    this.#inputs.push(input)
    this.#drain()
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
    this.#host.step({
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
          this.#turn.send(effect.to, effect.message)
          break
        case 'set-timer':
          this.#raftTimers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#raftTimers.clear(effect.timer)
          break
        case 'persist':
          this.#log.persist(effect)
          if (this.#setup.acknowledgesUnflushed) this.#inputs.push({ type: 'persisted', ticket: effect.ticket })
          break
        case 'apply':
          for (const entry of effect.entries) this.#apply(entry)
          if (effect.hasMore)
            this.#setup.schedule.after(0, () => this.#setup.enter(() => this.input({ type: 'apply-due' })))
          break
        case 'accepted':
          this.#requests.accepted(effect.proposal, effect.index, effect.term)
          break
        case 'reject':
          if (effect.proposal === this.#transferring) this.#endTransfer()
          this.#requests.rejected(effect.proposal)
          break
        case 'emit':
          this.#emitted(effect.event)
          break
        case 'readable':
          this.#requests.readable(effect.read, this.#applied.index)
          break
        case 'unreadable':
          this.#requests.unreadable(effect.read)
          break
        case 'transferred':
          this.#setup.note('transferred', effect)
          this.#endTransfer()
          break
        case 'capture':
          this.#capture(effect)
          break
        case 'compact':
          this.#log.compact(effect.through)
          this.#snapshots.compact(effect)
          break
        case 'fetch-chunk':
          this.#snapshots.fetch(effect)
          break
        case 'store-chunk':
          this.#snapshots.store(effect)
          break
        case 'restore':
          this.#setup.note('restore', effect)
          this.#restore(effect.snapshot)
          break
        default:
          effect satisfies never
      }
    }
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
    const reply = entry.command === undefined ? undefined : this.#replyTo(entry.command)
    if (entry.command !== undefined && reply !== undefined) {
      const isFirst = oracle.replied(self.id, entry.index, entry.command, reply)
      if (isFirst) oracle.changed(this.#machine.config.changes(entry.index, '', bounds.maxOperations))
    }
    this.#requests.applied(entry, reply)
    this.#observe()
  }

  #replyTo(command: ClusterCommand): ClusterReply {
    const { misapplies } = this.#setup
    const apply = (each: ClusterCommand): ClusterReply => this.#machine.apply(this.#applied, each)
    return misapplies === undefined ? apply(command) : misapplies(command, apply)
  }

  /** A leader that stays one hosts again. */
  #endTransfer(): void {
    this.#transferring = undefined
    if (this.#raft.view().role === 'leader') this.#host.step({ type: 'resume' })
  }

  #capture(effect: Extract<Raw, { type: 'capture' }>): void {
    const { oracle, self, capturesLate, capturesWithout, schedule, enter } = this.#setup
    const capture = (): void => {
      const whole = this.#machine.snapshot()
      const state = capturesWithout === undefined ? whole : { ...whole, [capturesWithout]: [] }
      oracle.captured(self.id, effect, digestOf(state))
      this.#snapshots.capture(effect, state)
    }
    if (capturesLate) schedule.after(LATE_CAPTURE_MS, () => enter(capture))
    else capture()
  }

  /** The latest snapshot on the disk takes the machine's place. */
  #restore(snapshot: Snapshot): void {
    const found = this.#snapshots.state()
    const { oracle, self } = this.#setup
    check(found?.index === snapshot.index, 'snapshot-truth', () => `${self.id} has no snapshot of ${snapshot.index}`)
    this.#machine.restore(found.state)
    const { levels } = this.#setup
    check(this.#machine.level <= levels.own, 'known-commands', () => `${self.id} restores more than it can apply`)
    oracle.restored(self.id, snapshot, this.machineDigest())
    this.#applied = { index: snapshot.index, term: snapshot.term }
    this.#requests.skipped(snapshot.index)
  }

  #emitted(event: RaftEvent): void {
    this.#setup.note(event.type, event)
    if (event.type !== 'role' || event.role !== 'leader') return
    const { oracle, self, disk } = this.#setup
    oracle.elected(self, event.term, this.#raft.view().configuration, disk.hardState)
  }

  #proposeForHost(command: ClusterCommand): void {
    const lost = (): void => this.#host.step({ type: 'proposal-lost' })
    this.#turn.propose({ proposal: this.#requests.offer({ type: 'host', lost }), command })
  }
}
