// What this node has seen of the instances that it calls: how busy each is, how fast, and whether it fails. Kept for a
// bounded number; the one that was first called longest ago goes first.

import type { ClusterError } from '../errors.ts'
import type { Load } from './balance.ts'
import { Breaker } from './breaker.ts'
import type { CallEnd } from './call-exchange.ts'
import { FailureShare } from './outliers.ts'

/** Weight of the newest call in the mean latency. */
const NEWEST = 0.2
const MAX_TRACKED = 10_000

/** Failures that say something of the instance or the way to it. What a handler throws says nothing of either. */
const faults: ReadonlySet<string> = new Set(['ERR_MEMBER_DOWN', 'ERR_NO_ROUTE', 'ERR_TIMEOUT', 'ERR_BUFFER_FULL'])

export class InstanceLoad implements Load {
  running = 0
  latencyMs: number | undefined
  readonly breaker = new Breaker()
  readonly failures = new FailureShare()

  begin(): void {
    this.running += 1
    this.breaker.begin()
  }

  answered(tookMs: number): void {
    this.running -= 1
    this.failures.ended(false)
    this.#took(tookMs)
  }

  ended(how: CallEnd, error: ClusterError, tookMs: number, now: number): void {
    this.running -= 1
    this.failures.ended(true)
    if (how !== 'failed' && faults.has(error.code)) this.breaker.failed(now)
    else this.#took(tookMs)
  }

  /** The caller wants no more: that tells nothing of the instance. */
  abandoned(): void {
    this.running -= 1
    this.breaker.released()
  }

  #took(tookMs: number): void {
    this.breaker.succeeded()
    this.latencyMs = this.latencyMs === undefined ? tookMs : this.latencyMs * (1 - NEWEST) + tookMs * NEWEST
  }
}

const unknown: Load = { running: 0, latencyMs: undefined }

export class InstanceLoads {
  readonly #loads = new Map<string, InstanceLoad>()

  /** Nothing keeps calls away from it. */
  admits(id: string, now: number): boolean {
    const load = this.#loads.get(id)
    return load === undefined || (load.breaker.admits(now) && !load.failures.isEjected(now))
  }

  load = (id: string): Load => this.#loads.get(id) ?? unknown

  track(id: string): InstanceLoad {
    const known = this.#loads.get(id)
    if (known) return known
    const load = new InstanceLoad()
    this.#loads.set(id, load)
    const [oldest] = this.#loads.keys()
    if (this.#loads.size > MAX_TRACKED && oldest !== undefined) this.#loads.delete(oldest)
    return load
  }

  /** An instance has failed: it is compared with the others of its service. */
  judge(id: string, all: readonly string[], now: number): void {
    const others = all.flatMap((other) => (other === id ? [] : (this.#loads.get(other)?.failures ?? [])))
    this.#loads.get(id)?.failures.judge(others, now)
  }
}
