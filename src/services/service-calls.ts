// A call from the caller's side: which instance, how often, how long. One deadline covers all attempts. An attempt is repeated
// elsewhere when it has not happened, or may happen twice, and the retry budget allows.

import type { Random } from '../../topology/index.ts'
import type { JsonValue, Payload } from '../channels/payload.ts'
import type { Requests } from '../channels/requests.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { choose, type Load } from './balance.ts'
import { Breaker, RetryBudget } from './breaker.ts'
import { CALL_SUBJECT, CANCEL_SUBJECT, inheritedLimits, type ServiceCall } from './service-host.ts'
import type { ServiceCallOptions, ServiceInstance, ServiceQuery } from './service-interface.ts'

export const DEFAULT_DEADLINE_MS = 5_000
const MAX_ATTEMPTS = 4
/** Weight of the newest call in the mean latency. */
const NEWEST = 0.2
/** Instances of which the load is remembered; the one that was called longest ago goes first. */
const MAX_TRACKED = 10_000

/** Failures that say something of the instance or the way to it. What a handler throws says nothing of either. */
const faults: ReadonlySet<string> = new Set(['ERR_MEMBER_DOWN', 'ERR_NO_ROUTE', 'ERR_TIMEOUT', 'ERR_BUFFER_FULL'])
/** After these another instance may do better. */
const elsewhere: ReadonlySet<string> = new Set([
  ...faults,
  'ERR_UNKNOWN_SERVICE',
  'ERR_UNKNOWN_MEMBER',
  'ERR_SHUTTING_DOWN',
])

export interface Target {
  readonly instance: ServiceInstance
  /** Id of the member that owns it. */
  readonly owner: string
  readonly number: number
}

export interface ServiceCallsOptions {
  readonly clock: Time
  /** Name and zone of this node. */
  readonly self: { readonly name: string; readonly zone: string }
  readonly requests: Requests
  readonly random: Random
  readonly targets: (query: ServiceQuery) => readonly Target[]
}

interface Tracked {
  running: number
  latencyMs: number | undefined
  readonly breaker: Breaker
}

export class ServiceCalls {
  readonly #options: ServiceCallsOptions
  readonly #tracked = new Map<string, Tracked>()
  readonly #budget = new RetryBudget()
  readonly #turns = new Map<string, number>()
  #nextCall = 1

  constructor(options: ServiceCallsOptions) {
    this.#options = options
  }

