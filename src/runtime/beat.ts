// What this process wakes up for by itself, all of its parts and nodes together.

import { performance } from 'node:perf_hooks'
import type { Timer } from './clock.ts'
import { BEAT_MS, WakeUps } from './wake-ups.ts'

export { BEAT_MS }

const wakeUps = new WakeUps({
  now: () => performance.now(),
  sleep: (work, ms) => setTimeout(work, ms),
  setImmediate: (work) => void setImmediate(work),
})

/**
 * Calls `work` every `ms` milliseconds, with nothing that is current here, until disposed: on the beat that is nearest,
 * or on each if they are no more than {@link BEAT_MS}. It is told how late the process was since the beat before, in
 * milliseconds.
 */
export function onBeat(work: (lateMs: number) => void, ms: number): Timer {
  return wakeUps.every(ms, work)
}

/** A turn is over: the beat may come with it. */
export function turned(): void {
  wakeUps.turned()
}
