// The named timers of one core in virtual time. They fire by the node's own monotonic clock, never early and up to a
// millisecond late, as Node's do. A core moves its election timer at every heartbeat; moving a timer to a later time
// only changes a number, and what was planned looks at it when it comes.

import type { Clock } from '../../runtime/clock.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'

interface Timer {
  readonly name: string
  /** Local time; undefined: cleared. */
  at: number | undefined
  /** True time of the earliest look at it that is planned. */
  plannedFor: number
}

/** A clock that can say when it will show a time. */
export interface PlanningClock extends Clock {
  trueTimeOf(local: number): number
}

export class VirtualTimers {
  readonly #clock: PlanningClock
  readonly #schedule: Schedule
  readonly #random: Prng
  readonly #enter: (work: () => void) => void
  readonly #fire: (name: string) => void
  readonly #timers = new Map<string, Timer>()

  /** `enter` runs the look at a timer when the process can run at all. `fire` gets the name of a timer that is due. */
  constructor(
    world: { readonly clock: PlanningClock; readonly schedule: Schedule; readonly random: Prng },
    enter: (work: () => void) => void,
    fire: (name: string) => void,
  ) {
    this.#clock = world.clock
    this.#schedule = world.schedule
    this.#random = world.random
    this.#enter = enter
    this.#fire = fire
  }

  set(name: string, at: number): void {
    const timer = this.#timers.get(name)
    if (timer === undefined) {
      const made: Timer = { name, at, plannedFor: Number.POSITIVE_INFINITY }
      this.#timers.set(name, made)
      this.#plan(made, at)
      return
    }
    timer.at = at
    if (this.#clock.trueTimeOf(at) < timer.plannedFor) this.#plan(timer, at)
  }

  clear(name: string): void {
    const timer = this.#timers.get(name)
    if (timer !== undefined) timer.at = undefined
  }

  #plan(timer: Timer, at: number): void {
    const planned = Math.max(this.#schedule.now, this.#clock.trueTimeOf(at)) + this.#random.next()
    timer.plannedFor = planned
    this.#schedule.at(planned, () => this.#enter(() => this.#look(timer, planned)))
  }

  #look(timer: Timer, planned: number): void {
    if (timer.plannedFor !== planned) return
    timer.plannedFor = Number.POSITIVE_INFINITY
    if (timer.at === undefined) {
      this.#timers.delete(timer.name)
      return
    }
    if (this.#clock.now() < timer.at) {
      this.#plan(timer, timer.at)
      return
    }
    this.#timers.delete(timer.name)
    this.#fire(timer.name)
  }
}
