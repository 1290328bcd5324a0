// Measures how late this process's own event loop is, so that membership blames itself before it blames others (Lifeguard,
// with a measured cause).

import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 100
const REPORT_INTERVAL_MS = 1_000

/** Calls `report` each second with the 99th percentile of the delay in milliseconds, until disposed. */
export function watchLoopDelay(report: (ms: number) => void): Disposable {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  const timer = setInterval(() => {
    // The histogram records the whole pause between its own ticks; what exceeds the tick is the delay.
    const late = histogram.percentile(99) / 1e6 - RESOLUTION_MS
    histogram.reset()
    if (Number.isFinite(late)) report(Math.max(0, late))
  }, REPORT_INTERVAL_MS)
  timer.unref()
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      histogram.disable()
    },
  }
}
