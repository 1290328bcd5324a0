// HyParView (Leitão, Pereira, Rodrigues 2007): each member has a few neighbors, the active view, over links that are
// held, and candidates to replace them, the passive view. So links grow with the cluster, not with its square, and an
// overlay of which nine in ten fail at once is whole again after the first few messages.
//
//   members ──▶ state ──┐
//   links, answers ──▶ neighborhood: who is asked, taken, let go      ──▶ link, unlink, send
//   timer shuffle ──▶ shuffling: fresh candidates                     ──▶ send
//   news of links ──▶ routing: next hops, who cannot be reached       ──▶ send
//   timer merge ──▶ here: calls who is down or cut off, so that two halves of a healed network meet
//
// After every step free places are filled and a change of isolation is reported. This file only dispatches.

import type { Connectivity, Overlay, OverlayEvent, OverlayInput } from '../overlay.ts'
import { sample } from '../swim/sample.ts'
import type { MemberId, MemberRecord } from '../types.ts'
import type { HyParViewMessage } from './messages.ts'
import { Neighborhood } from './neighborhood.ts'
import { Routing } from './routing.ts'
import { Shuffling } from './shuffling.ts'
import { type HyParViewEffect, type HyParViewSetup, State } from './state.ts'

/** No epoch of an honest member comes near: beyond it numbers would lose their order. */
const MAX_EPOCH = 2 ** 48
/** Members that are cut off are joined by about this many of one part at a time, not by all. */
const MERGERS_PER_PART = 2

/** The overlay of few neighbors and many candidates. */
export class HyParView implements Overlay<HyParViewMessage, OverlayEvent> {
  readonly name = 'hyparview'
  readonly capacity: number
  readonly #state: State
  readonly #neighborhood: Neighborhood
  readonly #shuffling: Shuffling
  readonly #routing: Routing
  #isIsolated = false
  /** A part of the overlay could not be reached at the last look. */
  #wasCutOff = false

  /** The options are taken as they are: resolve them first. */
  constructor(setup: HyParViewSetup) {
    this.#state = new State(setup)
    this.#routing = new Routing(this.#state)
    this.#neighborhood = new Neighborhood(this.#state, (member) => this.#routing.isFull(member))
    this.#shuffling = new Shuffling(this.#state)
    this.capacity = setup.options.activeSize
  }

  step(input: OverlayInput<HyParViewMessage>, now: number): readonly HyParViewEffect[] {
    const state = this.#state
    state.now = now
    state.effects = []
    this.#take(input)
    const isTimer = input.type === 'timer'
    if (state.rules.replacesAtOnce() || isTimer) this.#neighborhood.fill(isTimer && this.#routing.isOn)
    this.#routing.follow()
    this.#reportIsolation()
    return state.effects
  }

  neighbors(): readonly MemberId[] {
    return [...this.#state.active.keys()]
  }

  nextHop(to: MemberId): MemberId | undefined {
    return this.#routing.nextHop(to)
  }

  connectivity(): Connectivity {
    const { target, active } = this.#state
    return { target, linked: active.size, isIsolated: target > 0 && active.size === 0 }
  }

  /** The candidates in reserve, for tests and diagnosis. */
  candidates(): readonly MemberId[] {
    return this.#state.passive.ids()
  }

  #take(input: OverlayInput<HyParViewMessage>): void {
    switch (input.type) {
      case 'members':
        this.#setMembers(input.members)
        break
      case 'connected':
        this.#neighborhood.connected(input.peer)
        break
      case 'disconnected':
        this.#neighborhood.disconnected(input.peer, input.announced)
        break
      case 'unreachable':
        this.#neighborhood.failed(input.peer)
        break
      case 'message':
        this.#receive(input.from, input.message)
        break
      case 'timer':
        if (this.#state.timers.expires(input.timer, this.#state.now)) this.#expire(input.timer)
        break
      case 'voters':
        break
      default:
        input satisfies never
    }
  }

  #setMembers(members: readonly MemberRecord[]): void {
    const state = this.#state
    const before = new Map(state.known)
    state.learn(members.map((member) => [member.id, member.state] as const))
    this.#routing.membersChanged()
    const self = members.find(({ id }) => id === state.self)
    if (self) this.#routing.setGeneration(self.incarnation.generation)
    for (const [id, memberState] of state.known) {
      // Down since the last list: a neighbor made meanwhile, which membership has not heard of yet, is left alone.
      if (memberState === 'down' && before.get(id) !== 'down' && before.has(id)) this.#neighborhood.gone(id)
      if (memberState !== 'down' && before.get(id) !== memberState) state.refused.delete(id)
      if (state.isWelcome(id) && !state.passive.isFull && before.get(id) !== memberState) state.keepAsCandidate(id, 0)
    }
    if (!state.isOpen) for (const id of this.#heldAnywhere()) if (!state.known.has(id)) this.#neighborhood.gone(id)
    this.#setTimers()
  }

  #heldAnywhere(): readonly MemberId[] {
    const { active, attempts, draining, passive } = this.#state
    return [...active.keys(), ...attempts.keys(), ...draining.keys(), ...passive.ids()]
  }

