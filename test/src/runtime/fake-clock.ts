// The three clocks of a machine, moved by hand: time that passes, a machine that is suspended, a wall clock that is
// set. Its timers are those of this machine.

import { systemClock, type Time } from '../../../src/runtime/clock.ts'

/** This machine's, with intervals that are each a timer of Node, as a test can mock. */
export const ownIntervals: Time = { ...systemClock, setInterval: (work, ms) => setInterval(work, ms) }

export class FakeClock implements Time {
  readonly setTimeout = systemClock.setTimeout
  readonly setInterval = ownIntervals.setInterval
  readonly setImmediate = systemClock.setImmediate
  readonly timeout = systemClock.timeout
  #now = 5_000.25
  #wall = 1_700_000_000_000
  #boot = 90_003.5
  /** A boot clock that shows whole seconds only. */
  isCoarse = false

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wall
  }

  boot(): number {
    return this.isCoarse ? Math.floor(this.#boot / 1_000) * 1_000 : this.#boot
  }

  /** Everything runs, or the process alone stands still: all three clocks go on. */
  pass(ms: number): void {
    this.#now += ms
    this.#wall += ms
    this.#boot += ms
  }

  /** The whole machine stands still: the monotonic clock does not count it. */
  suspend(ms: number): void {
    this.#wall += ms
    this.#boot += ms
  }

  /** Somebody sets the wall clock. */
  setWall(byMs: number): void {
    this.#wall += byMs
  }
}
