// Seeds from the EndpointSlices of a (headless) Service, through the official client: list once, then watch from that
// version on.
//
//   list ──> watch(version) ── ADDED, MODIFIED, DELETED ──> the set if it differs
//     ▲           │ ── BOOKMARK ──> a newer version, nothing else
//     │           │ ── the server ends it, or is silent past the bound ──> watch(version), after a short pause
//     │           └─── 410 Gone: that version is no longer kept ──> list
//     └── any other failure: reported, after a growing pause
//
// Endpoints that are not ready yet count: a member becomes ready by finding its cluster. Those that terminate do not.

import type { ConfigurationOptions, KubeConfig, ObservableMiddleware, V1EndpointSlice } from '@kubernetes/client-node'
import type { OptionChecks } from '../call-options.ts'
import { formatAddress, isWildcard, parseAddress } from '../network-address.ts'
import { optionalPeer } from '../optional-peer.ts'
import type { Discovery, ReportTrouble } from './discovery.ts'
import { asError, Backoff, isSameSet, jittered, pause } from './patience.ts'
import { providerOptions, refuse, shown } from './provider-options.ts'

type Client = typeof import('@kubernetes/client-node')
const client = await optionalPeer<Client>('@kubernetes/client-node', () => import('@kubernetes/client-node'))

/** Options of {@link kubernetesDiscovery}. */
export interface KubernetesOptions {
  /** The Service whose endpoints are the members. */
  readonly service: string
  /** Default: the pod's own, else `default`. */
  readonly namespace?: string
  /** The named port of the Service, or a number. Default: the only one, or the one called `cluster`. */
  readonly port?: string | number
  /** A `KubeConfig` of the client. Default: the pod's service account, else `~/.kube/config`. */
  readonly config?: KubernetesConfig
}

/** Of a `KubeConfig` what is asked of it here; types of the client itself would have to be installed by everybody. */
export interface KubernetesConfig {
  getCurrentContext(): string
  getContextObject(name: string): { readonly namespace?: string } | null
  getCurrentCluster(): { readonly server: string } | null
  makeApiClient(api: never): unknown
}

/** The server ends a watch by itself after so long; the client gives up on one that is silent for 30 s. */
const WATCH_SECONDS = 25
/** A list that has not come by then is an outage. */
const LIST_TIMEOUT_MS = 10_000
const BETWEEN_WATCHES_MS = 200
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 10_000
const GONE = 410

const isWord = (value: unknown): boolean =>
  typeof value === 'string' && /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)
const checks: OptionChecks<KubernetesOptions> = {
  service: shown(isWord, 'the name of a Service'),
  namespace: shown(isWord, 'the name of a namespace'),
  port: shown(isPort, 'a port or the name of one'),
  config: (value) => (isConfig(value) ? undefined : 'must be a KubeConfig'),
}

/**
 * A provider that follows the endpoints of a Kubernetes Service. It needs `list` and `watch` on `endpointslices` of
 * `discovery.k8s.io`. Throws `ERR_BAD_OPTIONS` with every problem. Importing it needs the package
 * `@kubernetes/client-node` 2.
 */
export function kubernetesDiscovery(options: KubernetesOptions): Discovery {
  const given = providerOptions('kubernetesDiscovery', options, checks, {}, ['service'])
  const config = (given.config as KubeConfig | undefined) ?? defaultConfig()
  const namespace = given.namespace ?? config.getContextObject(config.getCurrentContext())?.namespace ?? 'default'
  if (!config.getCurrentCluster()) refuse('kubernetesDiscovery', ['config names no cluster'])
  const slices = new Slices(config, namespace, options.service, options.port)
  return {
    name: `kubernetes ${namespace}/${options.service}`,
    watch: (signal, report) => slices.watch(signal, report),
  }
}

function defaultConfig(): KubeConfig {
  const config = new client.KubeConfig()
  config.loadFromDefault()
  return config
}

function isPort(value: unknown): boolean {
  if (typeof value === 'string') return value !== ''
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536
}

function isConfig(value: unknown): boolean {
  const methods = ['getCurrentContext', 'getContextObject', 'getCurrentCluster', 'makeApiClient']
  return methods.every((method) => typeof Reflect.get(Object(value), method) === 'function')
}

/** What one watch came to. */
type WatchEnd = 'over' | 'gone'

class Slices {
  readonly #config: KubeConfig
  readonly #namespace: string
  readonly #selector: string
  readonly #port: string | number | undefined

  constructor(config: KubeConfig, namespace: string, service: string, port: string | number | undefined) {
    this.#config = config
    this.#namespace = namespace
    this.#selector = `kubernetes.io/service-name=${service}`
    this.#port = port
  }

  async *watch(signal: AbortSignal, report: ReportTrouble): AsyncGenerator<ReadonlySet<string>> {
    const backoff = new Backoff(FIRST_PAUSE_MS, LAST_PAUSE_MS)
    const slices = new Map<string, V1EndpointSlice>()
    const changes = new Wakeup()
    let known: ReadonlySet<string> | undefined
    let version: string | undefined
    while (!signal.aborted) {
      const over = new AbortController()
      try {
        version ??= await this.#list(slices, signal)
        if (signal.aborted) return
        const running = this.#follow(slices, version, changes, AbortSignal.any([signal, over.signal]))
        // Whatever ends this round, nobody may be left to hear how the watch ended.
        running.end.catch(() => {})
        for (let end: WatchEnd | 'changed' = 'changed'; end === 'changed'; ) {
          const seeds = this.#seeds(slices, report)
          if (!isSameSet(known, seeds)) {
            known = seeds
            yield known
          }
          end = await Promise.race([running.end, changes.next().then(() => 'changed' as const)])
          if (end === 'gone') version = undefined
          else version = running.version()
        }
        backoff.reset()
        await pause(jittered(BETWEEN_WATCHES_MS), signal)
      } catch (error) {
        if (signal.aborted) return
        report(asError(error))
        version = undefined
        await pause(backoff.next(), signal)
      } finally {
        over.abort()
      }
    }
  }

