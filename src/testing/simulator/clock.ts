// The clocks of one simulated machine. The monotonic clock runs a little too fast or too slow and stands still while
// the machine is suspended; the boot clock counts suspension; the wall clock is what somebody set it to. Nodes read
// only these, never the true time of the schedule.

import type { Clock } from '../../runtime/clock.ts'
import type { Schedule } from './schedule.ts'

/** Any two clocks run within 5 % of each other, the drift that leases allow for: (1 + x) / (1 - x) <= 1.05. */
export const MAX_RATE_ERROR = 0.024

/** Linux counts hundredths of seconds since boot. */
const BOOT_RESOLUTION_MS = 10

/** Around the year 2026; only differences matter. */
const WALL_EPOCH_MS = 1_780_000_000_000

export class SimulatedClock implements Clock {
  readonly #schedule: Schedule
  /** True time of the last change of anything below. */
  #anchor: number
  #monotonicAtAnchor: number
  #bootAtAnchor: number
  #wallAtAnchor: number
  #rate = 1
  #isSuspended = false

  constructor(schedule: Schedule, wallOffsetMs: number) {
    this.#schedule = schedule
    this.#anchor = schedule.now
    this.#monotonicAtAnchor = 0
    this.#bootAtAnchor = 0
    this.#wallAtAnchor = WALL_EPOCH_MS + schedule.now + wallOffsetMs
  }

  now(): number {
    return this.#isSuspended ? this.#monotonicAtAnchor : this.#monotonicAtAnchor + this.#ran()
  }

  boot(): number {
    return Math.floor((this.#bootAtAnchor + this.#ran()) / BOOT_RESOLUTION_MS) * BOOT_RESOLUTION_MS
  }

  wall(): number {
    return this.#wallAtAnchor + this.#ran()
  }

  get isSuspended(): boolean {
    return this.#isSuspended
  }

  /** The true time at which the monotonic clock reads `local`, if its rate stays and nothing suspends it. */
  trueTimeOf(local: number): number {
    return this.#anchor + (local - this.#monotonicAtAnchor) / this.#rate
  }

  /** Seconds per true second; within {@link MAX_RATE_ERROR} of 1. */
  setRate(rate: number): void {
    this.#settle()
    this.#rate = rate
  }

  jumpWall(byMs: number): void {
    this.#wallAtAnchor += byMs
  }

  suspend(): void {
    this.#settle()
    this.#isSuspended = true
  }

  resume(): void {
    this.#settle()
    this.#isSuspended = false
  }

  /** A machine that lost power: monotonic and boot clocks begin again, the wall clock has its battery. */
  reboot(): void {
    this.#settle()
    this.#isSuspended = false
    this.#monotonicAtAnchor = 0
    this.#bootAtAnchor = 0
  }

  #ran(): number {
    return (this.#schedule.now - this.#anchor) * this.#rate
  }

  #settle(): void {
    const ran = this.#ran()
    if (!this.#isSuspended) this.#monotonicAtAnchor += ran
    this.#bootAtAnchor += ran
    this.#wallAtAnchor += ran
    this.#anchor = this.#schedule.now
  }
}
