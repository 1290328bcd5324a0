// Several voters on one table: messages wait until they are delivered, writes until they are flushed, timers until they
// are fired. Nothing moves by itself, so a scenario can put any two events in the order that hurts.

import {
  type ClusterCommand,
  ClusterMachine,
  type ClusterState,
  type DurableState,
  type Effect,
  type Entry,
  type HardState,
  type HostEffect,
  type HostInput,
  type Input,
  Raft,
  type RaftMessage,
  type RaftOptions,
  type RaftTimer,
  SingletonHost,
  type Snapshot,
  type VoterId,
  votersOnly,
} from '../../../consensus/index.ts'
import { effectText, hostEffectText } from './consensus-text.ts'

/** Every snapshot here has this many bytes. */
const SNAPSHOT_BYTES = 4

interface Waiting {
  readonly from: VoterId
  readonly storeId: string
  readonly to: VoterId
  readonly message: RaftMessage<ClusterCommand>
}

interface Voter {
  readonly id: VoterId
  readonly storeId: string
  /** What the driver owes the core: snapshots captured, read and stored. */
  owed: Input<ClusterCommand>[]
  readonly raft: Raft<ClusterCommand>
  readonly host: SingletonHost | undefined
  readonly machine: ClusterMachine
  applied: { index: number; term: number }
  readonly timers: Map<string, number>
  /** Writes that a crash would lose. */
  writes: Extract<Effect<ClusterCommand>, { type: 'persist' }>[]
}

export interface ClusterSetup {
  readonly voters: readonly VoterId[]
  readonly options: RaftOptions
  /** Each voter draws this number, always. */
  readonly random: ReadonlyMap<VoterId, number>
  /** Whether each voter also has a host of the singleton `s5`. */
  readonly hosting: boolean
}

export class ScenarioCluster {
  readonly setup: ClusterSetup
  #now = 0
  readonly #voters = new Map<VoterId, Voter>()
  readonly #disks = new Map<VoterId, DurableState<ClusterCommand>>()
  /** Logs that are not named after their members: those have lost one. */
  readonly #storeIds = new Map<VoterId, string>()
  readonly #states = new Map<string, ClusterState>()
  #waiting: Waiting[] = []
  #cut = new Set<VoterId>()
  #proposals = 0
  #lines: string[] = []

  constructor(setup: ClusterSetup) {
    this.setup = setup
  }

  /** What happened since the last call, as text. */
  takeLines(): string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  format(id: VoterId, hardState: HardState, entries: readonly Entry<ClusterCommand>[]): void {
    this.#disks.set(id, { hardState, entries })
  }

