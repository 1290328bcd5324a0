// What a gateway offers to others, and what it has been offered: services by group. A group is all instances of one
// name, version, zone and set of capabilities, for across clusters nobody chooses among instances, only among places.

import type { JsonValue } from '../channels/payload.ts'
import { OWN_NAMESPACE, parseFacts, type ServiceFacts } from '../services/service-facts.ts'
import type { ServiceInstance } from '../services/service-interface.ts'

/** What one gateway tells another; it replaces what it told before. */
export interface ExportList {
  /** What its cluster is called. */
  readonly cluster: string
  /** The cluster's id, so that nobody links a cluster with itself. */
  readonly id: string
  readonly exports: readonly Exported[]
}

export interface Exported {
  /** By which it is called. */
  readonly number: number
  readonly facts: ServiceFacts
}

/** Groups that a gateway exports, and takes from each other one. */
export const MAX_EXPORTED = 1_000
/** What is exported together fits into one message. */
const MAX_EXPORT_BYTES = 900 * 1024
const order = ['critical', 'degraded', 'passing'] as const

type Grouped = Pick<ServiceFacts, 'name' | 'namespace' | 'version' | 'zone' | 'capabilities'>

export function groupOf({ name, namespace, version, zone, capabilities }: Grouped): string {
  return JSON.stringify([name, namespace, version, zone, [...capabilities].sort()])
}

/**
 * The groups of instances of this cluster that `patterns` name, as facts: the best health of any, the weight of all.
 * `full`: told when not all have room.
 */
export function exportedGroups(
  instances: readonly ServiceInstance[],
  patterns: readonly string[],
  full: () => void,
): ReadonlyMap<string, ServiceFacts> {
  const groups = new Map<string, ServiceFacts>()
  let bytes = 0
  for (const instance of instances) {
    // What came from another cluster is not passed on: so nothing travels in a circle. The members' own services are
    // nobody else's.
    if (instance.cluster !== '' || instance.namespace === OWN_NAMESPACE) continue
    if (!patterns.some((pattern) => matches(instance.name, pattern))) continue
    const key = groupOf(instance)
    const known = groups.get(key)
    if (known) groups.set(key, merged(known, instance))
    else {
      const facts = factsOf(instance)
      bytes += Buffer.byteLength(JSON.stringify(facts))
      if (groups.size >= MAX_EXPORTED || bytes > MAX_EXPORT_BYTES) {
        full()
        break
      }
      groups.set(key, facts)
    }
  }
  return groups
}

export function encodeExports({ cluster, id, exports }: ExportList): Uint8Array {
  const list = exports.map(({ number, facts }) => [number, facts])
  return Buffer.from(JSON.stringify({ cluster, id, exports: list }))
}

/** Undefined: it is none, or past its bounds. Whatever a gateway says of itself, its services are of its cluster. */
export function parseExports(payload: Uint8Array): ExportList | undefined {
  let said: { cluster?: unknown; id?: unknown; exports?: unknown } | null
  try {
    said = JSON.parse(Buffer.from(payload).toString('utf8'))
  } catch {
    return undefined
  }
  const { cluster, id, exports } = said ?? {}
  if (typeof cluster !== 'string' || typeof id !== 'string' || !Array.isArray(exports)) return undefined
  if (exports.length > MAX_EXPORTED || cluster === '') return undefined
  const found = exports.map((item: unknown) => parseExported(item, cluster))
  return found.every((item) => item !== undefined) ? { cluster, id, exports: found } : undefined
}

function parseExported(item: unknown, cluster: string): Exported | undefined {
  if (!Array.isArray(item)) return undefined
  const [number, raw] = item as [unknown, JsonValue]
  if (!Number.isSafeInteger(number) || typeof raw !== 'object' || raw === null) return undefined
  const facts = parseFacts({ ...raw, cluster })
  return facts && { number: number as number, facts }
}

function factsOf({ id: _, member: _member, state, condition, ...facts }: ServiceInstance): ServiceFacts {
  const isWell = state === 'alive' && condition === 'ok'
  return { ...facts, dependsOn: [], health: isWell || facts.health !== 'passing' ? facts.health : 'degraded' }
}

function merged(known: ServiceFacts, instance: ServiceInstance): ServiceFacts {
  const { weight, health } = factsOf(instance)
  const best = order.indexOf(health) > order.indexOf(known.health) ? health : known.health
  return { ...known, weight: Math.min(known.weight + weight, 1_000_000), health: best }
}

function matches(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}
