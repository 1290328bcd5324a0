// S5's host on one voter, with simulated timers: what the core decides is carried out, and it can be asked at any
// instant.

import type { HostSetup } from '../../../consensus/index.ts'
import { type ClusterCommand, type HostEffect, type HostInput, SingletonHost } from '../../../consensus/index.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'
import { type PlanningClock, VirtualTimers } from './virtual-timers.ts'

export interface SimulatedHostSetup {
  readonly core: HostSetup
  readonly world: { readonly clock: PlanningClock; readonly schedule: Schedule; readonly random: Prng }
  readonly enter: (work: () => void) => void
  readonly note: (event: string, detail: unknown) => void
  readonly propose: (command: ClusterCommand) => void
  /** A timer has fired, and what followed from it is done. */
  readonly fired: () => void
}

export class SimulatedHost {
  readonly #setup: SimulatedHostSetup
  readonly #core: SingletonHost
  readonly #timers: VirtualTimers

  constructor(setup: SimulatedHostSetup) {
    this.#setup = setup
    this.#core = new SingletonHost(setup.core)
    this.#timers = new VirtualTimers(setup.world, setup.enter, (timer) => {
      setup.note('host-timer', timer)
      this.step({ type: 'timer', timer: timer as 'lease' | 'activate' })
      setup.fired()
    })
  }

  /** The token with which this process may act as S5 at this instant. */
  token(): number | undefined {
    return this.#core.token !== undefined && this.#core.holds(this.#now()) ? this.#core.token : undefined
  }

  step(input: HostInput): void {
    for (const effect of this.#core.step(input, this.#now())) this.#carryOut(effect)
  }

  #carryOut(effect: HostEffect): void {
    switch (effect.type) {
      case 'propose':
        this.#setup.propose(effect.command)
        return
      case 'set-timer':
        this.#timers.set(effect.timer, effect.at)
        return
      case 'clear-timer':
        this.#timers.clear(effect.timer)
        return
      case 'start':
      case 'stop':
        this.#setup.note(`s5-${effect.type}`, effect)
        return
      default:
        effect satisfies never
    }
  }

  #now(): number {
    return this.#setup.world.clock.now()
  }
}
