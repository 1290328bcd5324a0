// A call from the caller's side: which instance, how often, how long. One deadline covers all attempts. An attempt is repeated
// elsewhere when it has not happened, or may happen twice, and the retry budget allows. A hedged call asks a second instance when the
// first is slow, out of the same budget (Dean and Barroso, "The Tail at Scale", 2013).

import { SpanKind } from '@opentelemetry/api'
import type { Random } from '../../topology/index.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { isTracing, passedOn, traced } from '../observability/tracing.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import { choose } from './balance.ts'
import { RetryBudget } from './breaker.ts'
import { CallAttempt, type CallOutcome } from './call-attempt.ts'
import type { CallEdges } from './call-edges.ts'
import { type CallExchange, encodeValue } from './call-exchange.ts'
import { CallLimits, callAborted } from './call-limits.ts'
import { InstanceLoads } from './instance-loads.ts'
import type { ServiceCallOptions, ServiceInstance, ServiceQuery } from './service-interface.ts'

const DEFAULT_DEADLINE_MS = 5_000
const MAX_ATTEMPTS = 4
/** Services whose turn is remembered; the one whose first call is longest ago goes first. */
const MAX_TURNS = 10_000

/** After these another instance may do better. */
const elsewhere: ReadonlySet<string> = new Set([
  'ERR_MEMBER_DOWN',
  'ERR_NO_ROUTE',
  'ERR_BUFFER_FULL',
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

/** What is asked, of whichever instance. */
export interface Asked {
  readonly name: string
  readonly method: string
  readonly argument: JsonValue
  readonly isStream: boolean
  readonly options: ServiceCallOptions
  /** Only instances that it accepts. Default: all. */
  readonly accepts?: (instance: ServiceInstance) => boolean
}

export interface ServiceCallsOptions {
  readonly clock: Time
  /** Name and zone of this node. */
  readonly self: { readonly name: string; readonly zone: string }
  readonly exchange: CallExchange
  readonly edges: CallEdges
  readonly random: Random
  readonly targets: (query: ServiceQuery) => readonly Target[]
  /** No way leads there now, though it is not known to be down. */
  readonly isCut: (member: string) => boolean
}

type Chosen = Pick<Asked, 'name' | 'options' | 'accepts'>

/** What became of a call, and the attempt that settled it; undefined: none did. */
export interface Settled {
  readonly outcome: CallOutcome
  readonly by: CallAttempt | undefined
}

/** One call under way, all of its attempts. */
interface Calling {
  readonly asked: Asked
  /** The argument as JSON. */
  readonly text: string
  readonly limits: CallLimits
  readonly tried: Set<string>
  readonly trace: string | undefined
}

export class ServiceCalls {
  readonly #options: ServiceCallsOptions
  readonly #loads = new InstanceLoads()
  readonly #budget = new RetryBudget()
  readonly #turns = new Map<string, number>()

  constructor(options: ServiceCallsOptions) {
    this.#options = options
  }

  async call(asked: Asked): Promise<JsonValue> {
    const { value } = await this.begin(asked, this.limits(asked.options, DEFAULT_DEADLINE_MS))
    return value
  }

  limits({ deadlineMs, signal, timeoutMs }: ServiceCallOptions, defaultMs: number): CallLimits {
    return new CallLimits(this.#options.clock, deadlineMs ?? defaultMs, signal, timeoutMs)
  }

  /** The first answer, and the attempt that brought it. */
  async begin(asked: Asked, limits: CallLimits): Promise<{ readonly value: JsonValue; readonly attempt: CallAttempt }> {
    const { outcome, by } = await this.outcome(asked, limits)
    if (outcome.type !== 'answered') throw outcome.error
    return { value: outcome.value, attempt: by as CallAttempt }
  }

  /** What became of it in the end. Rejects only when its caller gave up. */
  async outcome(asked: Asked, limits: CallLimits): Promise<Settled> {
    const { name, method } = asked
    const text = encodeValue(asked.argument)
    let hasFailed = true
    try {
      const attempts = (trace: string | undefined) => this.#attempts({ asked, text, limits, tried: new Set(), trace })
      const attributes = { 'trellis.service': name, 'trellis.method': method }
      const settled = await (isTracing()
        ? traced('trellis.call', { kind: SpanKind.CLIENT, attributes }, attempts)
        : attempts(passedOn()))
      hasFailed = settled.outcome.type !== 'answered'
      return settled
    } finally {
      const now = this.#options.clock.now()
      this.#options.edges.note(limits.parent?.service ?? '', name, hasFailed, now - limits.begun, now)
    }
  }

  /** The instance that a call would go to now. Throws `ERR_UNKNOWN_SERVICE`. */
  pick(name: string, options: ServiceCallOptions): Target {
    const target = this.#choose({ name, options }, new Set())
    if (!target) throw unknownService(name)
    return target
  }

  async #attempts(calling: Calling): Promise<Settled> {
    const { asked, limits, tried } = calling
    const operation = `${asked.name}.${asked.method}`
    let failed: Settled | undefined
    this.#budget.called()
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const target = this.#choose(asked, tried)
      if (!target) break
      tried.add(target.instance.id)
      const settled = await this.#attempt(target, calling, operation)
      const { outcome } = settled
      if (outcome.type === 'answered' || outcome.type === 'failed') return settled
      const { error } = outcome
      failed = settled
      if (error.code === 'ERR_TIMEOUT' || error.code === 'ERR_DEADLINE_EXCEEDED' || limits.isOver)
        return { outcome: { type: 'lost', error: limits.exceeded(operation, error) }, by: undefined }
      const isFutile = !elsewhere.has(error.code) || (error.mayHaveHappened && asked.options.idempotent !== true)
      if (isFutile || limits.isAborted || !this.#budget.take()) break
    }
    return failed ?? { outcome: { type: 'refused', error: unknownService(asked.name) }, by: undefined }
  }

  /** Settles with the first answer, or when nothing is under way any more. */
  #attempt(target: Target, calling: Calling, operation: string) {
    const { asked, limits } = calling
    const { hedgeMs } = asked.options
    return new Promise<Settled>((resolve, reject) => {
      if (limits.isAborted) {
        reject(callAborted(operation, false))
        return
      }
      const under: CallAttempt[] = []
      let timer: Timer | undefined
      const end = (): void => {
        timer?.[Symbol.dispose]()
        release()
        for (const other of under) other.abandon()
      }
      const release = limits.onAborted(() => {
        end()
        reject(callAborted(operation, true))
      })
      const begin = (at: Target): void => {
        const attempt = this.#begin(at, calling, (outcome) => {
          under.splice(under.indexOf(attempt), 1)
          if (outcome.type !== 'answered' && under.length > 0) return
          end()
          resolve({ outcome, by: attempt })
        })
        under.push(attempt)
      }
      begin(target)
      if (hedgeMs !== undefined) timer = this.#options.clock.setTimeout(() => this.#hedge(calling, begin), hedgeMs)
    })
  }

  #hedge({ asked, tried }: Calling, begin: (target: Target) => void): void {
    const second = this.#choose(asked, tried)
    if (!second || !this.#budget.take()) return
    tried.add(second.instance.id)
    begin(second)
  }

  #begin({ instance, owner, number }: Target, calling: Calling, settle: (outcome: CallOutcome) => void): CallAttempt {
    const { asked, text: argument, limits, trace } = calling
    const { method, isStream, options } = asked
    const failsFast = options.idempotent === true
    const { deadline } = limits
    const call = { to: owner, number, method, argument, deadline, isStream, trace, failsFast }
    const { clock, exchange } = this.#options
    return new CallAttempt(clock, exchange, call, this.#loads.track(instance.id), (outcome) => {
      if (outcome.type !== 'answered') this.#judge(asked, instance.id)
      settle(outcome)
    })
  }

  #judge({ name, options }: Asked, id: string): void {
    const ids = this.#options.targets(queryOf(name, options)).map(({ instance }) => instance.id)
    this.#loads.judge(id, ids, this.#options.clock.now())
  }

  #choose({ name, options, accepts }: Chosen, tried: ReadonlySet<string>): Target | undefined {
    const { self, random, targets, isCut } = this.#options
    const now = this.#options.clock.now()
    const all = targets(queryOf(name, options)).filter(
      ({ instance }) => !tried.has(instance.id) && (accepts?.(instance) ?? true),
    )
    const admitted = all.filter(({ instance, owner }) => this.#loads.admits(instance.id, now) && !isCut(owner))
    // Where every one is kept from calls, one that may fail is better than one that cannot be made.
    const candidates = admitted.length > 0 ? admitted : tried.size === 0 ? all : []
    const { key } = options
    const facts = { self: self.name, zone: self.zone, key, load: this.#loads.load, random, turn: this.#turn(name) }
    const strategy = options.strategy ?? (key === undefined ? 'local-first' : 'consistent-hash')
    const instances = candidates.map(({ instance }) => instance)
    const chosen = choose(strategy, instances, facts)
    return candidates.find(({ instance }) => instance === chosen)
  }

  #turn(name: string): number {
    const turn = this.#turns.get(name) ?? 0
    this.#turns.set(name, turn + 1)
    const [oldest] = this.#turns.keys()
    if (this.#turns.size > MAX_TURNS && oldest !== undefined) this.#turns.delete(oldest)
    return turn
  }
}

function queryOf(
  name: string,
  { namespace = '', version, capabilities, zone, health, cluster }: ServiceCallOptions,
): ServiceQuery {
  return {
    name,
    namespace,
    ...(version ? { version } : {}),
    ...(capabilities ? { capabilities } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(health === undefined ? {} : { health }),
    ...(cluster === undefined ? {} : { cluster }),
  }
}

function unknownService(service: string): ClusterError {
  return new ClusterError('ERR_UNKNOWN_SERVICE', `no instance of '${service}' can be called`, { service })
}
