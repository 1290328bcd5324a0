// A gateway as a part of its node: it tells the gateways of other clusters which services of its own may be called,
// offers theirs in its own cluster, and passes calls on in both directions. A cut between clusters ends links and what
// came over them, and nothing else.
//
//   caller ──▶ gateway of its cluster ──▶ gateway of the other ──▶ instance     (each hop: deadline, cancel, trace)

import { ClusterError } from '../errors.ts'
import type { Stage } from '../lifecycle-options.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { oncePer } from '../observability/logger.ts'
import { CallExchange } from '../services/call-exchange.ts'
import type { RunningCall } from '../services/running-call.ts'
import type { ServiceFacts } from '../services/service-facts.ts'
import { ServiceHost } from '../services/service-host.ts'
import type { LocalServices } from '../services/services.ts'
import { createIdentity } from '../transport/identity.ts'
import { TcpTransport } from '../transport/tcp.ts'
import { Keyring } from '../wire/secrets.ts'
import { encodeExports, exportedGroups, groupOf, parseExports } from './exports.ts'
import type { FederationOptions } from './federation-options.ts'
import { GatewayLinks } from './gateway-links.ts'
import { Imports } from './imports.ts'

const EXPORTS = 'exports'
const CALLS = 'calls'
/** Gateways prove one secret under one name, whatever their clusters are called. */
const LINK_NAME = 'trellis federation'
/** Changes of services in such a time are told together. */
const TELL_MS = 50
const REFUSED_LOG_INTERVAL_MS = 60_000

/** `GET /v1/federation`. */
export interface FederationView {
  /** What others call this cluster; null: this member is no gateway. */
  readonly name: string | null
  /** Where gateways connect; null: nowhere. */
  readonly address: string | null
  readonly links: readonly { readonly gateway: string; readonly cluster: string }[]
  /** Services that others may find here. */
  readonly exports: readonly string[]
  /** Services that others offer. */
  readonly imports: readonly { readonly name: string; readonly cluster: string; readonly zone: string }[]
}

/** What there is while the node is a gateway. */
interface Gateway {
  readonly links: GatewayLinks
  readonly exchange: CallExchange
  readonly host: ServiceHost
  readonly imports: Imports
}

export class Federation implements NodePart {
  readonly #context: NodeContext
  readonly #services: LocalServices
  readonly #options: FederationOptions | undefined
  readonly #stopping = new AbortController()
  /** Numbers of groups that are exported. */
  readonly #numbers = new Map<string, number>()
  #exported: ReadonlyMap<string, ServiceFacts> = new Map()
  readonly #clusters = new Map<string, string>()
  #gateway: Gateway | undefined
  #address: string | null = null
  #isTelling = false
  #nextNumber = 1
  readonly #sayRefused: ReturnType<typeof oncePer>

  constructor(context: NodeContext, services: LocalServices) {
    this.#context = context
    this.#services = services
    this.#options = context.options.federation
    const { clock } = context.toolbox
    this.#sayRefused = oncePer({ intervalMs: REFUSED_LOG_INTERVAL_MS, now: () => clock.now() })
  }

