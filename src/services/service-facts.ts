// What an instance says of itself, as it travels: checked where it is made and again where it arrives, for members
// differ in their releases and, at worst, in their good will.

import semverValid from 'semver/functions/valid.js'
import { ClusterError } from '../errors.ts'
import { parseAddress } from '../network-address.ts'
import { show } from '../option-checks.ts'
import type { ServiceHealth, ServiceOptions } from './service-interface.ts'

export interface ServiceFacts {
  readonly name: string
  readonly namespace: string
  readonly version: string
  readonly capabilities: readonly string[]
  readonly zone: string
  readonly weight: number
  readonly metadata: Readonly<Record<string, string>>
  readonly address: string
  readonly dependsOn: readonly string[]
  readonly health: ServiceHealth
  /** The other cluster that it is in, by a gateway's word; empty: this one. */
  readonly cluster: string
}

/** Of what belongs to the nodes themselves: no user offers anything there. */
export const OWN_NAMESPACE = 'trellis'
/** Of one instance, as JSON. */
export const MAX_FACTS_BYTES = 4_096
const MAX_WORDS = 32
const MAX_WEIGHT = 1_000_000
const word = /^[a-z0-9][a-z0-9._/-]{0,127}$/i
const healths: readonly string[] = ['passing', 'degraded', 'critical'] satisfies ServiceHealth[]

/**
 * Checks what a user says and fills in the rest from `base`, which says what can be changed but name and cluster.
 * Throws `ERR_BAD_OPTIONS` with every problem, those that were found before included.
 */
export function serviceFacts(
  base: ServiceFacts,
  changes: Omit<ServiceOptions, 'health' | 'concurrency'> & { readonly health?: ServiceHealth },
  foundBefore: readonly string[] = [],
): ServiceFacts {
  const { name: _, cluster: __, ...known } = base
  const facts = { ...base, ...defined(changes) }
  const problems = Object.keys(changes)
    .filter((key) => !Object.hasOwn(known, key))
    .map((key) => `services: unknown option '${key}'`)
  problems.push(...factsProblems(facts), ...foundBefore)
  if (facts.namespace === OWN_NAMESPACE)
    problems.push(`services.namespace '${OWN_NAMESPACE}' is of the nodes themselves`)
  if (problems.length > 0) throw new ClusterError('ERR_BAD_OPTIONS', problems.join('; '), { problems })
  return facts
}

/** Why no user may remove an instance. */
export function removalProblems({ id, namespace, cluster }: ServiceFacts & { readonly id: string }): string[] {
  if (namespace === OWN_NAMESPACE) return [`services: '${id}' is of the node itself, and ends with it`]
  // What a gateway offers it would not offer again.
  return cluster === '' ? [] : [`services: '${id}' is of the cluster '${cluster}', and removed there`]
}

export function newFacts(name: string, zone: string): ServiceFacts {
  return {
    name,
    namespace: '',
    version: '0.0.0',
    capabilities: [],
    zone,
    weight: 100,
    metadata: {},
    address: '',
    dependsOn: [],
    health: 'passing',
    cluster: '',
  }
}

/** Of calls that run at once. */
export function concurrencyProblems(concurrency: unknown): string[] {
  if (concurrency === undefined || (Number.isInteger(concurrency) && (concurrency as number) >= 1)) return []
  return [`services.concurrency (${show(concurrency)}) must be a whole number above 0`]
}

/** Of a service, as text that has nothing before it. */
export function nameProblems(name: unknown): string[] {
  return isWord(name) ? [] : [`name (${show(name)}) must be up to 128 letters, digits, '.', '_', '/' or '-'`]
}

/** What came from another member. Undefined: it is none. */
export function parseFacts(value: unknown): ServiceFacts | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // Members of an earlier release know of one cluster only.
  const facts = { cluster: '', ...value } as ServiceFacts
  return factsProblems(facts).length === 0 ? facts : undefined
}

function factsProblems(facts: ServiceFacts): string[] {
  const { name, namespace, version, capabilities, zone, weight, metadata, address, dependsOn, health, cluster } = facts
  const found: string[] = []
  const rule = (holds: boolean, text: string): void => void (holds || found.push(`services.${text}`))
  found.push(...nameProblems(name).map((problem) => `services.${problem}`))
  rule(namespace === '' || isWord(namespace), `namespace (${show(namespace)}) must be a word`)
  rule(
    typeof version === 'string' && semverValid(version) !== null,
    `version (${show(version)}) must be semantic, such as 2.1.0`,
  )
  rule(areWords(capabilities), `capabilities (${show(capabilities)}) must be at most ${MAX_WORDS} words`)
  rule(cluster === '' || isWord(cluster), `cluster (${show(cluster)}) must be a word`)
  rule(zone === '' || isWord(zone), `zone (${show(zone)}) must be a word`)
  rule(
    typeof weight === 'number' && weight >= 0 && weight <= MAX_WEIGHT,
    `weight (${show(weight)}) must be from 0 to ${MAX_WEIGHT}`,
  )
  rule(isMetadata(metadata), `metadata must be at most ${MAX_WORDS} texts by key`)
  rule(address === '' || isAddress(address), `address (${show(address)}) must be HOST:PORT`)
  rule(areWords(dependsOn), `dependsOn (${show(dependsOn)}) must be at most ${MAX_WORDS} names`)
  rule(healths.includes(health), `health (${show(health)}) must be passing, degraded or critical`)
  rule(found.length > 0 || bytesOf(facts) <= MAX_FACTS_BYTES, `facts must fit into ${MAX_FACTS_BYTES} bytes of JSON`)
  return found
}

const isWord = (value: unknown): boolean => typeof value === 'string' && word.test(value)
const areWords = (value: unknown): boolean => Array.isArray(value) && value.length <= MAX_WORDS && value.every(isWord)
const isAddress = (value: unknown): boolean => typeof value === 'string' && typeof parseAddress(value) !== 'string'

/** Of what JSON cannot say, such as an unknown option that contains itself, none are enough. */
function bytesOf(facts: ServiceFacts): number {
  try {
    return Buffer.byteLength(JSON.stringify(facts))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function isMetadata(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  return entries.length <= MAX_WORDS && entries.every(([key, text]) => isWord(key) && typeof text === 'string')
}

function defined<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}
