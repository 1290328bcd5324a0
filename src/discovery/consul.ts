// Seeds from Consul's catalog, through the `consul` client: members register themselves with a check that they keep
// passing, and follow the passing ones by blocking queries (Consul's "blocking queries" page).
//
//   watch     ask(index) ── newer index ──> the set if it differs, ask(newer)
//                └── smaller index ──> the server was restored: ask(0)          └── error ──> report, pause, ask(0)
//   announce  register ──> pass, pass, … ── refused: Consul has forgotten us ──> register
//                                        └── abort ──> deregister
//
// A fresh check is critical until its first pass, so nobody is found before it runs.

import { EventEmitter } from 'node:events'
import type Consul from 'consul'
import { type OptionChecks, text, trueOrFalse } from '../call-options.ts'
import { formatAddress, parseAddress } from '../network-address.ts'
import { optionalPeer } from '../optional-peer.ts'
import { MAX_DELAY_MS } from '../runtime/clock.ts'
import type { Announcement, Discovery, ReportTrouble } from './discovery.ts'
import { asError, Backoff, isSameSet, jittered, pause } from './patience.ts'
import { numberFrom, providerOptions, shown } from './provider-options.ts'

const { default: Client } = await optionalPeer<{ default: typeof Consul }>('consul', () => import('consul'))

/** Options of {@link consulDiscovery}. */
export interface ConsulOptions {
  /** Of the local agent. Default `http://127.0.0.1:8500`. */
  readonly url?: string
  /** ACL token. Default none. Never logged. */
  readonly token?: string
  /** Under which all members of one cluster register. Default `trellis`. */
  readonly service?: string
  /** Also register this node. Default true. */
  readonly register?: boolean
  /**
   * Without a pass for so long, Consul counts the member as gone. At least 1,000. Default 15,000; passes are three
   * times as frequent.
   */
  readonly ttlMs?: number
  /** Longest wait of one blocking query. 1,000 to 600,000. Default 60,000. */
  readonly waitMs?: number
}

const defaults = { url: 'http://127.0.0.1:8500', service: 'trellis', register: true, ttlMs: 15_000, waitMs: 60_000 }
const checks: OptionChecks<ConsulOptions> = {
  url: shown(isWebAddress, 'a URL'),
  token: text,
  service: shown((value) => typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,62}$/i.test(value), 'a DNS label'),
  register: trueOrFalse,
  ttlMs: numberFrom(1_000, MAX_DELAY_MS),
  waitMs: numberFrom(1_000, 600_000),
}
/** Consul removes what was critical for so long; it takes no less than a minute. */
const DEREGISTER_AFTER = '1m'
const CALL_TIMEOUT_MS = 10_000
/** A service that changes all the time is not asked for all the time. */
const BETWEEN_CHANGES_MS = 100
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 10_000
/** What is refused with this is not forgotten but forbidden: registering again would be, too. */
const FORBIDDEN = 403

interface Entry {
  readonly Node?: { readonly Address?: unknown }
  readonly Service?: { readonly Address?: unknown; readonly Port?: unknown }
}

/** Passes options that the client takes and its types do not name. */
type Call = Record<string, unknown>

/**
 * A provider that finds members in Consul and registers this one. Throws `ERR_BAD_OPTIONS` with every problem.
 * Importing it needs the package `consul` 2.
 */
export function consulDiscovery(options: ConsulOptions = {}): Discovery {
  const settings = providerOptions('consulDiscovery', options, checks, defaults)
  const provider = new ConsulProvider(settings)
  const name = `consul ${settings.service} at ${settings.url}`
  const watch: Discovery['watch'] = (signal, report) => provider.watch(signal, report)
  if (!settings.register) return { name, watch }
  return { name, watch, announce: (self, signal, report) => provider.announce(self, signal, report) }
}

function isWebAddress(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
}

class ConsulProvider {
  readonly #settings: typeof defaults & { readonly token?: string }

  constructor(settings: typeof defaults & { readonly token?: string }) {
    this.#settings = settings
  }

  async *watch(signal: AbortSignal, report: ReportTrouble): AsyncGenerator<ReadonlySet<string>> {
    const client = this.#client()
    const backoff = new Backoff(FIRST_PAUSE_MS, LAST_PAUSE_MS)
    let index = 0
    let known: ReadonlySet<string> | undefined
    try {
      while (!signal.aborted) {
        const answer = await this.#seeds(client, index, signal, report).catch(asError)
        if (signal.aborted) return
        if (answer instanceof Error) {
          report(answer)
          index = 0
          await pause(backoff.next(), signal)
          continue
        }
        backoff.reset()
        // A smaller index comes from a server that was restored: nothing said before means anything to it.
        index = answer.index < index ? 0 : answer.index
        if (!isSameSet(known, answer.seeds)) {
          known = answer.seeds
          yield known
        }
        await pause(jittered(BETWEEN_CHANGES_MS), signal)
      }
    } finally {
      client.destroy()
    }
  }

