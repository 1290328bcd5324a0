// `node.services` at work, as a part of its node: puts registry, index, host and calls together. What membership says of a member
// reaches its instances here, and what an instance depends on reaches its health.

import type { MemberRecord, SwimEvent } from '../../topology/index.ts'
import { checkAll, checkedOptions, checkText, waitChecks } from '../call-options.ts'
import type { Carrier } from '../channels/carrier.ts'
import type { Recipient } from '../channels/channel.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { Stage } from '../lifecycle-options.ts'
import type { WaitOptions } from '../node-interface.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { memberView } from '../node-views.ts'
import { beginWait, checkedWait, nodeStopping, waitFor } from '../wait.ts'
import type { Link } from '../wire/link.ts'
import { byMerit } from './balance.ts'
import { CallSide } from './call-side.ts'
import { type ContractClient, calling, type ServiceContract, type ServiceMethods } from './contract.ts'
import { dependants, missingFor } from './dependencies.ts'
import { HealthWatch } from './health.ts'
import { checkedOffer } from './offer-checks.ts'
import {
  checkCalled,
  checkedCall,
  checkedContract,
  checkedDefaults,
  checkedObject,
  checkedQuery,
  checkedTarget,
  refuse,
} from './query-checks.ts'
import { Registry } from './registry.ts'
import { RegistryGossip } from './registry-gossip.ts'
import type { Asked } from './service-call.ts'
import { newFacts, OWN_NAMESPACE, removalProblems, type ServiceFacts, serviceFacts } from './service-facts.ts'
import type { FindHandler } from './service-host.ts'
import { instanceId, ServiceIndex } from './service-index.ts'
import type {
  CallGraph,
  ServiceCallOptions,
  ServiceChange,
  ServiceImpact,
  ServiceInstance,
  ServiceOptions,
  ServiceQuery,
  ServiceRegistration,
  Services,
} from './service-interface.ts'
import { ServiceWatch } from './service-watch.ts'

const noOptions: ServiceCallOptions = {}
const DEFAULT_WAIT_MS = 30_000
/** Asks the owner of an instance to take it back. */
const REMOVE_SUBJECT = 'trellis.service.remove'
/** Calls of one service that a gateway passes on at once. */
const MAX_PASSED_ON = 1_024

/** What a gateway offers in the name of another cluster, until it is disposed. */
export interface ForeignOffer extends Disposable {
  update(facts: ServiceFacts): void
}

/** An instance of this node. */
interface Offered {
  /** As its owner declared it; what is spread may be worse, for want of what it depends on. */
  declared: ServiceFacts
  spread: ServiceFacts
  readonly watch: HealthWatch | undefined
}

export class LocalServices implements Services, NodePart {
  readonly #context: NodeContext
  readonly #registry: Registry<ServiceFacts>
  readonly #index: ServiceIndex
  readonly #offered = new Map<number, Offered>()
  readonly #watches = new Set<ServiceWatch>()
  readonly #stopping = new AbortController()
  readonly #carrier: (channel: 'data' | 'gossip', name: string) => Carrier
  /** Generations of the members that are there, with which this node has compared its registry. */
  readonly #met = new Map<string, number>()
  #gossip: RegistryGossip | undefined
  #side: CallSide | undefined
  #removals: Disposable | undefined
  #isLooking = false

  /** `carrier`: what calls and news travel by; asked for when the node starts. */
  constructor(context: NodeContext, carrier: (channel: 'data' | 'gossip', name: string) => Carrier) {
    this.#context = context
    this.#carrier = carrier
    this.#registry = new Registry(context.self.id, context.self.generation)
    this.#index = new ServiceIndex(this.#registry)
  }

