// Seeds from DNS: A and AAAA records, or SRV records (RFC 2782) and the addresses of their targets. Asked again and
// again, for DNS tells nobody of a change:
//
//   ask ── found ──> the set, again after its time to live, but between its two bounds
//    │ ── no such name ──> believed when seen NEGATIVES_BELIEVED times in a row: names come and go as containers do
//    └─── no answer ──> reported, asked again with growing pauses; the set stays
//
// Container runtimes give a time to live of ten minutes on names whose members change in seconds: hence the upper
// bound.

import { lookup, Resolver } from 'node:dns/promises'
import type { OptionChecks } from '../call-options.ts'
import { formatAddress } from '../network-address.ts'
import { show } from '../option-checks.ts'
import { MAX_DELAY_MS } from '../runtime/clock.ts'
import type { Discovery, ReportTrouble } from './discovery.ts'
import { type DnsAddress, parseDnsAddress } from './dns-address.ts'
import { asError, Backoff, isSameSet, jittered, pause } from './patience.ts'
import { numberFrom, providerOptions, refusal } from './provider-options.ts'

/** How often a name is asked for. */
export interface DnsPace {
  /**
   * However short its time to live, a name is not asked for more often. Default 1,000; half of it while nothing has
   * been found.
   */
  readonly minIntervalMs?: number
  /** However long its time to live, it is asked for this often. Default 5,000. */
  readonly maxIntervalMs?: number
  /** A name server that is silent so long is asked once more, then it is an outage. Default 1,000. */
  readonly queryTimeoutMs?: number
}

const defaultPace = { minIntervalMs: 1_000, maxIntervalMs: 5_000, queryTimeoutMs: 1_000 }
const paceChecks: OptionChecks<DnsPace> = {
  minIntervalMs: numberFrom(1, MAX_DELAY_MS),
  maxIntervalMs: numberFrom(1, MAX_DELAY_MS),
  queryTimeoutMs: numberFrom(1, MAX_DELAY_MS),
}
const NEGATIVES_BELIEVED = 3
const QUERY_TRIES = 2
/** The server has answered that there is nothing of that name and kind. */
const negative: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA'])

interface Answer {
  readonly seeds: ReadonlySet<string>
  /** Seconds; infinite where no record says. */
  readonly ttl: number
}

interface Host {
  readonly address: string
  readonly ttl: number
}

/**
 * A provider for `dns://NAME:PORT` or `dns+srv://NAME`, each with `?resolver=HOST:PORT` for a name server of one's own.
 * Throws `ERR_BAD_OPTIONS` for any other text, and for a pace that cannot be kept.
 */
export function dnsDiscovery(text: string, pace: DnsPace = {}): Discovery {
  const address = typeof text === 'string' ? parseDnsAddress(text) : 'must be dns://NAME:PORT or dns+srv://NAME'
  if (typeof address === 'string') throw refusal('dnsDiscovery', [`${show(text)} ${address}`])
  const settings = providerOptions('dnsDiscovery', pace, paceChecks, defaultPace)
  return { name: text, watch: (signal, report) => watch(address, settings, signal, report) }
}

async function* watch(
  address: DnsAddress,
  pace: Required<DnsPace>,
  signal: AbortSignal,
  report: ReportTrouble,
): AsyncGenerator<ReadonlySet<string>> {
  const resolver = new Resolver({ timeout: pace.queryTimeoutMs, tries: QUERY_TRIES })
  if (address.resolver !== undefined) resolver.setServers([address.resolver])
  const cancel = (): void => resolver.cancel()
  signal.addEventListener('abort', cancel)
  const backoff = new Backoff(pace.minIntervalMs / 4, pace.maxIntervalMs)
  let known: ReadonlySet<string> | undefined
  let negatives = 0
  try {
    while (!signal.aborted) {
      const answer = await ask(resolver, address).catch(asError)
      if (signal.aborted) return
      if (answer instanceof Error) {
        report(answer)
        await pause(backoff.next(), signal)
        continue
      }
      backoff.reset()
      negatives = answer.seeds.size === 0 ? negatives + 1 : 0
      const isBelieved = answer.seeds.size > 0 || (known !== undefined && negatives >= NEGATIVES_BELIEVED)
      if (isBelieved && !isSameSet(known, answer.seeds)) {
        known = answer.seeds
        yield known
      }
      await pause(jittered(known === undefined ? pace.minIntervalMs / 2 : interval(answer, pace)), signal)
    }
  } finally {
    signal.removeEventListener('abort', cancel)
    cancel()
  }
}

function interval({ ttl }: Answer, { minIntervalMs, maxIntervalMs }: Required<DnsPace>): number {
  return Math.min(Math.max(ttl * 1_000, minIntervalMs), maxIntervalMs)
}

async function ask(resolver: Resolver, address: DnsAddress): Promise<Answer> {
  if (address.kind === 'srv') return askForServices(resolver, address.name)
  const hosts = await askForHosts(resolver, address.name)
  // The machine's own names (`/etc/hosts`) are no business of a name server that was asked for by its address.
  const found = hosts.length > 0 || address.resolver !== undefined ? hosts : await askMachine(address.name)
  return answerOf(found, address.port)
}

function answerOf(hosts: readonly Host[], port: number): Answer {
  const seeds = new Set(hosts.map(({ address }) => formatAddress({ host: address, port })))
  return { seeds, ttl: Math.min(...hosts.map(({ ttl }) => ttl)) }
}

/** SRV answers of Node carry no time to live; those of the targets stand in for it. */
async function askForServices(resolver: Resolver, name: string): Promise<Answer> {
  const records = await orNone(resolver.resolveSrv(name))
  const perTarget = records.map(async ({ name: target, port }): Promise<Answer> => {
    const answer = answerOf(await askForHosts(resolver, target), port)
    // A target without an address here may still have one where the machine looks it up.
    return answer.seeds.size > 0 ? answer : { seeds: new Set([formatAddress({ host: target, port })]), ttl: 0 }
  })
  const answers = await Promise.all(perTarget)
  const seeds = new Set(answers.flatMap(({ seeds: some }) => [...some]))
  return { seeds, ttl: Math.min(...answers.map(({ ttl }) => ttl)) }
}

async function askForHosts(resolver: Resolver, name: string): Promise<Host[]> {
  const [four, six] = await Promise.all([
    orNone(resolver.resolve4(name, { ttl: true })),
    orNone(resolver.resolve6(name, { ttl: true })),
  ])
  return [...four, ...six]
}

async function askMachine(name: string): Promise<Host[]> {
  const found = await orNone(lookup(name, { all: true }))
  return found.map(({ address }) => ({ address, ttl: 0 }))
}

/** No such name, or nothing of that kind, is an answer: none. */
async function orNone<Item>(query: Promise<Item[]>): Promise<Item[]> {
  try {
    return await query
  } catch (error) {
    if (negative.has((error as NodeJS.ErrnoException).code ?? '')) return []
    throw error
  }
}
