// One member of the simulated cluster: the cores of the switch, its overlays, and delivery over whatever way they show.

import {
  type ChannelName,
  Delivery,
  deliveryPresets,
  type LeaderInput,
  type MemberInput,
  type MemberRecord,
  type MemberState,
  type OverlayDefinition,
  type OverlayInput,
  SwitchLeader,
  SwitchMember,
  type SwitchMessage,
} from '../../../../topology/index.ts'
import type { SimulatedMessage } from './message.ts'
import { definitions } from './overlays.ts'
import type { SwitchingWorld } from './world.ts'

const CHANNEL: ChannelName = 'data'
const MAX_HOPS = 16

type Overlay = ReturnType<OverlayDefinition<unknown>['create']>

interface OpenOverlay {
  readonly epoch: number
  /** The switch that it was opened for; 0: none, it was agreed on already. */
  readonly proposal: number
  readonly overlay: Overlay
  readonly wanted: Set<string>
  /** All links that it wanted were up at some time. */
  hasFormed: boolean
  /** Before it does it wants nothing, which means nothing. */
  knowsMembers: boolean
}

export class SimulatedMember {
  readonly id: string
  readonly #world: SwitchingWorld
  isRunning = false
  state: MemberState = 'left'
  generation = 0
  member = new SwitchMember({ epoch: 0, name: 'full-mesh' }, (name) => definitions.has(name))
  #leader: SwitchLeader
  #overlays = new Map<number, OpenOverlay>()
  #current: number | undefined
  #delivery = new Delivery<SimulatedMessage, SimulatedMessage, string>(deliveryPresets.local)
  /** By owner and name: when it fires. */
  readonly #timers = new Map<string, number>()
  /** Of the message that is being taken, if it is about preparing. */
  #preparing = 0

  constructor(id: string, world: SwitchingWorld) {
    this.id = id
    this.#world = world
    this.#leader = new SwitchLeader(id)
  }

