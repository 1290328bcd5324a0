// What the parts of HyParView share: the views, who is linked, and the effects of the step under way.

import type { OverlayEffect, OverlayEvent } from '../overlay.ts'
import { Timers } from '../timers.ts'
import type { MemberId, MemberState, Random } from '../types.ts'
import type { HyParViewMessage } from './messages.ts'
import type { HyParViewOptions } from './options.ts'
import { PassiveView } from './passive-view.ts'
import { type HyParViewRules, hyParViewRules } from './rules.ts'

export type HyParViewEffect = OverlayEffect<HyParViewMessage, OverlayEvent>

/** What HyParView is made of. */
export interface HyParViewSetup {
  readonly self: MemberId
  readonly options: HyParViewOptions
  readonly random: Random
  /**
   * Nobody tells this member who else there is, as in the paper: whoever is met may become a neighbor, and of `members`
   * only contacts are expected. Default false: only members may.
   */
  readonly isOpen?: boolean
  /** Broken ones only in simulations. Default: the true ones. */
  readonly rules?: HyParViewRules
}

/** Why somebody is being asked to be a neighbor. */
export interface Attempt {
  /**
   * `neighbor`: a place is free. `forward-join`: a walk ended here. `join`, `merge`: to get into the overlay, or into
   * another part of it.
   */
  readonly why: 'neighbor' | 'forward-join' | 'join' | 'merge'
  /** Of the request; undefined until there is a link to send it over. */
  epoch: number | undefined
}

export class State {
  readonly self: MemberId
  readonly options: HyParViewOptions
  readonly random: Random
  readonly isOpen: boolean
  readonly rules: HyParViewRules
  /** Epoch by neighbor. Invariant: at most `activeSize`, all linked, none in the passive view. */
  readonly active = new Map<MemberId, number>()
  readonly passive: PassiveView
  readonly attempts = new Map<MemberId, Attempt>()
  /** Former neighbors whose last word is awaited, with the epoch of the `disconnect`. */
  readonly draining = new Map<MemberId, number>()
  readonly linked = new Set<MemberId>()
  /** Others that have not left. */
  readonly known = new Map<MemberId, MemberState>()
  /** Asked in vain since the last retry. */
  readonly refused = new Set<MemberId>()
  readonly timers: Timers
  now = 0
  /** The largest epoch heard of. */
  clock = 0
  effects: HyParViewEffect[] = []
  /** Links asked for and not given up. */
  readonly #held = new Set<MemberId>()
  #aliveOthers = 0

  constructor(setup: HyParViewSetup) {
    this.self = setup.self
    this.options = setup.options
    this.random = setup.random
    this.isOpen = setup.isOpen ?? false
    this.rules = setup.rules ?? hyParViewRules
    this.passive = new PassiveView(setup.options.passiveSize, setup.random)
    this.timers = new Timers((effect) => this.effects.push(effect))
  }

  /** Neighbors it ought to have now. */
  get target(): number {
    return this.rules.target(this.isOpen ? this.options.activeSize : this.#aliveOthers, this.options)
  }

  learn(members: Iterable<readonly [MemberId, MemberState]>): void {
    this.known.clear()
    this.#aliveOthers = 0
    for (const [id, state] of members) {
      if (id === this.self || state === 'left') continue
      this.known.set(id, state)
      if (state !== 'down') this.#aliveOthers++
    }
  }

  /** May be a neighbor: a member that is not believed down. */
  isWelcome(id: MemberId): boolean {
    if (id === this.self) return false
    const state = this.known.get(id)
    return state === undefined ? this.isOpen : state !== 'down'
  }

  /** A place could be given to it: not one yet, not asked, not on its way out. */
  isFree(id: MemberId): boolean {
    return (
      this.isWelcome(id) &&
      !this.active.has(id) &&
      !this.attempts.has(id) &&
      !this.draining.has(id) &&
      !this.refused.has(id)
    )
  }

  send(to: MemberId, message: HyParViewMessage): void {
    if (this.linked.has(to)) this.effects.push({ type: 'send', to, message })
  }

  drop(reason: string): void {
    this.effects.push({ type: 'emit', event: { type: 'dropped', reason } })
  }

  hold(peer: MemberId, after: number): void {
    if (this.#held.has(peer)) return
    this.#held.add(peer)
    this.effects.push({ type: 'link', peer, after })
  }

  /** Unless it is needed for something else here. */
  letGo(peer: MemberId): void {
    if (this.active.has(peer) || this.attempts.has(peer) || this.draining.has(peer)) return
    if (this.#held.delete(peer)) this.effects.push({ type: 'unlink', peer })
  }

  keepAsCandidate(id: MemberId, age: number, replaceable?: Set<MemberId>): void {
    if (!this.isWelcome(id) && id !== this.self) return
    if (this.rules.mayEnterPassive(id, this.self, this.active.has(id))) this.passive.add(id, age, replaceable)
  }

  nextEpoch(): number {
    this.clock++
    return this.clock
  }

  /** A random neighbor that is not one of `others`. */
  randomNeighbor(...others: readonly MemberId[]): MemberId | undefined {
    const ids = [...this.active.keys()].filter((id) => !others.includes(id))
    return ids[Math.floor(this.random() * ids.length)]
  }
}
