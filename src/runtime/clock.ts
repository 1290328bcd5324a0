// Time for everything that acts. Durations are measured on the monotonic clock alone; wall and boot clocks are read
// only to notice that the machine was suspended, which stops the monotonic one on Linux. A running node takes all of
// its time from one `Time` that it is given: clocks, timers and later turns. So a whole cluster can live in time that
// is not real.

import { uptime } from 'node:os'
import { performance } from 'node:perf_hooks'
import { BEAT_MS, onBeat, turned } from './beat.ts'

export interface Clock {
  /** Milliseconds of a clock that never jumps; it stands still while the machine is suspended. */
  now(): number
  /** Milliseconds since 1970, as people see it; steps when somebody sets the clock. */
  wall(): number
  /** Milliseconds since boot, suspension included. */
  boot(): number
}

/** What is to happen later; disposing it calls it off, at any time and as often as you like. */
export interface Timer extends Disposable {
  /** The process may end before it is due. */
  unref(): unknown
}

/** The clocks, and timers that keep to them. */
export interface Time extends Clock {
  /** Calls `work` once, in `ms` milliseconds or a little later. At most {@link MAX_DELAY_MS}. */
  setTimeout(work: () => void, ms: number): Timer
  /**
   * Calls `work` every `ms` milliseconds; those of 100 ms and more are kept in step with each other, in whole tenths of
   * a second.
   */
  setInterval(work: () => void, ms: number): Timer
  /**
   * A turn is over: what is nearly due on its own may come now, in place of a turn of its own. Absent: nothing does.
   */
  turned?(): void
  /** Calls `work` on a later turn of the event loop, in order. */
  setImmediate(work: () => void): void
  /**
   * A signal that aborts in `ms` milliseconds, whole ones, with a `TimeoutError`. It keeps no process alive. Longer
   * than {@link MAX_DELAY_MS} is that.
   */
  timeout(ms: number): AbortSignal
}

/** setTimeout's longest delay, some 25 days. */
export const MAX_DELAY_MS = 2 ** 31 - 1

/** The clocks and timers of this machine. */
export const systemClock: Time = {
  now: () => performance.now(),
  wall: () => Date.now(),
  boot: () => uptime() * 1000,
  setTimeout: (work, ms) => setTimeout(work, ms),
  setInterval: (work, ms) => (ms >= BEAT_MS ? onBeat(work, ms) : setInterval(work, ms)),
  turned,
  setImmediate: (work) => void setImmediate(work),
  timeout: (ms) => AbortSignal.timeout(Math.min(Math.ceil(ms), MAX_DELAY_MS)),
}

const PIECES = 8

/**
 * Calls `work` once `ms` milliseconds are over in which this process listened: how long to wait for somebody else on a
 * machine that may be busy itself. A timer alone would count the time for which nobody came to read the answer. Counted
 * in pieces, each begun when the one before was noticed, a process that is late gives others as much more time in each;
 * one that is not is hardly later.
 */
export function patientTimer(clock: Time, work: () => void, ms: number): Disposable {
  let timer: Timer
  const wait = (left: number): void => {
    timer = clock.setTimeout(() => (left === 1 ? work() : wait(left - 1)), ms / PIECES)
  }
  wait(PIECES)
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() }
}