  async announce(self: Announcement, signal: AbortSignal, report: ReportTrouble): Promise<void> {
    const client = this.#client()
    const id = `${this.#settings.service}-${self.id}`
    const backoff = new Backoff(FIRST_PAUSE_MS, LAST_PAUSE_MS)
    let isRegistered = false
    /** A registration may be there though its answer never came. */
    let mayBeKnown = false
    try {
      while (!signal.aborted) {
        try {
          mayBeKnown = true
          if (!isRegistered) await this.#register(client, id, self, signal)
          isRegistered = true
          await client.agent.check.pass(this.#call(signal, { id: `service:${id}` }) as { id: string })
          backoff.reset()
          await pause(jittered(this.#settings.ttlMs / 3), signal)
        } catch (error) {
          if (signal.aborted) break
          report(asError(error))
          if (statusOf(error) !== undefined && statusOf(error) !== FORBIDDEN) isRegistered = false
          await pause(backoff.next(), signal)
        }
      }
      if (mayBeKnown) await this.#deregister(client, id, report)
    } finally {
      client.destroy()
    }
  }

  /** One client per use, as its connections are ended with it. */
  #client(): Consul & { destroy(): void } {
    const { protocol, hostname, port } = new URL(this.#settings.url)
    const secure = protocol === 'https:'
    const host = hostname.replace(/^\[|\]$/g, '')
    return new Client({ host, port: Number(port) || (secure ? 443 : 80), secure }) as Consul & { destroy(): void }
  }

  #call(signal: AbortSignal, rest: Call, timeoutMs = CALL_TIMEOUT_MS): Call {
    const ctx = Object.assign(new EventEmitter(), { includeResponse: true })
    signal.addEventListener('abort', () => ctx.emit('cancel'), { once: true })
    const { token } = this.#settings
    return { ...rest, ctx, timeout: timeoutMs, ...(token === undefined ? {} : { token }) }
  }

  /** Rejects with whatever is wrong with an answer: it is asked again. */
  async #seeds(client: Consul, index: number, signal: AbortSignal, report: ReportTrouble) {
    const { entries, index: next } = await this.#ask(client, index, signal)
    return { index: next, seeds: seedsOf(entries, report) }
  }

  async #ask(client: Consul, index: number, signal: AbortSignal): Promise<{ entries: Entry[]; index: number }> {
    const { service, waitMs } = this.#settings
    const wait = Math.round(jittered(waitMs))
    const question = { service, passing: true, index: String(index), wait: `${wait}ms` }
    // Consul itself adds up to a sixteenth of the wait.
    const call = this.#call(signal, question, wait + wait / 16 + CALL_TIMEOUT_MS)
    const answer: unknown = await client.health.service(call as unknown as { service: string })
    const [response, entries] = answer as [{ headers: Record<string, string | undefined> }, unknown]
    const next = Number(response.headers['x-consul-index'])
    if (!Array.isArray(entries)) throw new Error('the answer is no list of services')
    if (!Number.isSafeInteger(next) || next < 1) throw new Error('the answer has no index to wait for')
    return { entries, index: next }
  }

  async #register(client: Consul, id: string, self: Announcement, signal: AbortSignal): Promise<void> {
    const address = parseAddress(self.address)
    if (typeof address === 'string') throw new Error(`'${self.address}' ${address}`)
    const { service, ttlMs } = this.#settings
    const check = { ttl: `${ttlMs}ms`, deregistercriticalserviceafter: DEREGISTER_AFTER, name: 'the member runs' }
    const meta = { cluster: self.cluster, member: self.name, id: self.id }
    const registration = { id, name: service, address: address.host, port: address.port, meta, check }
    await client.agent.service.register(this.#call(signal, registration) as unknown as { name: string })
  }

  async #deregister(client: Consul, id: string, report: ReportTrouble): Promise<void> {
    try {
      const call = this.#call(AbortSignal.timeout(CALL_TIMEOUT_MS), { id })
      await client.agent.service.deregister(call as unknown as { id: string })
    } catch (error) {
      report(asError(error))
    }
  }
}

function seedsOf(entries: readonly Entry[], report: ReportTrouble): ReadonlySet<string> {
  const seeds = new Set<string>()
  for (const { Node, Service } of entries) {
    const host = Service?.Address || Node?.Address
    const port = Service?.Port
    const text = formatAddress({ host: String(host), port: Number(port) })
    const parsed = parseAddress(text)
    if (typeof parsed === 'string')
      report(new Error(`an instance has no address that can be dialed: ${text.slice(0, 80)}`))
    else seeds.add(text)
  }
  return seeds
}

/** The HTTP status that a refusal came with; undefined when there was no answer. */
function statusOf(error: unknown): number | undefined {
  const { statusCode, response } = error as { statusCode?: unknown; response?: { statusCode?: unknown } }
  const status = statusCode ?? response?.statusCode
  return typeof status === 'number' ? status : undefined
}
