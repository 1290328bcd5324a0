// Membership and overlay of one life of a process, wired as the runtime wires them: what SWIM learns goes to the
// overlay, whom the overlay wants to be linked to is whom SWIM probes.

import {
  FullMesh,
  type MemberId,
  type MemberRecord,
  type OverlayEffect,
  type OverlayInput,
  resolveSwimOptions,
  Swim,
  type SwimEffect,
  type SwimEvent,
  type SwimInput,
  type SwimMessage,
  type SwimPreset,
  type SwimRules,
} from '../../../topology/index.ts'
import { check } from './failure.ts'
import type { Oracle } from './oracle.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'
import { type PlanningClock, VirtualTimers } from './virtual-timers.ts'

export interface MembershipSetup {
  readonly id: MemberId
  readonly generation: number
  readonly profile: SwimPreset
  readonly clock: PlanningClock
  readonly schedule: Schedule
  readonly random: Prng
  readonly oracle: Oracle
  readonly rules: SwimRules
  readonly enter: (work: () => void) => void
  readonly send: (to: MemberId, message: SwimMessage) => void
  readonly note: (event: string, detail: unknown) => void
  /** The overlay wants a link to `peer`, `afterMs` from now. */
  readonly link: (peer: MemberId, afterMs: number) => void
  readonly unlink: (peer: MemberId) => void
}

export class SimulatedMembership {
  readonly #setup: MembershipSetup
  readonly #swim: Swim
  readonly #overlay: FullMesh
  readonly #swimTimers: VirtualTimers
  readonly #overlayTimers: VirtualTimers

  constructor(setup: MembershipSetup) {
    this.#setup = setup
    const { id, generation, profile, clock, schedule, random, rules } = setup
    this.#swim = new Swim({
      self: selfRecord(id, generation),
      known: [],
      options: resolveSwimOptions({}, profile),
      random: random.next,
      rules,
    })
    this.#overlay = new FullMesh(id)
    const world = { clock, schedule, random }
    this.#swimTimers = new VirtualTimers(world, setup.enter, (timer) => {
      setup.note('swim-timer', timer)
      this.input({ type: 'timer', timer })
    })
    this.#overlayTimers = new VirtualTimers(world, setup.enter, (timer) => {
      setup.note('overlay-timer', timer)
      this.#stepOverlay({ type: 'timer', timer })
    })
  }

  start(): void {
    this.#carryOut(this.#swim.start(this.#setup.clock.now()))
    this.#tellOverlay()
  }

  input(input: SwimInput): void {
    this.#carryOut(this.#swim.step(input, this.#setup.clock.now()))
  }

  connected(peer: MemberId): void {
    this.#stepOverlay({ type: 'connected', peer })
    this.input({ type: 'connected', peer })
  }

  disconnected(peer: MemberId, announced: boolean): void {
    this.#stepOverlay({ type: 'disconnected', peer, announced })
    this.input({ type: 'disconnected', peer, announced })
  }

  member(id: MemberId): MemberRecord | undefined {
    return this.#swim.member(id)
  }

  #carryOut(effects: readonly SwimEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#setup.oracle.sentSwim(this.#setup.id, effect.message)
          this.#setup.send(effect.to, effect.message)
          break
        case 'set-timer':
          this.#swimTimers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#swimTimers.clear(effect.timer)
          break
        case 'emit':
          this.#emitted(effect.event)
          break
        default:
          effect satisfies never
      }
    }
  }

  #emitted(event: SwimEvent): void {
    this.#setup.note(event.type, event)
    check(event.type !== 'superseded', 'membership-truth', () => `${this.#setup.id} is told of a copy that never was`)
    if (event.type === 'member' || event.type === 'forgotten') this.#tellOverlay()
  }

  #tellOverlay(): void {
    this.#stepOverlay({ type: 'members', members: this.#swim.members() })
  }

  #stepOverlay(input: OverlayInput<never>): void {
    const effects = this.#overlay.step(input, this.#setup.clock.now())
    let hasChanged = input.type === 'members'
    for (const effect of effects) hasChanged = this.#carryOutOverlay(effect) || hasChanged
    if (hasChanged) this.input({ type: 'neighbors', peers: this.#overlay.neighbors() })
  }

  /** Says whether the neighbors may have changed. */
  #carryOutOverlay(effect: OverlayEffect<never, never>): boolean {
    switch (effect.type) {
      case 'link':
        this.#setup.link(effect.peer, effect.after)
        return true
      case 'unlink':
        this.#setup.unlink(effect.peer)
        return true
      case 'set-timer':
        this.#overlayTimers.set(effect.timer, effect.at)
        return false
      case 'clear-timer':
        this.#overlayTimers.clear(effect.timer)
        return false
      case 'send':
      case 'emit':
        return false
      default:
        effect satisfies never
        return false
    }
  }
}

function selfRecord(id: MemberId, generation: number): MemberRecord {
  return {
    id,
    name: id,
    address: `${id}:7400`,
    roles: [],
    zone: '',
    livenessPort: 0,
    incarnation: { generation, refutation: 0 },
    state: 'alive',
    condition: 'ok',
  }
}