  /** Starts as one that knows nothing of what the cluster has agreed on. */
  start(): void {
    this.isRunning = true
    this.state = 'alive'
    this.generation += 1
    this.member = new SwitchMember({ epoch: 0, name: 'full-mesh' }, (name) => definitions.has(name))
    this.#leader = new SwitchLeader(this.id)
    this.#delivery = new Delivery(deliveryPresets.local)
    this.#overlays = new Map()
    this.#preparing = 0
    this.#timers.clear()
    this.#open(0, 0, 'full-mesh')
    this.#current = 0
    for (const other of this.#world.members.keys()) if (this.#world.isLinked(this.id, other)) this.connected(other)
    this.#membersChanged()
    this.#world.schedule.after(50, () => this.follow())
    this.#beat(this.generation)
  }

  stop(): void {
    this.isRunning = false
    const { generation } = this
    for (const key of [...this.#overlays.keys()]) this.#close(key)
    // Found out after a while.
    this.#world.schedule.after(this.#world.random.between(50, 3_000), () => {
      if (this.isRunning || this.generation !== generation) return
      this.state = 'down'
      this.#membersChanged()
    })
  }

  wants(other: string): boolean {
    return [...this.#overlays.values()].some(({ wanted }) => wanted.has(other))
  }

  /** Epochs and names of the overlays that are open. */
  open(): string[] {
    return [...this.#overlays.values()].map(({ epoch, overlay }) => `${overlay.name} ${epoch}`)
  }

  /** Whether the overlay of `epoch` is open, and all links that it wanted were up at some time. */
  hasFormed(epoch: number): boolean {
    return [...this.#overlays.values()].some((open) => open.epoch === epoch && open.hasFormed)
  }

  // --- What the world tells ---

  connected(peer: string): void {
    if (!this.isRunning) return
    for (const key of this.#overlays.keys()) this.#putOverlay(key, { type: 'connected', peer })
    const { generation = 0 } = this.#world.members.get(peer) ?? {}
    this.#putDelivery({ type: 'connected', peer, generation })
  }

  disconnected(peer: string): void {
    if (!this.isRunning) return
    for (const key of this.#overlays.keys()) this.#putOverlay(key, { type: 'disconnected', peer, announced: true })
  }

  membersChanged(): void {
    if (!this.isRunning) return
    const records = [...this.#world.members.values()].map((member) => member.record())
    for (const key of this.#overlays.keys()) this.#putOverlay(key, { type: 'members', members: records })
    this.putLeader({ type: 'members', states: new Map(records.map(({ id, state }) => [id, state])) })
    for (const { id, generation, state } of this.#world.members.values()) {
      if (id === this.id) continue
      if (state === 'down') this.#putDelivery({ type: 'down', peer: id })
      else this.#putDelivery({ type: 'connected', peer: id, generation })
    }
  }

  /** The log or the record, as it is now. */
  follow(): void {
    if (!this.isRunning) return
    const { machine, leader, bug } = this.#world
    const { epoch, name, proposal, history } = machine.topology
    if (bug !== 'nobody-adopts-late') this.putMember({ type: 'agreed', epoch, name, leader })
    this.putLeader({ type: 'log', leads: leader === this.id, epoch, name, proposal, history })
  }

  record(): MemberRecord {
    const incarnation = { generation: this.generation, refutation: 0 }
    const fixed = { roles: [], zone: '', livenessPort: 0, condition: 'ok' } as const
    return { id: this.id, name: this.id, address: this.id, incarnation, state: this.state, ...fixed }
  }

  // --- Users ---

  send(to: string, key: string): void {
    const { generation = 0, state } = this.#world.members.get(to) ?? {}
    if (!this.isRunning || state === 'down' || generation === 0) return
    const message: SimulatedMessage = {
      source: `${this.id}.${this.generation}`,
      to,
      key,
      number: this.#world.nextMessage(),
      isMonotonic: false,
      expiresAt: Number.POSITIVE_INFINITY,
      sequence: 0,
      floor: 0,
      progress: 'waiting',
    }
    this.#world.oracle.messages.sent(message)
    this.#putDelivery({ type: 'send', peer: to, generation, channel: CHANNEL, messages: [message] })
    this.#putDelivery({ type: 'flush' })
  }

  // --- The switch ---

  putMember(input: MemberInput): void {
    if (!this.isRunning) return
    const { generation } = this
    const { bug } = this.#world
    const isImpatient = bug === 'impatient-member' && input.type === 'timer' && input.timer === 'ask'
    const given: MemberInput = isImpatient ? this.#givesUp() : input
    const isPrepare = given.type === 'message' && given.message.type === 'prepare'
    this.#preparing = isPrepare ? given.message.proposal : 0
    for (const effect of this.member.step(given, this.#world.now)) {
      if (effect.type === 'send') this.#say(effect.to, effect.message)
      else if (effect.type === 'set-timer')
        this.#timer('member', effect, generation, (timer) => this.putMember({ type: 'timer', timer }))
      else if (effect.type === 'open') this.#open(effect.key, effect.epoch, effect.name)
      else if (effect.type === 'use') this.#use(effect.key)
      else if (effect.type === 'close') this.#close(effect.key)
    }
  }

  putLeader(input: LeaderInput): void {
    if (!this.isRunning) return
    const { generation } = this
    for (const effect of this.#leader.step(input, this.#world.now)) {
      if (effect.type === 'send') this.#say(effect.to, effect.message)
      if (effect.type === 'send' && effect.message.type === 'verify') this.#believeAll(effect.message.round)
      if (effect.type === 'set-timer')
        this.#timer('leader', effect, generation, (timer) => this.putLeader({ type: 'timer', timer }))
      else if (effect.type === 'propose')
        this.#world.propose(this.id, effect.command, (isApplied) => {
          if (!isApplied && this.generation === generation) this.putLeader({ type: 'proposal-lost' })
        })
    }
  }

  /** Planted: silence is taken for an abort. */
  #givesUp(): MemberInput {
    const { epoch, name } = this.member.current
    const proposal = this.#world.machine.topology.proposal?.index ?? 0
    return { type: 'message', from: this.id, message: { type: 'decided', proposal, outcome: 'aborted', epoch, name } }
  }

  /** Planted: nobody is asked whether it was reached. */
  #believeAll(round: number): void {
    const { bug, machine, schedule } = this.#world
    const { index: proposal = 0, required = [] } = machine.topology.proposal ?? {}
    if (bug !== 'unverified-commit') return
    for (const from of required)
      schedule.after(0, () => this.putLeader({ type: 'message', from, message: { type: 'verified', proposal, round } }))
  }

  #say(to: string, message: SwitchMessage): void {
    const arrive = (): void => this.#world.members.get(to)?.hear(this.id, message)
    // Verification is of the new links: it goes over the link or not at all.
    if (message.type === 'verify' && to !== this.id) this.#world.carry(this.id, to, arrive)
    else if (to === this.id) this.#world.schedule.after(0, arrive)
    else this.#world.request(this.id, to, arrive)
  }

  hear(from: string, message: SwitchMessage): void {
    this.putMember({ type: 'message', from, message })
    this.putLeader({ type: 'message', from, message })
    if (this.#world.bug === 'unverified-commit' && message.type === 'prepare' && this.isRunning)
      this.#say(from, { type: 'prepared', proposal: message.proposal })
  }

  /** One of the same name is replaced. */
  #timer(
    owner: string,
    { timer, at }: { readonly timer: string; readonly at: number },
    generation: number,
    fire: (timer: string) => void,
  ): void {
    const name = `${owner} ${timer}`
    this.#timers.set(name, at)
    this.#world.schedule.at(at, () => {
      if (!this.isRunning || this.generation !== generation || this.#timers.get(name) !== at) return
      this.#timers.delete(name)
      fire(timer)
    })
  }

  // --- Overlays ---

  #open(key: number, epoch: number, name: string): void {
    const definition = definitions.get(name)
    if (!definition) return
    const overlay = definition.create({ self: this.id, random: this.#world.random.next, parameters: {} })
    this.#overlays.set(key, {
      epoch,
      overlay,
      proposal: this.#preparing,
      wanted: new Set(),
      hasFormed: false,
      knowsMembers: false,
    })
    this.#putOverlay(key, { type: 'voters', voters: this.#world.voters })
    for (const peer of this.#world.members.keys())
      if (peer !== this.id && this.#world.isLinked(this.id, peer)) this.#putOverlay(key, { type: 'connected', peer })
    const members = [...this.#world.members.values()].map((member) => member.record())
    this.#putOverlay(key, { type: 'members', members })
  }

  #use(key: number): void {
    this.#current = key
    this.#world.oracle.used(this.id, this.#overlays.get(key)?.epoch ?? -1, this.#overlays.get(key)?.overlay.name ?? '')
  }

  #close(key: number): void {
    const open = this.#overlays.get(key)
    if (!open) return
    this.#overlays.delete(key)
    if (this.isRunning) this.#world.oracle.closed(this.id, open.epoch, open.overlay.name, open.proposal)
    for (const peer of open.wanted) this.#world.relink(this.id, peer)
  }

  #putOverlay(key: number, input: OverlayInput<unknown>): void {
    const open = this.#overlays.get(key)
    if (!open || !this.isRunning) return
    const { generation } = this
    if (input.type === 'members') open.knowsMembers = true
    for (const effect of open.overlay.step(input, this.#world.now)) {
      if (effect.type === 'link') open.wanted.add(effect.peer)
      if (effect.type === 'unlink') open.wanted.delete(effect.peer)
      if (effect.type === 'link' || effect.type === 'unlink') this.#world.relink(this.id, effect.peer)
      if (effect.type === 'set-timer')
        this.#timer(`overlay ${key}`, effect, generation, (timer) => this.#putOverlay(key, { type: 'timer', timer }))
      if (effect.type === 'send') {
        const { to, message } = effect
        const from = this.id
        this.#world.carry(from, to, () => this.#world.members.get(to)?.overlayMessage(open.epoch, from, message))
      }
    }
    this.#tellOverlay(key)
  }

  overlayMessage(epoch: number, from: string, message: unknown): void {
    const found = [...this.#overlays].find(([, open]) => open.epoch === epoch)
    if (found) this.#putOverlay(found[0], { type: 'message', from, message })
  }

  #tellOverlay(key: number): void {
    const open = this.#overlays.get(key)
    if (!open?.knowsMembers) return
    const { overlay } = open
    const neighbors = overlay.neighbors()
    const linked = neighbors.filter((peer) => this.#world.isLinked(this.id, peer))
    const isThere = (peer: string): boolean => this.#world.stateOf(peer) === 'alive'
    const isFormed =
      !overlay.connectivity().isIsolated && neighbors.every((peer) => linked.includes(peer) || !isThere(peer))
    open.hasFormed ||= isFormed
    this.putMember({ type: 'overlay', key, isFormed, neighbors: linked })
  }

  #membersChanged(): void {
    for (const member of this.#world.members.values()) member.membersChanged()
  }

  // --- Delivery ---

  #hop(to: string): string | undefined {
    if (this.#world.isLinked(this.id, to)) return to
    const hop = this.#current === undefined ? undefined : this.#overlays.get(this.#current)?.overlay.nextHop(to)
    return hop !== undefined && this.#world.isLinked(this.id, hop) ? hop : undefined
  }

  /** Hop by hop; what finds no way is dropped, and sent again by its source. */
  route(to: string, hops: number, arrive: (at: SimulatedMember) => void): void {
    const hop = this.#hop(to)
    if (hop === undefined || hops > MAX_HOPS) return
    this.#world.carry(this.id, hop, () => {
      const next = this.#world.members.get(hop)
      if (hop === to && next) arrive(next)
      else next?.route(to, hops + 1, arrive)
    })
  }

  #putDelivery(input: Parameters<Delivery<SimulatedMessage, SimulatedMessage, string>['step']>[0]): void {
    if (!this.isRunning) return
    const { generation } = this
    for (const effect of this.#delivery.step(input, this.#world.now)) {
      if (effect.type === 'transmit')
        for (const message of effect.messages) this.#deliverTo(effect, { ...message, floor: effect.floor })
      else if (effect.type === 'acknowledge') {
        const { peer, generation: life, acknowledgement } = effect
        this.route(peer, 1, (at) => at.#hears(this.id, generation, life, { type: 'acknowledged', acknowledgement }))
      } else if (effect.type === 'tell-floor') {
        const { peer, generation: life, floor } = effect
        this.route(peer, 1, (at) => at.#hears(this.id, generation, life, { type: 'floor', floor }))
      } else if (effect.type === 'deliver') {
        const life = `${this.id}.${this.generation}`
        for (const message of effect.messages) this.#world.oracle.messages.delivered(life, message)
        const { peer, generation: sender } = effect
        this.#putDelivery({ type: 'finished', peer, generation: sender, channel: CHANNEL, messages: effect.messages })
        this.#putDelivery({ type: 'flush' })
      } else if (effect.type === 'settled')
        for (const message of effect.messages) this.#world.oracle.messages.acknowledged(message)
      else if (effect.type === 'failed') this.#world.oracle.messages.failed(effect.message)
      else if (effect.type === 'set-timer')
        this.#timer('delivery', effect, generation, (timer) => this.#putDelivery({ type: 'timer', timer }))
    }
  }

  #deliverTo({ peer, generation: life }: { peer: string; generation: number }, message: SimulatedMessage): void {
    const { generation } = this
    this.route(peer, 1, (at) => {
      if (at.generation !== life) return
      at.#putDelivery({ type: 'receive', peer: this.id, generation, channel: CHANNEL, messages: [message] })
      at.#putDelivery({ type: 'flush' })
    })
  }

  #hears(from: string, generation: number, life: number, said: object): void {
    if (this.generation !== life) return
    this.#putDelivery({ ...(said as { type: 'flush' }), peer: from, generation, channel: CHANNEL } as never)
  }

  /** The record comes every second, by whatever way. */
  #beat(generation: number): void {
    this.#world.schedule.after(1_000, () => {
      if (!this.isRunning || this.generation !== generation) return
      const { leader } = this.#world
      if (leader !== undefined && this.#world.isReachable(leader, this.id)) this.follow()
      for (const key of [...this.#overlays.keys()]) this.#tellOverlay(key)
      this.#beat(generation)
    })
  }
}
