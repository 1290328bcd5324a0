// `node.services` at work, as a part of its node: puts registry, index, own instances and calls together. What
// membership says of a member reaches its instances here.

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
import { dependants } from './dependencies.ts'
import { type ForeignOffer, OwnInstances } from './own-instances.ts'
import {
  checkCalled,
  checkedCall,
  checkedContract,
  checkedDefaults,
  checkedQuery,
  checkedTarget,
  refuse,
} from './query-checks.ts'
import { Registry } from './registry.ts'
import { RegistryGossip } from './registry-gossip.ts'
import type { Asked } from './service-call.ts'
import { newFacts, OWN_NAMESPACE, removalProblems, type ServiceFacts } from './service-facts.ts'
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

export class LocalServices implements Services, NodePart {
  readonly #context: NodeContext
  readonly #registry: Registry<ServiceFacts>
  readonly #index: ServiceIndex
  readonly #own: OwnInstances
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
    this.#own = new OwnInstances({
      context,
      registry: this.#registry,
      index: this.#index,
      host: () => this.#side?.host,
      spread: (delta) => this.#gossip?.spread(delta),
      onChange: () => this.#changed([context.self.id]),
    })
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
    this.#own[Symbol.dispose]()
  }

  register(
    name: string | ServiceContract,
    handlers: Readonly<Record<string, unknown>>,
    options: ServiceOptions = {},
  ): ServiceRegistration {
    if (this.#stopping.signal.aborted) throw nodeStopping()
    return this.#own.register(name, handlers, options)
  }

  /** As {@link OwnInstances.offerForeign}. */
  offerForeign(facts: ServiceFacts, handler: FindHandler): ForeignOffer | undefined {
    return this.#stopping.signal.aborted ? undefined : this.#own.offerForeign(facts, handler)
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
    if (found.owner === this.#context.self.id) this.#own.remove(found.number)
    else await this.#context.requests.request(found.owner, REMOVE_SUBJECT, found.number, options)
  }

  /** Who asks may be of an earlier release, or take the number for what had it in an earlier life of this node. */
  #removeForOther(number: number): null {
    const declared = this.#own.declared(number)
    if (declared) refuse(removalProblems({ ...declared, id: instanceId(this.#context.self.id, number) }))
    this.#own.remove(number)
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
    this.#own.judge()
    for (const watch of this.#watches) watch.look()
  }
}
