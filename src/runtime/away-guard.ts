// Notices that the process did not run: SIGSTOP, a suspended machine, a blocked event loop. After such a gap Node runs
// expired timers before it reads waiting sockets, so whoever acts on a timer first would accuse everybody else. Hence
// every entrance (timer, message, call) passes `check` before anything acts.
//
// The monotonic clock shows a stop of the process. A suspended machine stops that clock; then the wall clock ran ahead
// of it, and the boot clock, which nobody can set, tells suspension from a stepped wall clock.

import type { Clock } from './clock.ts'

/** How often the guard proves that the loop runs; turns further apart than the threshold are an absence. */
const PULSE_MS = 50

/** A wall clock this far ahead of the monotonic one makes us ask the boot clock, whose resolution may be a whole second. */
const SUSPECTED_SUSPENSION_MS = 2_000

interface Reading {
  readonly now: number
  readonly wall: number
}

export class AwayGuard {
  readonly #clock: Clock
  readonly #thresholdMs: number
  readonly #onAway: (ms: number) => void
  #last: Reading
  /** How far the boot clock is ahead of the monotonic one; grows only by suspension. */
  #bootLead: number
  #pulse: NodeJS.Timeout | undefined

  /** `thresholdMs`: a longer gap between two turns is an absence. `onAway` learns its length before anything else runs. */
  constructor(clock: Clock, thresholdMs: number, onAway: (ms: number) => void) {
    this.#clock = clock
    this.#thresholdMs = thresholdMs
    this.#onAway = onAway
    this.#last = { now: clock.now(), wall: clock.wall() }
    this.#bootLead = clock.boot() - clock.now()
  }

  start(): void {
    this.check()
    this.#pulse = setInterval(() => this.check(), PULSE_MS)
    this.#pulse.unref()
  }

  stop(): void {
    clearInterval(this.#pulse)
  }

  /** Called on every entrance. Reports an absence exactly once. */
  check(): void {
    const gap = this.gap()
    this.#last = { now: this.#clock.now(), wall: this.#clock.wall() }
    if (gap <= this.#thresholdMs) return
    this.#bootLead = this.#clock.boot() - this.#clock.now()
    this.#onAway(gap)
  }

  /** Milliseconds since the last turn, suspension included: for a check that must hold in the middle of a turn. */
  gap(): number {
    const ran = this.#clock.now() - this.#last.now
    const ranAhead = this.#clock.wall() - this.#last.wall - ran
    return ranAhead < SUSPECTED_SUSPENSION_MS ? ran : Math.max(ran, ran + this.#suspendedMs())
  }

  #suspendedMs(): number {
    const grown = this.#clock.boot() - this.#clock.now() - this.#bootLead
    return grown >= SUSPECTED_SUSPENSION_MS / 2 ? grown : 0
  }
}