  #setTimers(): void {
    const { timers, now, options, random } = this.#state
    if (!timers.isSet('shuffle')) timers.set('shuffle', now + options.shuffleIntervalMs * (0.5 + random()))
    if (!timers.isSet('merge')) timers.set('merge', now + options.mergeIntervalMs * (0.5 + random()))
  }

  #receive(from: MemberId, message: HyParViewMessage): void {
    const state = this.#state
    if ('epoch' in message) {
      if (message.epoch > MAX_EPOCH) return void state.drop('bad-epoch')
      state.clock = Math.max(state.clock, message.epoch)
    }
    const isRequest = message.type === 'join' || message.type === 'neighbor'
    if (isRequest && !state.isOpen && !state.known.has(from)) return void state.drop('no-member')
    switch (message.type) {
      case 'join':
        this.#neighborhood.receiveJoin(from, message)
        break
      case 'forward-join':
        this.#neighborhood.receiveForwardJoin(from, message)
        break
      case 'neighbor':
        this.#neighborhood.receiveNeighbor(from, message)
        break
      case 'neighbor-reply':
        this.#neighborhood.receiveReply(from, message)
        break
      case 'disconnect':
        this.#neighborhood.receiveDisconnect(from, message)
        break
      case 'shuffle':
        this.#shuffling.receive(from, message)
        break
      case 'shuffle-reply':
        this.#shuffling.receiveReply(message)
        break
      case 'keep-alive':
        this.#neighborhood.receiveKeepAlive(from, message)
        this.#routing.compare(from, message.digest)
        break
      case 'links':
        this.#routing.receive(from, message)
        break
      default:
        message satisfies never
    }
  }

  #expire(timer: string): void {
    const state = this.#state
    if (timer === 'shuffle') {
      this.#shuffling.shuffle()
      for (const [peer, epoch] of state.active)
        state.send(peer, { type: 'keep-alive', epoch, digest: this.#routing.digest })
    } else if (timer === 'merge') this.#merge()
    else if (timer === 'retry') state.refused.clear()
    else if (timer === 'links') this.#routing.flush()
    else if (timer.startsWith('attempt:')) this.#neighborhood.failed(timer.slice('attempt:'.length))
    else if (timer.startsWith('drain:')) this.#neighborhood.drained(timer.slice('drain:'.length))
    this.#setTimers()
  }

  /**
   * Calls one member that is believed down: if it lives in another half, this is where both meet. And when members
   * believed alive cannot be reached over the overlay, twice in a row, about two of this part join the other one.
   */
  #merge(): void {
    const { known, random, rules } = this.#state
    if (rules.callsTheDown()) {
      const down = [...known].filter(([, state]) => state === 'down').map(([id]) => id)
      for (const id of sample(down, 1, random)) this.#neighborhood.ask(id, 'merge')
    }
    const cutOff = this.#routing.unreachable()
    if (cutOff.length > 0 && this.#wasCutOff && random() * (1 + this.#routing.reachable()) < MERGERS_PER_PART) {
      for (const id of sample(cutOff, 1, random)) this.#neighborhood.ask(id, 'merge')
    }
    this.#wasCutOff = cutOff.length > 0
  }

  #reportIsolation(): void {
    const { isIsolated } = this.connectivity()
    if (isIsolated === this.#isIsolated) return
    this.#isIsolated = isIsolated
    this.#state.effects.push({ type: 'emit', event: { type: 'isolation', isIsolated } })
  }
}