  async #list(slices: Map<string, V1EndpointSlice>, signal: AbortSignal): Promise<string> {
    const api = this.#config.makeApiClient(client.DiscoveryV1Api)
    const question = { namespace: this.#namespace, labelSelector: this.#selector }
    const list = await api.listNamespacedEndpointSlice(question, endedBy(signal, LIST_TIMEOUT_MS))
    slices.clear()
    for (const slice of list.items) slices.set(slice.metadata?.name ?? '', slice)
    return list.metadata?.resourceVersion ?? ''
  }

  #follow(slices: Map<string, V1EndpointSlice>, from: string, changes: Wakeup, signal: AbortSignal) {
    let version = from
    const take = (type: string, object: V1EndpointSlice & { code?: number; message?: string }): void => {
      if (type === 'ERROR') throw new Refused(object.code ?? 0, object.message ?? 'the watch failed')
      version = object.metadata?.resourceVersion ?? version
      if (type === 'BOOKMARK') return
      const name = object.metadata?.name ?? ''
      if (type === 'DELETED') slices.delete(name)
      else slices.set(name, object)
      changes.wake()
    }
    return { end: this.#watchOnce(from, take, signal), version: () => version }
  }

  #watchOnce(
    resourceVersion: string,
    take: (type: string, object: V1EndpointSlice) => void,
    signal: AbortSignal,
  ): Promise<WatchEnd> {
    const path = `/apis/discovery.k8s.io/v1/namespaces/${this.#namespace}/endpointslices`
    const query = {
      labelSelector: this.#selector,
      resourceVersion,
      allowWatchBookmarks: true,
      timeoutSeconds: WATCH_SECONDS,
    }
    return new Promise((resolve, reject) => {
      let refusal: unknown
      let stop = (): void => {}
      // Before the server has answered there is nothing to stop, and nobody who leaves waits for that.
      const abort = (): void => {
        stop()
        resolve('over')
      }
      signal.addEventListener('abort', abort, { once: true })
      const done = (error: unknown): void => {
        signal.removeEventListener('abort', abort)
        const cause = refusal ?? error
        if (signal.aborted || cause === null || cause === undefined || isSilence(cause)) resolve('over')
        else if (statusOf(cause) === GONE) resolve('gone')
        else reject(asError(cause))
      }
      // The client swallows what its callback throws, so it is kept and told at the end.
      const callback = (type: string, object: V1EndpointSlice): void => {
        try {
          take(type, object)
        } catch (error) {
          refusal = error
          stop()
        }
      }
      new client.Watch(this.#config).watch(path, query, callback, done).then((controller) => {
        stop = () => controller.abort()
        if (signal.aborted || refusal !== undefined) stop()
      }, done)
    })
  }

  #seeds(slices: ReadonlyMap<string, V1EndpointSlice>, report: ReportTrouble): ReadonlySet<string> {
    const seeds = new Set<string>()
    for (const { endpoints, ports } of slices.values()) {
      const port = this.#portOf(ports ?? [])
      if (port === undefined) report(new Error(`the Service has no port '${this.#port ?? 'cluster'}'`))
      else
        for (const { addresses, conditions } of endpoints ?? [])
          if (conditions?.terminating !== true) for (const host of addresses) seeds.add(formatAddress({ host, port }))
    }
    const canBeDialed = (seed: string): boolean => {
      const parsed = parseAddress(seed)
      return typeof parsed !== 'string' && !isWildcard(parsed.host)
    }
    return new Set([...seeds].filter(canBeDialed))
  }

  #portOf(ports: readonly { name?: string; port?: number }[]): number | undefined {
    if (typeof this.#port === 'number') return this.#port
    const wanted = this.#port ?? 'cluster'
    const named = ports.find(({ name }) => name === wanted)
    return (named ?? (this.#port === undefined && ports.length === 1 ? ports[0] : undefined))?.port
  }
}

/** Options of one request of the client, which knows no deadline of its own. */
function endedBy(signal: AbortSignal, timeoutMs: number): ConfigurationOptions {
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
  const middleware: ObservableMiddleware = {
    pre: (request) => {
      request.setSignal(over)
      return new client.Observable(Promise.resolve(request))
    },
    post: (response) => new client.Observable(Promise.resolve(response)),
  }
  return { middleware: [middleware], middlewareMergeStrategy: 'append' }
}

/** Resolves whoever waits, or the next to wait, once. */
class Wakeup {
  #isDue = false
  #wake: (() => void) | undefined

  wake(): void {
    this.#isDue = true
    this.#wake?.()
  }

  async next(): Promise<void> {
    if (!this.#isDue)
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    this.#isDue = false
    this.#wake = undefined
  }
}

class Refused extends Error {
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode
}

/** Nothing was heard for the client's own bound, which is shorter than the pause between bookmarks. */
function isSilence(error: unknown): boolean {
  return ['TimeoutError', 'AbortError'].includes((error as Error).name)
}
