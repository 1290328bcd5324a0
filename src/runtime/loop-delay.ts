// Measures how late this process's own event loop is, so that membership blames itself before it blames others
// (Lifeguard, with a measured cause), and for its metrics. By the beat that there is anyway: Node's own monitor would
// wake the process up as often again.

import { noteLoopDelay } from '../observability/loop-delays.ts'
import { BEAT_MS, onBeat } from './beat.ts'
import { systemClock } from './clock.ts'

/** What was not exceeded for so long is forgotten. */
const REPORT_MS = 1_000
/**
 * By so much a delay exceeds the one that was reported last to be told at once: a fifth of the shortest probe timeout.
 */
const NOTABLE_MS = 40

/**
 * Calls `report` each second with the longest delay in it in milliseconds, until disposed; with one that is notably
 * longer than what was reported last at once: who is late should know it before it judges others.
 */
export function watchLoopDelay(report: (ms: number) => void): Disposable {
  const delays = new DelayReports(systemClock.now(), report)
  const timer = onBeat((late) => {
    // One that a turn has brought was not waited for: it says nothing.
    if (late > 0) noteLoopDelay(late)
    delays.note(late, systemClock.now())
  }, BEAT_MS)
  timer.unref()
  return timer
}

/** When to report what. */
export class DelayReports {
  readonly #report: (ms: number) => void
  #reportedAt: number
  #reported = 0
  #longest = 0

  constructor(now: number, report: (ms: number) => void) {
    this.#reportedAt = now
    this.#report = report
  }

  /** A beat came so late. */
  note(late: number, now: number): void {
    this.#longest = Math.max(this.#longest, late)
    const isDue = now - this.#reportedAt >= REPORT_MS - BEAT_MS / 2
    if (!isDue && this.#longest < this.#reported + NOTABLE_MS) return
    this.#report(this.#longest)
    this.#reported = this.#longest
    this.#reportedAt = now
    this.#longest = 0
  }
}
