// What one channel of a node counts: messages and bytes both ways, drops by reason, and how long acknowledged messages
// took. Reasons come from this code, never from a remote.

import { Distribution, type DistributionView } from '../observability/distribution.ts'
import type { LatencyView } from './channel.ts'

export class ChannelCounts {
  sentMessages = 0
  sentBytes = 0
  receivedMessages = 0
  receivedBytes = 0
  readonly #dropped = new Map<string, number>()
  readonly #latency = new Distribution()
  #slowestMs = 0

  received({ envelope: { payload } }: { readonly envelope: { readonly payload: Uint8Array } }): void {
    this.receivedMessages += 1
    this.receivedBytes += payload.length
  }

  drop(reason: string, by = 1): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + by)
  }

  took(ms: number): void {
    this.#latency.record(ms / 1_000)
    if (ms > this.#slowestMs) this.#slowestMs = ms
  }

  dropped(): Record<string, number> {
    return Object.fromEntries(this.#dropped)
  }

  distribution(): DistributionView {
    return this.#latency.view()
  }

  latency(): LatencyView {
    const view = this.#latency.view()
    if (view.count === 0) return { count: 0, p50Ms: undefined, p99Ms: undefined, maxMs: undefined }
    return {
      count: view.count,
      p50Ms: quantileMs(view, 0.5, this.#slowestMs),
      p99Ms: quantileMs(view, 0.99, this.#slowestMs),
      maxMs: this.#slowestMs,
    }
  }
}

/** By linear interpolation within the bucket; never above the slowest seen. */
function quantileMs({ buckets, count }: DistributionView, quantile: number, slowestMs: number): number {
  const rank = quantile * count
  let below = 0
  let lower = 0
  for (const { le, count: through } of buckets) {
    if (through >= rank) {
      const share = through === below ? 1 : (rank - below) / (through - below)
      return Math.min(slowestMs, 1_000 * (lower + share * (le - lower)))
    }
    below = through
    lower = le
  }
  return slowestMs
}
