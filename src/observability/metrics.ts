// One node's metrics as Prometheus' text. Each node has a registry of its own, so that several in one process do not
// clash. Everything is computed when it is asked for: until the first scrape nothing is measured for it but what the
// node counts anyway, and not even the library is loaded.

import type { Metric, Registry } from 'prom-client'
import { channelFamilies, latencyFamily } from './channel-families.ts'
import { countedFamilies, countedSamples, type Sample } from './counted.ts'
import { Distribution, type DistributionView } from './distribution.ts'
import { channels, families, type Measures, type Observation, type ObservedNode } from './families.ts'
import { type Prometheus, processMetrics } from './process-metrics.ts'
import { packageVersion } from './version.ts'

export interface NodeMetrics {
  /** The exposition of this node, then of its process. */
  text(): Promise<string>
  /** What `text` is. */
  readonly contentType: string
}

/** Prometheus' text format, the version that every scraper reads. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8'
const flushName = 'trellis_log_flush_duration_seconds'

const nothing: Measures = {
  counters: () => ({}),
  appliedIndex: () => undefined,
  flushes: () => new Distribution().view(),
  latencies: () => new Map(),
}

/** `measures`: what the node measured beside its views. Default: nothing. */
export function createMetrics(node: ObservedNode, measures: Measures = nothing): NodeMetrics {
  let prometheus: Promise<Prometheus> | undefined
  return {
    contentType,
    async text() {
      // A bundle shows of a CommonJS package only the default.
      prometheus ??= import('prom-client').then(({ default: library }) => library)
      const library = await prometheus
      const own = expose(library, node, measures).metrics()
      return `${await own}\n${await processMetrics(library).metrics()}`
    },
  }
}

/** A registry with the values of this moment. They are counted and kept elsewhere, so it is made anew each time. */
function expose({ Registry }: Prometheus, node: ObservedNode, measures: Measures): Registry {
  const observed: Observation = {
    status: node.status(),
    members: node.members(),
    links: node.links(),
    appliedIndex: measures.appliedIndex(),
  }
  const registry = new Registry()
  const tell = (name: string, help: string, type: string, values: readonly Value[]): void => {
    // The library's own metrics can only be set or counted up; a registry asks no more of one than this.
    const told = { name, help, type, values, aggregator: 'sum' }
    registry.registerMetric({ name, get: async () => told } as unknown as Metric<string>)
  }
  const build = { version: packageVersion(), node: process.version }
  tell('trellis_build_info', 'Always 1: release and Node.js.', 'gauge', [{ labels: build, value: 1 }])
  for (const { name, help, samples } of families) tell(name, help, 'gauge', samples(observed))
  const counted = countedSamples(measures.counters())
  for (const { name, help } of countedFamilies) tell(name, help, 'counter', counted.get(name) ?? [])
  tell(
    flushName,
    'Time until a group of log entries was on disk.',
    'histogram',
    histogram(flushName, measures.flushes()),
  )
  const observedChannels = channels.map((name) => node.channel(name).stats())
  for (const { name, help, type, samples } of channelFamilies) tell(name, help, type, observedChannels.flatMap(samples))
  const latencies = [...measures.latencies()]
  const { name, help } = latencyFamily
  tell(
    name,
    help,
    'histogram',
    latencies.flatMap(([channel, view]) => histogram(name, view, { channel })),
  )
  return registry
}

interface Value extends Sample {
  /** Default: the name of the family. */
  readonly metricName?: string
}

function histogram(
  name: string,
  { buckets, sum, count }: DistributionView,
  labels: Sample['labels'] = {},
): readonly Value[] {
  const bucket = (le: string, value: number) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })
  return [
    ...buckets.map(({ le, count: below }) => bucket(String(le), below)),
    bucket('+Inf', count),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