  start(id: VoterId): void {
    const { voters, options, random, hosting } = this.setup
    const durable: DurableState<ClusterCommand> = this.#disks.get(id) ?? {
      hardState: { term: 0, votedFor: undefined },
      entries: [],
    }
    this.#disks.set(id, durable)
    const storeId = this.#storeIds.get(id) ?? id
    const isFounder = voters.includes(id) && storeId === id
    const configuration = votersOnly(isFounder ? voters.map((voter) => ({ id: voter, storeId: voter })) : [])
    const draw = random.get(id) ?? 0.5
    const voter: Voter = {
      id,
      storeId,
      owed: [],
      raft: new Raft({ self: id, storeId, configuration, durable, options, random: () => draw }),
      host: hosting ? new SingletonHost({ self: id, singleton: 's5', options }) : undefined,
      machine: new ClusterMachine(),
      applied: { index: 0, term: 0 },
      timers: new Map(),
      writes: [],
    }
    this.#voters.set(id, voter)
    if (durable.snapshot !== undefined) this.#restore(voter, durable.snapshot)
    this.#execute(voter, voter.raft.start(this.#now))
  }

  /** Its log is gone, and what is made in its place has another name. */
  wipe(id: VoterId): void {
    this.#storeIds.set(id, `${id}'`)
    this.#disks.delete(id)
  }

  /** The process is gone, with all that was not flushed; what it had sent is still on its way. */
  crash(id: VoterId): void {
    this.#voters.delete(id)
  }

  step(id: VoterId, input: Input<ClusterCommand>): void {
    const voter = this.voter(id)
    this.#execute(voter, voter.raft.step(input, this.#now))
  }

  stepHost(id: VoterId, input: HostInput): void {
    const voter = this.voter(id)
    if (voter.host !== undefined) this.#executeHost(voter, voter.host.step(input, this.#now))
  }

  propose(id: VoterId, command: ClusterCommand): void {
    this.#proposals++
    this.step(id, { type: 'propose', proposal: this.#proposals, command })
  }

  fire(id: VoterId, name: string): void {
    const { timers } = this.voter(id)
    const at = timers.get(name)
    if (at === undefined) throw new Error(`${id} has no timer ${name}; it has ${[...timers.keys()].join(', ')}`)
    this.#now = Math.max(this.#now, at)
    timers.delete(name)
    if (name === 'lease' || name === 'activate') this.stepHost(id, { type: 'timer', timer: name })
    else this.step(id, { type: 'timer', timer: name as RaftTimer })
  }

  /** Delivers the messages that wait now, oldest first; what they cause waits. */
  deliver(from?: VoterId, to?: VoterId, count = Number.POSITIVE_INFINITY): number {
    const chosen = this.#take(from, to, count)
    for (const { from: sender, storeId, to: receiver, message } of chosen) {
      if (this.#voters.has(receiver)) this.step(receiver, { type: 'message', from: sender, storeId, message })
    }
    return chosen.length
  }

  lose(from?: VoterId, to?: VoterId): void {
    this.#take(from, to, Number.POSITIVE_INFINITY)
  }

  /** Delivers again, later, what waits now. */
  duplicate(from?: VoterId, to?: VoterId): void {
    const copies = this.#take(from, to, Number.POSITIVE_INFINITY)
    this.#waiting.push(...copies, ...copies)
  }

  flush(id: VoterId): boolean {
    const voter = this.voter(id)
    const ticket = voter.writes.at(-1)?.ticket
    if (ticket === undefined) return false
    for (const { hardState, base, entries } of voter.writes) {
      const disk = this.disk(id)
      const old = base === undefined ? disk.entries : []
      const first = entries[0]?.index ?? Number.POSITIVE_INFINITY
      const kept = old.filter(({ index }) => index < first)
      const changed = { hardState: hardState ?? disk.hardState, entries: [...kept, ...entries] }
      this.#disks.set(id, { ...disk, ...changed, ...(base && { base }) })
    }
    voter.writes = []
    this.step(id, { type: 'persisted', ticket })
    return true
  }

  /** The driver does what it owes: snapshots are captured, read, stored, and durable. */
  drive(id: VoterId): boolean {
    const voter = this.voter(id)
    const owed = voter.owed
    voter.owed = []
    for (const input of owed) {
      if (input.type === 'captured') this.#keep(voter, input)
      this.step(id, input)
    }
    return owed.length > 0
  }

  /** Delivers and flushes until nothing waits; time stands still. */
  settle(): void {
    let isMoving = true
    while (isMoving) {
      isMoving = this.deliver() > 0
      for (const id of this.#voters.keys()) isMoving = this.flush(id) || isMoving
      for (const id of this.#voters.keys()) isMoving = this.drive(id) || isMoving
    }
  }

  /** Lets `ms` pass: timers fire when they are due, messages and flushes take no time. */
  run(ms: number): void {
    const end = this.#now + ms
    this.settle()
    for (let due = this.#nextTimer(); due !== undefined && due.at <= end; due = this.#nextTimer()) {
      this.fire(due.id, due.name)
      this.settle()
    }
    this.#now = end
  }

  /** Lets `ms` pass for everyone; timers that are due wait to be fired. */
  wait(ms: number): void {
    this.#now += ms
  }

  /** From now on everything to and from these is lost. */
  cut(ids: readonly VoterId[]): void {
    this.#cut = new Set(ids)
    this.#waiting = this.#waiting.filter(({ from, to }) => this.#connects(from, to))
  }

  voter(id: VoterId): Voter {
    const voter = this.#voters.get(id)
    if (voter === undefined) throw new Error(`${id} does not run`)
    return voter
  }

  disk(id: VoterId): DurableState<ClusterCommand> {
    const disk = this.#disks.get(id)
    if (disk === undefined) throw new Error(`${id} has no disk`)
    return disk
  }

  #execute(voter: Voter, effects: readonly Effect<ClusterCommand>[]): void {
    for (const effect of effects) {
      this.#lines.push(effectText(voter.id, effect))
      if (effect.type === 'set-timer') voter.timers.set(effect.timer, effect.at)
      else if (effect.type === 'clear-timer') voter.timers.delete(effect.timer)
      else if (effect.type === 'persist') voter.writes.push(effect)
      else if (effect.type === 'send')
        this.#send({ from: voter.id, storeId: voter.storeId, to: effect.to, message: effect.message })
      else if (effect.type === 'apply') for (const entry of effect.entries) this.#apply(voter, entry)
      else this.#executeSnapshot(voter, effect)
    }
    const { raft, host, machine, applied } = voter
    if (host === undefined) return
    const observed = { view: raft.view(), record: machine.singleton('s5'), applied }
    this.#executeHost(voter, host.step({ type: 'observe', ...observed }, this.#now))
  }

  #executeSnapshot(voter: Voter, effect: Effect<ClusterCommand>): void {
    const disk = this.disk(voter.id)
    if (effect.type === 'capture') {
      const id = `${voter.id}/${effect.index}`
      this.#states.set(id, voter.machine.snapshot())
      voter.owed.push({ type: 'captured', index: effect.index, id, size: SNAPSHOT_BYTES })
    } else if (effect.type === 'compact') {
      const entries = disk.entries.filter(({ index }) => index > effect.through.index)
      this.#disks.set(voter.id, { ...disk, base: effect.through, entries })
    } else if (effect.type === 'fetch-chunk') {
      const { to, id, offset, length } = effect
      voter.owed.push({ type: 'chunk', to, id, offset, bytes: new Uint8Array(length) })
    } else if (effect.type === 'store-chunk') {
      const { snapshot } = effect
      const offset = effect.offset + effect.bytes.length
      if (offset === snapshot.size) this.#disks.set(voter.id, { ...disk, snapshot })
      voter.owed.push({ type: 'chunk-stored', id: snapshot.id, offset })
    } else if (effect.type === 'restore') {
      this.#restore(voter, effect.snapshot)
    }
  }

  #keep(voter: Voter, { index, id, size }: Extract<Input<ClusterCommand>, { type: 'captured' }>): void {
    const disk = this.disk(voter.id)
    const term = disk.entries.find((entry) => entry.index === index)?.term ?? 0
    const { configuration } = voter.raft.view()
    this.#disks.set(voter.id, { ...disk, snapshot: { index, term, configuration, id, size } })
  }

  #restore(voter: Voter, { id, index, term }: Snapshot): void {
    const state = this.#states.get(id)
    if (state === undefined) throw new Error(`nobody captured ${id}`)
    voter.machine.restore(state)
    voter.applied = { index, term }
  }

  #executeHost(voter: Voter, effects: readonly HostEffect[]): void {
    for (const effect of effects) {
      this.#lines.push(hostEffectText(voter.id, effect))
      if (effect.type === 'set-timer') voter.timers.set(effect.timer, effect.at)
      else if (effect.type === 'clear-timer') voter.timers.delete(effect.timer)
    }
    for (const effect of effects) if (effect.type === 'propose') this.propose(voter.id, effect.command)
  }

  #apply(voter: Voter, { index, term, command }: Entry<ClusterCommand>): void {
    if (command !== undefined) voter.machine.apply({ index, term }, command)
    voter.applied = { index, term }
  }

  #send(waiting: Waiting): void {
    if (this.#connects(waiting.from, waiting.to)) this.#waiting.push(waiting)
  }

  #connects(from: VoterId, to: VoterId): boolean {
    return !this.#cut.has(from) && !this.#cut.has(to)
  }

  #take(from: VoterId | undefined, to: VoterId | undefined, count: number): Waiting[] {
    const fits = (each: Waiting): boolean =>
      (from === undefined || each.from === from) && (to === undefined || each.to === to)
    const taken = this.#waiting.filter(fits).slice(0, count)
    this.#waiting = this.#waiting.filter((each) => !taken.includes(each))
    return taken
  }

  #nextTimer(): { id: VoterId; name: string; at: number } | undefined {
    let next: { id: VoterId; name: string; at: number } | undefined
    for (const { id, timers } of this.#voters.values()) {
      for (const [name, at] of timers) if (next === undefined || at < next.at) next = { id, name, at }
    }
    return next
  }
}
