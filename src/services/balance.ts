// Which of several instances is called. Pure: chance is handed in. Whatever the strategy, members that are suspect,
// stalled or draining, instances that are degraded or weigh nothing, and those of other clusters come only when there
// is no better one.

import type { Random } from '../../topology/index.ts'
import type { BalanceStrategy, ServiceInstance } from './service-interface.ts'

/** How busy an instance is, as this node has seen it. */
export interface Load {
  /** Calls of this node that run there. */
  readonly running: number
  /** Exponentially weighted mean of what a call took, in milliseconds; undefined: none has ended yet. */
  readonly latencyMs: number | undefined
}

export interface BalanceFacts {
  /** Name of this node. */
  readonly self: string
  readonly zone: string
  readonly key: string | undefined
  readonly load: (id: string) => Load
  readonly random: Random
  /** Counts the calls of one service, for `round-robin`. */
  readonly turn: number
}

/** No instance gets more than so many times its share of the load, by weight, under `consistent-hash`. */
const BOUND = 1.25
/** What an instance that was never called is taken to need: little, so that it is tried. */
const UNKNOWN_LATENCY_MS = 1

/** The instance to call next. Undefined: there is none. */
export function choose(
  strategy: BalanceStrategy,
  instances: readonly ServiceInstance[],
  facts: BalanceFacts,
): ServiceInstance | undefined {
  return chooseOf(strategy, bestOf(instances), facts)
}

/** The same among those that {@link bestOf} has found. */
export function chooseOf(
  strategy: BalanceStrategy,
  best: readonly ServiceInstance[],
  facts: BalanceFacts,
): ServiceInstance | undefined {
  if (best.length <= 1) return best[0]
  switch (strategy) {
    case 'round-robin':
      return best[facts.turn % best.length]
    case 'weighted':
      return byWeight(best, facts.random)
    case 'least-loaded':
      return ofTwo(best, facts)
    case 'consistent-hash':
      return byKey(best, facts)
    default:
      return ofTwo(nearest(best, facts), facts)
  }
}

/** Those with the fewest reasons against them, by id. */
export function bestOf(instances: readonly ServiceInstance[]): ServiceInstance[] {
  const callable = instances.filter(({ health }) => health !== 'critical')
  const least = Math.min(...callable.map(reasonsAgainst))
  const best = callable.filter((instance) => reasonsAgainst(instance) === least)
  return best.sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** Order of preference, the best first; equal ones by id. */
export function byMerit(one: ServiceInstance, other: ServiceInstance): number {
  return reasonsAgainst(one) - reasonsAgainst(other) || (one.id < other.id ? -1 : 1)
}

function reasonsAgainst({ health, state, condition, weight, cluster }: ServiceInstance): number {
  return (
    (health === 'critical' ? 16 : 0) +
    (state === 'alive' ? 0 : 8) +
    (condition === 'ok' ? 0 : 4) +
    (cluster === '' ? 0 : 3) +
    (health === 'passing' ? 0 : 2) +
    (weight > 0 ? 0 : 1)
  )
}

function nearest(instances: readonly ServiceInstance[], { self, zone }: BalanceFacts): readonly ServiceInstance[] {
  const here = instances.filter(({ member }) => member === self)
  if (here.length > 0) return here
  const near = zone === '' ? [] : instances.filter((instance) => instance.zone === zone)
  return near.length > 0 ? near : instances
}

function byWeight(instances: readonly ServiceInstance[], random: Random): ServiceInstance | undefined {
  const weights = instances.map(({ weight }) => weight)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  let left = random() * sum
  const at = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  return instances[at === -1 ? instances.length - 1 : at]
}

function ofTwo(instances: readonly ServiceInstance[], { load, random }: BalanceFacts): ServiceInstance | undefined {
  const one = Math.floor(random() * instances.length)
  const step = 1 + Math.floor(random() * (instances.length - 1))
  const other = instances.length === 1 ? one : (one + step) % instances.length
  const cost = (at: number): number => {
    const { running, latencyMs = UNKNOWN_LATENCY_MS } = load(instances[at]!.id)
    return (running + 1) * latencyMs
  }
  return instances[cost(other) < cost(one) ? other : one]
}

function byKey(instances: readonly ServiceInstance[], { key = '', load }: BalanceFacts): ServiceInstance | undefined {
  const ranked = instances
    .map((instance) => ({ instance, score: score(key, instance), running: load(instance.id).running }))
    .sort((a, b) => b.score - a.score)
  const total = ranked.reduce((sum, { running }) => sum + running, 0)
  const weights = ranked.reduce((sum, { instance }) => sum + Math.max(instance.weight, 1), 0)
  const hasRoom = ({ instance, running }: (typeof ranked)[number]): boolean =>
    running < Math.ceil((BOUND * (total + 1) * Math.max(instance.weight, 1)) / weights)
  return (ranked.find(hasRoom) ?? ranked[0])?.instance
}

/** Weighted rendezvous hashing: -weight / ln(hash), the hash in (0, 1). */
function score(key: string, { id, weight }: ServiceInstance): number {
  const hash = (fnv(`${id} ${key}`) + 1) / (2 ** 32 + 2)
  return -Math.max(weight, 1) / Math.log(hash)
}

/** FNV-1a with a final mix (murmur3's), as its last bytes alone reach the high bits badly. */
function fnv(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
