// The instances that this node offers: what the owner declared of each, and what is spread of it, which is worse while
// something that it depends on cannot be called.

import { ClusterError } from '../errors.ts'
import type { NodeContext } from '../node-part.ts'
import type { ServiceContract } from './contract.ts'
import { missingFor } from './dependencies.ts'
import { HealthWatch } from './health.ts'
import { checkedOffer } from './offer-checks.ts'
import { checkedObject } from './query-checks.ts'
import type { Registry } from './registry.ts'
import type { ServiceDelta } from './registry-messages.ts'
import { type ServiceFacts, serviceFacts } from './service-facts.ts'
import type { FindHandler, ServiceHost } from './service-host.ts'
import { instanceId, type ServiceIndex } from './service-index.ts'
import type { ServiceOptions, ServiceRegistration } from './service-interface.ts'

/** Calls of one service that a gateway passes on at once. */
const MAX_PASSED_ON = 1_024

/** What a gateway offers in the name of another cluster, until it is disposed. */
export interface ForeignOffer extends Disposable {
  update(facts: ServiceFacts): void
}

export interface OwnInstancesOptions {
  readonly context: NodeContext
  readonly registry: Registry<ServiceFacts>
  readonly index: ServiceIndex
  /** Runs their handlers; undefined before the node starts. */
  readonly host: () => ServiceHost | undefined
  /** Tells all other members. */
  readonly spread: (delta: ServiceDelta) => void
  /** What this node offers is not what it was. */
  readonly onChange: () => void
}

interface Offered {
  /** As its owner declared it. */
  declared: ServiceFacts
  spread: ServiceFacts
  readonly watch: HealthWatch | undefined
}

export class OwnInstances implements Disposable {
  readonly #options: OwnInstancesOptions
  /** By their numbers in the registry. */
  readonly #offered = new Map<number, Offered>()

  constructor(options: OwnInstancesOptions) {
    this.#options = options
  }

  /** As `Services.register`. */
  register(
    name: string | ServiceContract,
    handlers: Readonly<Record<string, unknown>>,
    options: ServiceOptions,
  ): ServiceRegistration {
    const { self, toolbox, options: ofNode } = this.#options.context
    const { facts, handler } = checkedOffer(name, handlers, options, ofNode.zone)
    const { health, concurrency } = options
    const watchOf = (number: number): HealthWatch | undefined =>
      health && new HealthWatch(health, toolbox.clock, (found) => this.#change(number, { health: found }))
    const number = this.#offer(facts, handler, concurrency, watchOf)
    if (number === undefined)
      throw new ClusterError('ERR_BUFFER_FULL', 'this node offers 1,000 services', { queue: 'services', limit: 1_000 })
    const dispose = (): void => this.remove(number)
    return {
      id: instanceId(self.id, number),
      update: (changes) => this.#change(number, changes),
      pass: () => this.#offered.get(number)?.watch?.pass(),
      dispose,
      [Symbol.dispose]: dispose,
    }
  }

  /**
   * Offers what is in another cluster; `handler` passes calls on. Undefined: this node offers 1,000 services already.
   */
  offerForeign(facts: ServiceFacts, handler: FindHandler): ForeignOffer | undefined {
    const number = this.#offer(facts, handler, MAX_PASSED_ON)
    if (number === undefined) return undefined
    const update = (changed: ServiceFacts): void => {
      const offered = this.#offered.get(number)
      if (offered) this.#declare(number, offered, changed)
    }
    return { update, [Symbol.dispose]: () => this.remove(number) }
  }

  /** As the owner of instance `number` declared it; undefined: there is none. */
  declared(number: number): ServiceFacts | undefined {
    return this.#offered.get(number)?.declared
  }

  /** Idempotent. */
  remove(number: number): void {
    const offered = this.#offered.get(number)
    if (!offered) return
    const { host, registry, spread, onChange } = this.#options
    this.#offered.delete(number)
    offered.watch?.[Symbol.dispose]()
    host()?.remove(number)
    const delta = registry.remove(number)
    if (delta) spread(delta)
    onChange()
  }

  /** Others have changed: spreads anew what is better or worse for it. */
  judge(): void {
    const { context, index } = this.#options
    for (const [number, offered] of this.#offered) {
      if (this.#seen(offered.declared).health === offered.spread.health) continue
      this.#spread(number, offered)
      index.refresh([context.self.id])
    }
  }

  /** Ends what watches their health. */
  [Symbol.dispose](): void {
    for (const { watch } of this.#offered.values()) watch?.[Symbol.dispose]()
  }

  #offer(
    declared: ServiceFacts,
    handler: FindHandler,
    concurrency: number | undefined,
    watchOf: (number: number) => HealthWatch | undefined = () => undefined,
  ): number | undefined {
    const { host, registry, spread, onChange } = this.#options
    const facts = this.#seen(declared)
    const created = registry.create(facts)
    if (!created) return undefined
    const { number, delta } = created
    this.#offered.set(number, { declared, spread: facts, watch: watchOf(number) })
    host()?.add(number, declared.name, handler, concurrency)
    spread(delta)
    onChange()
    return number
  }

  #change(number: number, changes: Parameters<ServiceRegistration['update']>[0]): void {
    const offered = this.#offered.get(number)
    if (!offered) throw new ClusterError('ERR_UNKNOWN_SERVICE', 'it is no longer offered', { service: String(number) })
    this.#declare(number, offered, serviceFacts(offered.declared, checkedObject(changes)))
  }

  #declare(number: number, offered: Offered, facts: ServiceFacts): void {
    offered.declared = facts
    this.#spread(number, offered)
    this.#options.onChange()
  }

  /** Worse than declared while something that it needs cannot be called; what is elsewhere is judged there. */
  #seen(declared: ServiceFacts): ServiceFacts {
    if (declared.cluster !== '') return declared
    const { index } = this.#options
    const missing = missingFor(declared, (query) => index.find(query).map(({ instance }) => instance))
    return declared.health === 'passing' && missing.length > 0 ? { ...declared, health: 'degraded' } : declared
  }

  #spread(number: number, offered: Offered): void {
    const { registry, spread } = this.#options
    offered.spread = this.#seen(offered.declared)
    const delta = registry.update(number, offered.spread)
    if (delta) spread(delta)
  }
}
