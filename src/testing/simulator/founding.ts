// Forming in one life of a process, wired as the runtime wires it: a state is durable before anything that rests on it
// leaves, and `formed` starts Raft on those who vote.

import {
  Forming,
  type FormingEffect,
  type FormingEvent,
  type FormingInput,
  type FormingMessage,
  type FormingOptions,
  type FormingRules,
  type FormingState,
  type MemberId,
  resolveFormingOptions,
} from '../../../topology/index.ts'
import type { SimulatedDisk } from './disk.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'
import { type PlanningClock, VirtualTimers } from './virtual-timers.ts'

export type Formed = Extract<FormingEvent, { type: 'formed' }>

/** The id of the cluster that these founders make. */
export function clusterIdOf(set: readonly MemberId[]): string {
  return set.join('+')
}

export interface FoundingSetup {
  readonly id: MemberId
  readonly expect: number
  readonly options: Partial<FormingOptions>
  readonly disk: SimulatedDisk
  readonly clock: PlanningClock
  readonly schedule: Schedule
  readonly random: Prng
  readonly rules: FormingRules
  readonly enter: (work: () => void) => void
  readonly send: (to: MemberId, message: FormingMessage) => void
  readonly note: (event: string, detail: unknown) => void
  readonly formed: (event: Formed) => void
  /** There is a cluster that others founded. */
  readonly joined: (clusterId: string) => void
  /** With whom this node would found a cluster is durable. */
  readonly intended: () => void
}

export class SimulatedFounding {
  readonly #setup: FoundingSetup
  readonly #forming: Forming
  readonly #timers: VirtualTimers
  #isLeaderKnown = false
  #belongsToCluster = false

  constructor(setup: FoundingSetup) {
    this.#setup = setup
    const { id, expect, disk, clock, schedule, random, rules } = setup
    this.#forming = new Forming({
      self: { id, storeId: disk.storeId },
      expect,
      durable: disk.forming,
      options: resolveFormingOptions(setup.options),
      clusterIdOf,
      random: random.next,
      rules,
    })
    this.#timers = new VirtualTimers({ clock, schedule, random }, setup.enter, (timer) => {
      setup.note('forming-timer', timer)
      this.input({ type: 'timer', timer })
    })
  }

  get belongsToCluster(): boolean {
    return this.#belongsToCluster
  }

  start(): void {
    this.#carryOut(this.#forming.start(this.#setup.clock.now()))
  }

  input(input: FormingInput): void {
    this.#carryOut(this.#forming.step(input, this.#setup.clock.now()))
  }

  /** Whether a leader of this node's cluster is known; told on to forming when it changes. */
  leaderKnown(isKnown: boolean): void {
    if (isKnown === this.#isLeaderKnown) return
    this.#isLeaderKnown = isKnown
    this.input({ type: 'alive', alive: isKnown })
  }

  #carryOut(effects: readonly FormingEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#setup.send(effect.to, effect.message)
          break
        case 'set-timer':
          this.#timers.set(effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#timers.clear(effect.timer)
          break
        case 'persist':
          this.#persist(effect.ticket, effect.state)
          break
        case 'emit':
          this.#emitted(effect.event)
          break
        default:
          effect satisfies never
      }
    }
  }

  #emitted(event: FormingEvent): void {
    this.#setup.note(event.type, event)
    if (event.type !== 'formed' && event.type !== 'outside') return
    this.#belongsToCluster = true
    if (event.type === 'formed') this.#setup.formed(event)
    else this.#setup.joined(event.clusterId)
  }

  #persist(ticket: number, state: FormingState): void {
    this.#setup.disk.write([{ type: 'forming', state }], () =>
      this.#setup.enter(() => {
        this.#setup.note('forming-persisted', ticket)
        if (state.type === 'intent') this.#setup.intended()
        this.input({ type: 'persisted', ticket })
      }),
    )
  }
}
