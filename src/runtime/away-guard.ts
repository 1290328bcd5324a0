// Notices that the process did not run: SIGSTOP, a suspended machine, a blocked event loop. After such a gap Node runs
// expired timers before it reads waiting sockets, so whoever acts on a timer first would accuse everybody else. Hence
// every entrance (timer, message, call) passes `check` before anything acts.
//
// The monotonic clock shows a stop of the process. A suspended machine stops that clock; then the wall clock moved
// differently from it, and the boot clock, which nobody can set, tells suspension from a stepped wall clock. However
// short, a suspension is an absence: it lengthens every lease that the monotonic clock measures.

import type { Clock, Time, Timer } from './clock.ts'

/**
 * How often the guard proves that the loop runs, every 150 ms at least (`wake-ups.ts`); turns further apart than the
 * threshold are an absence.
 */
const PULSE_MS = 100

/**
 * A wall clock that moved so differently from the monotonic one makes us ask the boot clock, and a boot clock that ran
 * ahead by as much shows a suspension: twice the resolution it has on Linux.
 */
const SUSPECTED_SUSPENSION_MS = 20

/** What a boot clock that counts whole seconds always shows. */
const COARSE_BOOT_CLOCK_MS = 1_000

/** How long the process did not run. */
export interface Absence {
  /** In all. */
  readonly ms: number
  /** The part of it that the monotonic clock has not counted: the machine was suspended. */
  readonly suspendedMs: number
}

export class AwayGuard {
  readonly #clock: Clock
  readonly #thresholdMs: number
  readonly #onAway: (absence: Absence) => void
  /** Both clocks at the last turn. */
  #now: number
  #wall: number
  /** How far the boot clock is ahead of the monotonic one; grows only by suspension. */
  #bootLead: number
  #pulse: Timer | undefined

  /** `thresholdMs`: a longer gap between two turns is an absence. `onAway` learns of it before anything else runs. */
  constructor(clock: Clock, thresholdMs: number, onAway: (absence: Absence) => void) {
    this.#clock = clock
    this.#thresholdMs = thresholdMs
    this.#onAway = onAway
    this.#now = clock.now()
    this.#wall = clock.wall()
    this.#bootLead = clock.boot() - this.#now
  }

  /** Looks by itself from now on. `enter` is the owner's door, behind which an error of `onAway` is caught. */
  start(time: Time, enter: () => void = () => this.check()): void {
    enter()
    this.#pulse = time.setInterval(enter, PULSE_MS)
    this.#pulse.unref()
  }

  stop(): void {
    this.#pulse?.[Symbol.dispose]()
  }

  /** Called on every entrance, so it costs two readings and no object. Reports an absence exactly once. */
  check(): void {
    const now = this.#clock.now()
    const wall = this.#clock.wall()
    const ran = now - this.#now
    const ranAhead = wall - this.#wall - ran
    this.#now = now
    this.#wall = wall
    const suspendedMs = Math.abs(ranAhead) < SUSPECTED_SUSPENSION_MS ? 0 : this.#suspendedMs(ranAhead)
    if (ran <= this.#thresholdMs && suspendedMs === 0) return
    this.#bootLead = this.#clock.boot() - this.#clock.now()
    this.#onAway({ ms: ran + suspendedMs, suspendedMs })
  }

  /** How long the machine was suspended, given how far the wall clock ran ahead meanwhile. */
  #suspendedMs(ranAhead: number): number {
    const boot = this.#clock.boot()
    const grown = boot - this.#clock.now() - this.#bootLead
    // Whole seconds cannot tell: a false alarm costs a lease, a missed one could make two hosts.
    const shown = boot % COARSE_BOOT_CLOCK_MS === 0 ? Math.max(grown, ranAhead) : grown
    return shown >= SUSPECTED_SUSPENSION_MS ? shown : 0
  }
}
