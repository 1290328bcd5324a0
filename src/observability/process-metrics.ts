// What the process as a whole says of itself: memory, time, descriptors, delay of the event loop, garbage collection, under
// the names that every Node.js dashboard knows. There is one process however many nodes run in it, so there is one registry;
// it begins with the first scrape, and nothing watches the loop or the collector before.

import type { Registry } from 'prom-client'

export type Prometheus = Pick<typeof import('prom-client'), 'Registry' | 'collectDefaultMetrics'>

let registry: Registry | undefined

/** How finely the delay of the event loop is measured. A guess: well below what matters, and cheap. */
const LOOP_RESOLUTION_MS = 20

export function processMetrics({ Registry, collectDefaultMetrics }: Prometheus): Registry {
  if (registry) return registry
  registry = new Registry()
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LOOP_RESOLUTION_MS })
  return registry
}