  async start(): Promise<void> {
    const context = this.#context
    this.#side = new CallSide(context, this.#carrier('data', 'calls'), (service, options) =>
      this.#index.candidates(service, options),
    )
    this.#removals = context.requests.handle(REMOVE_SUBJECT, ({ payload }) => this.#removeForOther(Number(payload)))
    this.#gossip = new RegistryGossip({
      context,
      registry: this.#registry,
      carrier: this.#carrier('gossip', 'registry'),
      onChange: (owners) => this.#changed(owners),
    })
    for (const view of context.members()) this.#index.member(view)
  }

  stage(stage: Stage): void {
    if (stage === 'member') this.#gossip?.begin()
  }

  linkUp({ peer: { id } }: Link): void {
    this.#side?.linked(id)
    this.#gossip?.meet(id)
  }

  linkDown({ peer: { id } }: Link): void {
    this.#side?.unlinked(id)
  }

  overlays(): void {
    this.#side?.rerouted()
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    if (event.type === 'forgotten') {
      this.#index.forget(event.member.id)
      this.#gone(event.member.id)
    } else {
      const { after } = event
      this.#index.member(memberView(after))
      if (after.state === 'alive') this.#meet(after)
      if (after.state === 'down' || after.state === 'left') this.#gone(after.id)
    }
    this.#changed([])
  }

  close(): void {
    this.#stopping.abort()
    this.#gossip?.[Symbol.dispose]()
    this.#side?.[Symbol.dispose]()
    this.#removals?.[Symbol.dispose]()
    for (const watch of this.#watches) watch.end()
    for (const { watch } of this.#offered.values()) watch?.[Symbol.dispose]()
  }

  register(
    name: string | ServiceContract,
    handlers: Readonly<Record<string, unknown>>,
    options: ServiceOptions = {},
  ): ServiceRegistration {
    if (this.#stopping.signal.aborted) throw nodeStopping()
    const { facts: declared, handler } = checkedOffer(name, handlers, options, this.#context.options.zone)
    const { health } = options
    const spread = this.#seen(declared)
    const created = this.#registry.create(spread)
    if (!created)
      throw new ClusterError('ERR_BUFFER_FULL', 'this node offers 1,000 services', { queue: 'services', limit: 1_000 })
    const { number, delta } = created
    const watch =
      health && new HealthWatch(health, this.#context.toolbox.clock, (found) => this.#update(number, { health: found }))
    this.#offered.set(number, { declared, spread, watch })
    this.#side?.host.add(number, declared.name, handler, options.concurrency)
    this.#gossip?.spread(delta)
    this.#changed([this.#context.self.id])
    const dispose = (): void => this.#dispose(number)
    return {
      id: instanceId(this.#context.self.id, number),
      update: (changes) => this.#update(number, changes),
      pass: () => watch?.pass(),
      dispose,
      [Symbol.dispose]: dispose,
    }
  }

  /** Offers what is in another cluster; `handler` passes calls on. Undefined: this node offers 1,000 services already. */
  offerForeign(facts: ServiceFacts, handler: FindHandler): ForeignOffer | undefined {
    if (this.#stopping.signal.aborted) return undefined
    const created = this.#registry.create(facts)
    if (!created) return undefined
    const { number, delta } = created
    this.#offered.set(number, { declared: facts, spread: facts, watch: undefined })
    this.#side?.host.add(number, facts.name, handler, MAX_PASSED_ON)
    this.#gossip?.spread(delta)
    this.#changed([this.#context.self.id])
    const update = (changed: ServiceFacts): void => {
      const offered = this.#offered.get(number)
      if (!offered) return
      offered.declared = changed
      this.#spread(number, offered)
      this.#changed([this.#context.self.id])
    }
    return { update, [Symbol.dispose]: () => this.#dispose(number) }
  }

  /** Offers where to reach something of the node itself, which no user may offer or remove. */
  offerOwn(name: string, address: string): void {
    const facts = { ...newFacts(name, this.#context.options.zone), namespace: OWN_NAMESPACE, address }
    this.offerForeign(facts, () => undefined)
  }

  /** As {@link CallSide.passOn}. */
  passOn(asked: Asked): Promise<JsonValue | AsyncIterable<JsonValue>> {
    return this.#running().passOn(asked)
  }

  client<Methods extends ServiceMethods>(
    contract: ServiceContract<Methods>,
    options: ServiceCallOptions = {},
  ): ContractClient<Methods> {
    checkAll(
      () => checkedContract(contract),
      () => checkedDefaults(options),
    )
    return calling(this, contract, options)
  }

  find(query: string | ServiceQuery = {}): readonly ServiceInstance[] {
    return this.#index
      .find(checkedQuery(query))
      .map(({ instance }) => instance)
      .sort(byMerit)
  }

  /** Of all services, of whichever members and clusters. */
  names(): Iterable<string> {
    return this.#index.names()
  }

  watch(
    query: string | ServiceQuery = {},
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncIterable<ServiceChange> {
    checkAll(
      () => checkedQuery(query),
      () => checkedOptions(options, { signal: waitChecks.signal }),
    )
    const watch = new ServiceWatch(
      () => this.find(query),
      options.signal,
      () => this.#watches.delete(watch),
    )
    if (this.#stopping.signal.aborted) watch.end()
    else this.#watches.add(watch)
    return watch
  }

  async waitFor(query: string | ServiceQuery, options: WaitOptions = {}): Promise<ServiceInstance> {
    checkAll(
      () => checkedQuery(query),
      () => checkedWait(options),
    )
    let found: ServiceInstance | undefined
    const isThere = (): boolean => {
      if (this.#stopping.signal.aborted) throw nodeStopping()
      found = this.find(query).find(({ health }) => health !== 'critical')
      return found !== undefined
    }
    const { signal, timeoutMs = DEFAULT_WAIT_MS } = beginWait('services.waitFor', options)
    await waitFor('services.waitFor', isThere, { clock: this.#context.toolbox.clock, signal, timeoutMs })
    return found!
  }

  call(
    name: string,
    method: string,
    argument: unknown = null,
    options: ServiceCallOptions = noOptions,
  ): Promise<JsonValue> {
    try {
      const asked = { name, method, argument: argument as JsonValue, isStream: false, options }
      if (options === noOptions) {
        checkCalled(name, method)
        return this.#running().calls.call(asked)
      }
      const checked = checkedCall(asked)
      beginWait('services.call', { signal: options.signal })
      return this.#running().calls.call(checked)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  stream(
    name: string,
    method: string,
    argument: unknown = null,
    options: ServiceCallOptions = {},
  ): AsyncIterable<JsonValue> {
    const asked = checkedCall({ name, method, argument: argument as JsonValue, isStream: true, options })
    return this.#running().stream(asked)
  }

  async callGraph(options?: WaitOptions): Promise<CallGraph> {
    return this.#running().graph(options)
  }

  /** The id of the member to which a message for a service goes. Throws `ERR_UNKNOWN_SERVICE`, `ERR_BAD_OPTIONS`. */
  memberOffering(to: Exclude<Recipient, string>): string {
    const { service: name, ...options } = checkedTarget(to)
    return this.#running().calls.pick(name, options).owner
  }

  async remove(id: string, options: WaitOptions = {}): Promise<void> {
    checkAll(
      () => checkText('the id of an instance', id),
      () => beginWait('services.remove', options),
    )
    if (this.#stopping.signal.aborted) throw nodeStopping()
    const found = this.#index.find({ namespace: '*' }).find(({ instance }) => instance.id === id)
    if (!found) throw new ClusterError('ERR_UNKNOWN_SERVICE', `there is no instance '${id}'`, { service: id })
    refuse(removalProblems(found.instance))
    if (found.owner === this.#context.self.id) this.#dispose(found.number)
    else await this.#context.requests.request(found.owner, REMOVE_SUBJECT, found.number, options)
  }

  /** Who asks may be of an earlier release, or take the number for what had it in an earlier life of this node. */
  #removeForOther(number: number): null {
    const { declared } = this.#offered.get(number) ?? {}
    if (declared) refuse(removalProblems({ ...declared, id: instanceId(this.#context.self.id, number) }))
    this.#dispose(number)
    return null
  }

  impact(name: string): ServiceImpact {
    checkText('the name of a service', name)
    return { service: name, dependants: dependants(name, this.find({ namespace: '*' })) }
  }

  /** Once in each life, and when it was believed to be gone: who was only suspected has missed nothing. */
  #meet({ id, incarnation: { generation } }: MemberRecord): void {
    if (id === this.#context.self.id || this.#met.get(id) === generation) return
    this.#met.set(id, generation)
    this.#gossip?.meet(id)
  }

  #gone(member: string): void {
    this.#met.delete(member)
    this.#side?.gone(member)
  }

  #running(): CallSide {
    if (!this.#side || this.#stopping.signal.aborted) throw nodeStopping()
    return this.#side
  }

  #update(number: number, changes: Parameters<ServiceRegistration['update']>[0]): void {
    const offered = this.#offered.get(number)
    if (!offered) throw new ClusterError('ERR_UNKNOWN_SERVICE', 'it is no longer offered', { service: String(number) })
    offered.declared = serviceFacts(offered.declared, checkedObject(changes))
    this.#spread(number, offered)
    this.#changed([this.#context.self.id])
  }

  #dispose(number: number): void {
    const offered = this.#offered.get(number)
    if (!offered) return
    this.#offered.delete(number)
    offered.watch?.[Symbol.dispose]()
    this.#side?.host.remove(number)
    const delta = this.#registry.remove(number)
    if (delta) this.#gossip?.spread(delta)
    this.#changed([this.#context.self.id])
  }

  /** Worse than declared while something that it needs cannot be called; what is elsewhere is judged there. */
  #seen(declared: ServiceFacts): ServiceFacts {
    if (declared.cluster !== '') return declared
    const missing = missingFor(declared, (query) => this.#index.find(query).map(({ instance }) => instance))
    return declared.health === 'passing' && missing.length > 0 ? { ...declared, health: 'degraded' } : declared
  }

  #spread(number: number, offered: Offered): void {
    offered.spread = this.#seen(offered.declared)
    const delta = this.#registry.update(number, offered.spread)
    if (delta) this.#gossip?.spread(delta)
  }

  #changed(owners: readonly string[]): void {
    this.#index.refresh(owners)
    if (this.#isLooking) return
    // Whatever else changes in this turn is looked at once.
    this.#isLooking = true
    queueMicrotask(() => {
      this.#isLooking = false
      this.#look()
    })
  }

  #look(): void {
    if (this.#stopping.signal.aborted) return
    for (const [number, offered] of this.#offered)
      if (this.#seen(offered.declared).health !== offered.spread.health) {
        this.#spread(number, offered)
        this.#index.refresh([this.#context.self.id])
      }
    for (const watch of this.#watches) watch.look()
  }
}
