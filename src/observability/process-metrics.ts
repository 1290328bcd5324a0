// What the process as a whole says of itself: memory, time, descriptors, delay of the event loop, garbage collection,
// under the names that every Node.js dashboard knows. There is one process however many nodes run in it, so there is
// one registry; it begins with the first scrape, and nothing watches the collector before. The delay of the loop is
// measured by the node anyway: the library's own monitor knows nothing at the first scrape, and would wake the process
// up fifty times a second from then on.

import type { Registry } from 'prom-client'
import { type LoopDelays, takeLoopDelays } from './loop-delays.ts'

export type Prometheus = Pick<typeof import('prom-client'), 'Registry' | 'collectDefaultMetrics' | 'Gauge'>

let registry: Registry | undefined

/** Milliseconds between two looks of the monitor that stands still: its values are replaced. */
const NEVER_MS = 2_147_483_647

const loopDelays: readonly (readonly [name: string, of: keyof LoopDelays, help: string])[] = [
  ['nodejs_eventloop_lag_seconds', 'last', 'Delay of the event loop when it was last measured.'],
  ['nodejs_eventloop_lag_min_seconds', 'min', 'Shortest delay of the event loop since the last scrape.'],
  ['nodejs_eventloop_lag_max_seconds', 'max', 'Longest delay of the event loop since the last scrape.'],
  ['nodejs_eventloop_lag_mean_seconds', 'mean', 'Mean delay of the event loop since the last scrape.'],
  ['nodejs_eventloop_lag_stddev_seconds', 'stddev', 'Standard deviation of the delay since the last scrape.'],
  ['nodejs_eventloop_lag_p50_seconds', 'p50', 'Median delay of the event loop since the last scrape.'],
  ['nodejs_eventloop_lag_p90_seconds', 'p90', '90th percentile of the delay since the last scrape.'],
  ['nodejs_eventloop_lag_p99_seconds', 'p99', '99th percentile of the delay since the last scrape.'],
]

export function processMetrics({ Registry, collectDefaultMetrics, Gauge }: Prometheus): Registry {
  if (registry) return registry
  const made = new Registry()
  collectDefaultMetrics({ register: made, eventLoopMonitoringPrecision: NEVER_MS })
  for (const [name] of loopDelays) made.removeSingleMetric(name)
  // The registry collects in order: with the first all are set.
  const collect = (): void => {
    const delays = takeLoopDelays()
    for (const { of, gauge } of gauges) gauge.set(delays[of] / 1_000)
  }
  const gauges = loopDelays.map(([name, of, help], index) => {
    return { of, gauge: new Gauge({ name, help, registers: [made], ...(index === 0 ? { collect } : {}) }) }
  })
  registry = made
  return made
}
