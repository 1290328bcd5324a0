// One simulated machine: power, clocks, a disk, and at most one life of the node's process. It decides whether anything
// can run at all: what happens while the process is stopped waits, and afterwards expired timers run before waiting
// packets, as in Node. Every entrance asks the away guard first, and the oracle looks before and after.

import type {
  ClusterCommand,
  ClusterMachine,
  ClusterReply,
  Configuration,
  Entry,
  HardState,
  LogEnd,
  LogIndex,
  Reconfiguration,
  Term,
} from '../../../consensus/index.ts'
import type { Reachability } from '../../transport/transport.ts'
import type { Server } from './client.ts'
import { SimulatedClock } from './clock.ts'
import { SimulatedDisk } from './disk.ts'
import { LATEST_LEVEL } from './levels.ts'
import type { NetworkHost } from './network.ts'
import type { Observed } from './oracle.ts'
import type { Packet } from './packet.ts'
import { SimulatedProcess } from './process.ts'
import { Prng } from './random.ts'
import type { DataServer } from './users/exchange.ts'
import type { Victim } from './victim.ts'
import type { SimulatedVoter } from './voter.ts'
import type { World } from './world.ts'

/** How long a process that leaves goes on, so that its goodbye spreads. */
const LEAVING_MS = 300

/** What an entrance is: expired timers run before anything else that waited. */
export type Entrance = 'timer' | 'other'

export class SimulatedNode implements Victim, Server, DataServer, Observed, NetworkHost {
  readonly id: string
  readonly index: number
  readonly clock: SimulatedClock
  readonly disk: SimulatedDisk
  readonly #world: World
  readonly #random: Prng
  #level: number
  #isPowered = true
  #isStopped = false
  #isLeaving = false
  #life = 0
  #process: SimulatedProcess | undefined
  #waitingTimers: (() => void)[] = []
  #waiting: (() => void)[] = []