  async call(name: string, method: string, argument: JsonValue, options: ServiceCallOptions): Promise<JsonValue> {
    const limits = inheritedLimits()
    const begun = this.#options.clock.now()
    const own = begun + (options.deadlineMs ?? DEFAULT_DEADLINE_MS)
    const deadline = Math.min(own, limits?.deadline ?? own)
    const signal =
      options.signal && limits ? AbortSignal.any([options.signal, limits.signal]) : (options.signal ?? limits?.signal)
    const tried = new Set<string>()
    this.#budget.called()
    let failure: unknown = unknownService(name)
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const target = this.#choose(name, options, tried)
      if (!target) throw failure
      tried.add(target.instance.id)
      try {
        return await this.#attempt(target, method, argument, deadline, signal)
      } catch (error) {
        failure = error
        // An attempt has what is left of the deadline, and a timer may fire a little early.
        if (this.#options.clock.now() >= deadline || isClusterError(error, 'ERR_TIMEOUT'))
          throw deadlineExceeded(`${name}.${method}`, Math.round(deadline - begun), error)
        const isFutile = !(error instanceof ClusterError) || !elsewhere.has(error.code)
        if (isFutile || (error.mayHaveHappened && options.idempotent !== true) || !this.#budget.take()) throw error
      }
    }
    throw failure
  }

  /** The instance that a call would go to now. Throws `ERR_UNKNOWN_SERVICE`. */
  pick(name: string, options: ServiceCallOptions): Target {
    const target = this.#choose(name, options, new Set())
    if (!target) throw unknownService(name)
    return target
  }

  #choose(name: string, options: ServiceCallOptions, tried: ReadonlySet<string>): Target | undefined {
    const { self, random, targets } = this.#options
    const { namespace = '', version, capabilities, key } = options
    const query = { name, namespace, ...(version ? { version } : {}), ...(capabilities ? { capabilities } : {}) }
    const now = this.#options.clock.now()
    const all = targets(query).filter(({ instance }) => !tried.has(instance.id))
    const admitted = all.filter(({ instance }) => this.#tracked.get(instance.id)?.breaker.admits(now) ?? true)
    // Where every breaker is open, a call that may fail is better than one that cannot be made.
    const candidates = admitted.length > 0 ? admitted : tried.size === 0 ? all : []
    const turn = this.#turns.get(name) ?? 0
    this.#turns.set(name, turn + 1)
    const load = (id: string): Load => this.#tracked.get(id) ?? { running: 0, latencyMs: undefined }
    const facts = { self: self.name, zone: self.zone, key, load, random, turn }
    const strategy = options.strategy ?? (key === undefined ? 'local-first' : 'consistent-hash')
    const instances = candidates.map(({ instance }) => instance)
    const chosen = choose(strategy, instances, facts)
    return candidates.find(({ instance }) => instance === chosen)
  }

  async #attempt(
    { instance, owner, number }: Target,
    method: string,
    argument: JsonValue,
    deadline: number,
    signal: AbortSignal | undefined,
  ): Promise<JsonValue> {
    const tracked = this.#track(instance.id)
    const begun = this.#options.clock.now()
    const deadlineMs = Math.max(1, Math.ceil(deadline - begun))
    const call: ServiceCall = { number, method, argument, deadlineMs, call: this.#nextCall++ }
    tracked.running += 1
    tracked.breaker.begin()
    try {
      const payload = call as unknown as Payload
      const options = { timeoutMs: deadlineMs, ...(signal ? { signal } : {}) }
      const answer = await this.#options.requests.request(owner, CALL_SUBJECT, payload, options)
      this.#ended(tracked, begun)
      return answer as JsonValue
    } catch (error) {
      this.#failed(tracked, begun, error)
      if (isClusterError(error, 'ERR_ABORTED') && signal?.aborted) this.#cancel(owner, call.call)
      throw error
    } finally {
      tracked.running -= 1
    }
  }

  #ended(tracked: Tracked, begun: number): void {
    const took = this.#options.clock.now() - begun
    tracked.breaker.succeeded()
    tracked.latencyMs = tracked.latencyMs === undefined ? took : tracked.latencyMs * (1 - NEWEST) + took * NEWEST
  }

  #failed(tracked: Tracked, begun: number, error: unknown): void {
    if (error instanceof ClusterError && faults.has(error.code)) tracked.breaker.failed(this.#options.clock.now())
    else if (isClusterError(error, 'ERR_ABORTED')) tracked.breaker.released()
    else this.#ended(tracked, begun)
  }

  /** The other end learns it as soon as it can; if it never does, its own deadline ends the call. */
  #cancel(owner: string, call: number): void {
    this.#options.requests.request(owner, CANCEL_SUBJECT, call, { timeoutMs: 1_000 }).catch(() => {})
  }

  #track(id: string): Tracked {
    const tracked = this.#tracked.get(id) ?? { running: 0, latencyMs: undefined, breaker: new Breaker() }
    this.#tracked.delete(id)
    this.#tracked.set(id, tracked)
    const [oldest] = this.#tracked.keys()
    if (this.#tracked.size > MAX_TRACKED && oldest !== undefined) this.#tracked.delete(oldest)
    return tracked
  }
}

function unknownService(service: string): ClusterError {
  return new ClusterError('ERR_UNKNOWN_SERVICE', `no instance of '${service}' can be called`, { service })
}

function deadlineExceeded(operation: string, deadlineMs: number, cause: unknown): ClusterError {
  const mayHaveHappened = !(cause instanceof ClusterError) || cause.mayHaveHappened
  const message = `'${operation}' was not answered within its ${deadlineMs} ms`
  return new ClusterError('ERR_DEADLINE_EXCEEDED', message, { operation, deadlineMs }, { cause, mayHaveHappened })
}
