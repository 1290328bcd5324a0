// Measures how late this process's own event loop is, so that membership blames itself before it blames others (Lifeguard,
// with a measured cause), and for its metrics. By the beat that there is anyway: Node's own monitor would wake the process up as often again.

import { noteLoopDelay } from '../observability/loop-delays.ts'
import { BEAT_MS, onBeat } from './beat.ts'
import { systemClock } from './clock.ts'

const REPORT_AFTER_BEATS = 10

/** Calls `report` each second with the longest delay in milliseconds, until disposed. */
export function watchLoopDelay(report: (ms: number) => void): Disposable {
  let previous = systemClock.now()
  let longest = 0
  let beats = 0
  const timer = onBeat(() => {
    const now = systemClock.now()
    const late = Math.max(0, now - previous - BEAT_MS)
    previous = now
    noteLoopDelay(late)
    longest = Math.max(longest, late)
    if (++beats < REPORT_AFTER_BEATS) return
    report(longest)
    beats = 0
    longest = 0
  }, BEAT_MS)
  timer.unref()
  return timer
}