  constructor(index: number, world: World) {
    const { scenario, schedule, bug } = world
    this.index = index
    this.#level = scenario.levels[index] ?? LATEST_LEVEL
    this.id = world.idOf(index)
    this.#world = world
    this.#random = new Prng(scenario.seed, `node ${index}`)
    this.clock = new SimulatedClock(schedule, scenario.wallOffsetsMs[index] ?? 0)
    this.clock.setRate(scenario.clockRates[index] ?? 1)
    this.disk = new SimulatedDisk(`store-${index}`, schedule, this.#random, scenario.disk, bug?.disk)
    world.oracle.observe(this)
    world.network.attach(this)
  }

  get level(): number {
    return this.#level
  }

  get isUp(): boolean {
    return this.#process !== undefined
  }

  get isLeaving(): boolean {
    return this.#isLeaving
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#isStopped && !this.clock.isSuspended
  }

  get isLeading(): boolean {
    return this.leadsTerm() !== undefined || this.s5Token() !== undefined
  }

  get life(): number {
    return this.#life
  }

  /** It founded the cluster, or knows that it exists. */
  get belongsToCluster(): boolean {
    return this.#process?.belongsToCluster === true
  }

  /** Whom its Raft believes to lead. */
  get knownLeader(): string | undefined {
    return this.#process?.voter?.view.leader
  }

  get appliedIndex(): LogIndex {
    return this.#process?.voter?.appliedIndex ?? 0
  }

  // --- What the faults do to it ---

  start(): void {
    if (this.#process !== undefined) return
    this.clock.resume()
    this.#isPowered = true
    this.disk.writeNow({ type: 'generation', generation: this.disk.generation + 1 })
    this.#note('start', this.disk.generation)
    this.#world.oracle.restarted(this.storeId, this.disk.hardState)
    const process: SimulatedProcess = new SimulatedProcess(this, this.#world, this.#random, (entrance, work) =>
      this.#enter(process, entrance, work),
    )
    this.#process = process
    this.#turn(process, () => process.start())
  }

  /** With a later release; a node that runs is stopped first. */
  upgrade(level: number): void {
    if (level <= this.#level) return
    this.#level = level
    this.#note('upgraded', level)
    if (this.#process === undefined) return
    this.kill()
    this.start()
  }

  kill(): void {
    if (this.#process === undefined) return
    this.#end()
    this.#world.network.processDied(this.index)
  }

  losePower(): void {
    if (!this.#isPowered) return
    this.#end()
    this.#isPowered = false
    this.#world.network.machineDied(this.index)
    this.clock.reboot()
  }

  leave(): void {
    const process = this.#process
    if (this.#isLeaving) return
    if (process === undefined || !this.isRunning) {
      this.kill()
      return
    }
    this.#isLeaving = true
    this.#turn(process, () => process.leave())
    this.#world.schedule.after(LEAVING_MS, () => {
      if (this.#process !== process) return
      for (let peer = 0; peer < this.#world.scenario.nodes; peer++) this.#world.network.close(this.index, peer)
      this.kill()
    })
  }

  stopProcess(): void {
    this.#isStopped = this.#process !== undefined
  }

  continueProcess(): void {
    this.#isStopped = false
    this.#goOn()
  }

  suspendMachine(): void {
    if (this.#isPowered) this.clock.suspend()
  }

  resumeMachine(): void {
    if (!this.clock.isSuspended) return
    this.clock.resume()
    this.#goOn()
  }

  jumpWallClock(byMs: number): void {
    this.clock.jumpWall(byMs)
  }

  setClockRate(rate: number): void {
    this.clock.setRate(rate)
  }

  // --- What the network tells it ---

  reachability(): Reachability {
    if (!this.#isPowered || this.clock.isSuspended) return 'silent'
    return this.#process === undefined ? 'refuses' : 'accepts'
  }

  isResponsive(): boolean {
    return this.isRunning
  }

  linked(peer: number): void {
    const process = this.#process
    if (process === undefined) return
    this.#enter(process, 'other', () => {
      this.#note('linked', undefined, peer)
      process.linked(peer)
    })
  }

  received(peer: number, packet: Packet): void {
    const process = this.#process
    if (process === undefined) return
    this.#enter(process, 'other', () => {
      this.#note(packet.type, 'message' in packet ? packet.message : packet.token, peer)
      process.received(peer, packet)
    })
  }

  unlinked(peer: number, announced: boolean): void {
    const process = this.#process
    if (process === undefined) return
    this.#enter(process, 'other', () => {
      this.#note(announced ? 'goodbye' : 'link-lost', undefined, peer)
      process.unlinked(peer, announced)
    })
  }

  // --- What clients and the oracle see ---

  propose(command: ClusterCommand, acknowledged: (index: LogIndex, term: Term) => void): void {
    this.#toVoter('propose', command, (voter) => voter?.propose(command, acknowledged))
  }

  read(served: (index: LogIndex) => void): void {
    this.#toVoter('read', undefined, (voter) => voter?.read(served))
  }

  submit(command: ClusterCommand, replied: (reply: ClusterReply | undefined) => void): void {
    const submit = (voter?: SimulatedVoter): void => (voter ? voter.submit(command, replied) : replied(undefined))
    if (!this.#toVoter('submit', command, submit)) replied(undefined)
  }

  ask(served: (machine: ClusterMachine | undefined) => void): void {
    const ask = (voter?: SimulatedVoter): void => (voter ? voter.ask(served) : served(undefined))
    if (!this.#toVoter('ask', undefined, ask)) served(undefined)
  }

  look(): ClusterMachine | undefined {
    return this.isRunning ? this.#process?.voter?.machine : undefined
  }

  transfer(to: string | undefined): void {
    const process = this.#process
    if (process !== undefined) this.#enter(process, 'other', () => process.voter?.transfer(to))
  }

  reconfigure(change: Reconfiguration): void {
    const process = this.#process
    if (process !== undefined) this.#enter(process, 'other', () => process.voter?.reconfigure(change))
  }

  /** The process dies, and its log with the disk it was on. */
  wipe(): void {
    this.kill()
    this.disk.wipe()
    this.#note('wiped', this.storeId)
  }

  knownToken(): number {
    return this.#process?.voter?.activatedToken ?? 0
  }

  s5Token(): number | undefined {
    return this.#process?.voter?.s5Token()
  }

  leadsTerm(): Term | undefined {
    const view = this.#process?.voter?.view
    return view?.role === 'leader' ? view.term : undefined
  }

  logEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined {
    const voter = this.#process?.voter
    if (voter !== undefined && index <= voter.base.index) return this.#world.oracle.history.entryAt(index)
    return voter?.logEntryAt(index)
  }

  durableEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined {
    if (index <= this.disk.end().index && index <= this.disk.base.index)
      return this.#world.oracle.history.entryAt(index)
    const { stored } = this.disk
    if (stored !== undefined && index <= stored.snapshot.index) return this.#world.oracle.history.entryAt(index)
    return this.disk.entryAt(index)
  }

  durableEnd(): LogEnd {
    return this.disk.end()
  }

  get hasLostLog(): boolean {
    return this.disk.lost !== undefined
  }

  lostTermAt(index: LogIndex): { readonly storeId: string; readonly term: Term } | undefined {
    const { lost } = this.disk
    const term = lost?.entries[index - 1 - lost.base.index]?.term
    return lost === undefined || term === undefined ? undefined : { storeId: lost.storeId, term }
  }

  /** The log it votes with. */
  get storeId(): string {
    return this.disk.logStoreId
  }

  /** Term and vote as a crash at this instant would leave them. */
  get durableHardState(): HardState {
    return this.disk.hardState
  }

  durableConfiguration(): Configuration | undefined {
    return this.disk.configuration()
  }

  /** The configuration its Raft goes by. */
  get configuration(): Configuration | undefined {
    return this.#process?.voter?.view.configuration
  }

  get isConfigurationSettled(): boolean {
    return this.#process?.voter?.view.configurationSettled === true
  }

  machineDigest(): number {
    return this.#process?.voter?.machineDigest() ?? 0
  }

  /** Whom this node does not see alive; undefined when it sees everybody. */
  missingMembers(): string | undefined {
    return this.#process === undefined ? `${this.id} does not run` : this.#process.missingMembers()
  }

  /** False: there is no process. */
  #toVoter(event: string, detail: unknown, use: (voter: SimulatedVoter | undefined) => void): boolean {
    const process = this.#process
    if (process === undefined) return false
    this.#enter(process, 'other', () => {
      this.#note(event, detail)
      use(process.voter)
    })
    return true
  }

  // --- Turns ---

  #enter(process: SimulatedProcess, entrance: Entrance, work: () => void): void {
    if (this.#process !== process) return
    if (this.isRunning) this.#turn(process, work)
    else if (entrance === 'timer') this.#waitingTimers.push(work)
    else this.#waiting.push(work)
  }

  #turn(process: SimulatedProcess, work: () => void): void {
    const { s5 } = this.#world.oracle
    s5.beforeStep(this)
    process.checkAway()
    work()
    s5.afterStep(this)
  }

  /** The process runs again: it notices its absence, then its timers, then what waited in its sockets. */
  #goOn(): void {
    const process = this.#process
    if (process === undefined || !this.isRunning) return
    const works = [...this.#waitingTimers, ...this.#waiting]
    this.#waitingTimers = []
    this.#waiting = []
    this.#note('continues', works.length)
    this.#turn(process, () => {})
    this.#world.oracle.s5.continued(this)
    for (const work of works) this.#turn(process, work)
  }

  /** The process is gone, with everything that was not on disk. */
  #end(): void {
    this.#note('dies', undefined)
    this.#process = undefined
    this.#life++
    this.#isStopped = false
    this.#isLeaving = false
    this.#waitingTimers = []
    this.#waiting = []
    this.disk.crash()
    this.#world.oracle.s5.died(this)
  }

  #note(event: string, detail: unknown, peer?: number): void {
    const { trace, schedule } = this.#world
    trace.note(schedule.now, this.id, event, detail, peer === undefined ? '' : this.#world.idOf(peer))
  }
}