  /** Rejects with `ERR_ADDRESS_IN_USE` or `ERR_ADDRESS_UNUSABLE`. */
  async start(): Promise<void> {
    if (!this.#options) return
    this.#gateway = this.#create(this.#options)
    const { listen } = this.#options
    if (listen === undefined) return
    this.#address = await this.#gateway.links.listen(listen)
    this.#context.toolbox.logger.info('a gateway for other clusters', { address: this.#address })
  }

  stage(stage: Stage): void {
    if (stage !== 'member' || !this.#gateway || !this.#options) return
    this.#gateway.links.dial(this.#options.gateways ?? [])
    void this.#follow()
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    const gateway = this.#gateway
    this.#gateway = undefined
    gateway?.host[Symbol.dispose]()
    gateway?.exchange[Symbol.dispose]()
    await gateway?.links.close()
  }

  view(): FederationView {
    const imports = (this.#gateway?.imports.facts ?? []).map(({ name, cluster, zone }) => ({ name, cluster, zone }))
    return {
      name: this.#options ? this.#name : null,
      address: this.#address,
      links: [...this.#clusters].map(([peer, cluster]) => ({
        gateway: this.#gateway?.links.nameOf(peer) ?? '',
        cluster,
      })),
      exports: [...new Set([...this.#exported.values()].map(({ name }) => name))].sort(),
      imports,
    }
  }

  get #name(): string {
    return this.#options?.name ?? this.#context.options.cluster
  }

  #create({ secret }: FederationOptions): Gateway {
    const { self, toolbox } = this.#context
    const { clock } = toolbox
    const identity = createIdentity()
    const transport = new TcpTransport({ identity })
    const { cluster: _, liveness: _liveness, ...rest } = self
    const hello = {
      ...rest,
      id: identity.id,
      storeId: '',
      clusterName: LINK_NAME,
      clusterId: '',
      fresh: true,
      expect: 0,
      channel: 'coordination' as const,
      ticket: undefined,
    }
    const links = new GatewayLinks({
      self: hello,
      transport,
      keyring: new Keyring([secret].flat()),
      toolbox,
      onUp: (peer) => this.#tell([peer]),
      onDown: (peer) => this.#lost(peer),
    })
    links.carrier(EXPORTS).handle(({ id }, payload) => this.#heard(id, payload))
    const exchange = new CallExchange({
      clock,
      carrier: links.carrier(CALLS),
      server: () => host,
      count: (reason) => toolbox.counters.add(`federation-${reason}`),
    })
    const nameOf = (id: string): string =>
      id === identity.id ? self.name : `${links.nameOf(id)}@${this.#clusters.get(id) ?? ''}`
    const refusal = links.refusalOfWork.bind(links)
    const host = new ServiceHost({ clock, self: identity.id, exchange, nameOf, refusal })
    const offer = this.#services.offerForeign.bind(this.#services)
    return {
      links,
      exchange,
      host,
      imports: new Imports({
        clock,
        exchange,
        offer,
        refusal: links.refusal.bind(links),
        count: (reason) => toolbox.counters.add(reason),
      }),
    }
  }

  // --- What others offer ---

  #heard(peer: string, payload: Uint8Array): void {
    const { toolbox, coordination } = this.#context
    const list = parseExports(payload)
    if (!list) {
      toolbox.counters.add('federation-malformed')
      return
    }
    const own = coordination()?.clusterId
    if (list.cluster === this.#name || (own !== undefined && list.id === own)) {
      if (this.#sayRefused(list.cluster) !== undefined)
        toolbox.logger.warn('a gateway of a cluster with the same name, or of this very one, is not listened to', {
          cluster: list.cluster,
        })
      this.#gateway?.links.refuse(peer)
      return
    }
    this.#clusters.set(peer, list.cluster)
    this.#gateway?.imports.take(peer, list)
  }

  #lost(peer: string): void {
    this.#clusters.delete(peer)
    this.#gateway?.imports.lost(peer)
    this.#gateway?.exchange.lost(peer, cut)
    this.#gateway?.host.lost(peer)
  }

  // --- What this cluster offers ---

  async #follow(): Promise<void> {
    this.#export()
    for await (const { instance } of this.#services.watch({ namespace: '*' }, { signal: this.#stopping.signal }))
      if (instance.cluster === '') this.#exportSoon()
  }

  #exportSoon(): void {
    if (this.#isTelling) return
    this.#isTelling = true
    this.#context.toolbox.clock.setTimeout(() => this.#export(), TELL_MS).unref()
  }

  #export(): void {
    this.#isTelling = false
    const gateway = this.#gateway
    if (!gateway) return
    const before = this.#exported
    const own = this.#services.find({ namespace: '*', cluster: '' })
    const full = (): void => this.#context.toolbox.counters.add('federation-unexported')
    this.#exported = exportedGroups(own, this.#options?.exports ?? [], full)
    for (const [group, facts] of this.#exported) if (!before.has(group)) this.#serve(gateway, group, facts)
    for (const group of before.keys())
      if (!this.#exported.has(group)) {
        gateway.host.remove(this.#numberOf(group))
        this.#numbers.delete(group)
      }
    if (JSON.stringify([...before]) !== JSON.stringify([...this.#exported])) this.#tell(gateway.links.peers)
  }

  #serve(gateway: Gateway, group: string, { name, namespace }: ServiceFacts): void {
    gateway.host.add(this.#numberOf(group), name, (method) => (argument, context) => {
      const { deadlineMs, isStream } = context as RunningCall
      return this.#services.passOn({
        name,
        method,
        argument,
        isStream,
        options: { namespace, deadlineMs, cluster: '' },
        accepts: (instance) => groupOf(instance) === group,
      })
    })
  }

  #numberOf(group: string): number {
    // Never used again: who calls by an old number must not reach another service.
    const number = this.#numbers.get(group) ?? this.#nextNumber++
    this.#numbers.set(group, number)
    return number
  }

  #tell(peers: readonly string[]): void {
    const exports = [...this.#exported].map(([group, facts]) => ({ number: this.#numberOf(group), facts }))
    const id = this.#context.coordination()?.clusterId ?? ''
    const payload = encodeExports({ cluster: this.#name, id, exports })
    for (const peer of peers) {
      try {
        this.#gateway?.links.send(peer, EXPORTS, payload)
      } catch (error) {
        // A link that takes nothing is told everything when it is up again.
        this.#context.toolbox.counters.add('federation-untold')
        this.#context.toolbox.logger.debug('a gateway was not told', { error })
      }
    }
  }
}

function cut(): ClusterError {
  const message = 'the link to the other cluster was lost before it answered'
  return new ClusterError('ERR_MEMBER_DOWN', message, { member: '' }, { mayHaveHappened: true })
}
