// Measures how late this process's own event loop is, so that membership blames itself before it blames others (Lifeguard,
// with a measured cause), and for its metrics. By the beat that there is anyway: Node's own monitor would wake the process up as often again.

import { noteLoopDelay } from '../observability/loop-delays.ts'
import { BEAT_MS, onBeat } from './beat.ts'
import { systemClock } from './clock.ts'

const REPORT_MS = 1_000

/** Calls `report` each second with the longest delay in milliseconds, until disposed. */
export function watchLoopDelay(report: (ms: number) => void): Disposable {
  let longest = 0
  let reportedAt = systemClock.now()
  const timer = onBeat((late) => {
    noteLoopDelay(late)
    longest = Math.max(longest, late)
    const now = systemClock.now()
    if (now - reportedAt < REPORT_MS - BEAT_MS / 2) return
    report(longest)
    reportedAt = now
    longest = 0
  }, BEAT_MS)
  timer.unref()
  return timer
}
