// Calls from the caller's side: which instance, how often, how long. One deadline covers all attempts. An attempt is
// repeated elsewhere when it has not happened, or may happen twice, and the retry budget of this node and the allowance
// of the call have room. A hedged call asks a second instance when the first is slow, out of the same (Dean and
// Barroso, "The Tail at Scale", 2013).

import { SpanKind } from '@opentelemetry/api'
import type { Random } from '../../topology/index.ts'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { isTracing, passedOn, traced } from '../observability/tracing.ts'
import type { Time } from '../runtime/clock.ts'
import { chooseOf } from './balance.ts'
import { RetryBudget } from './breaker.ts'
import { CallAttempt, type CallOutcome } from './call-attempt.ts'
import type { CallEdges } from './call-edges.ts'
import { type CallExchange, encodeValue } from './call-exchange.ts'
import { CallLimits } from './call-limits.ts'
import type { Candidates, Target } from './candidates.ts'
import { InstanceLoads } from './instance-loads.ts'
import {
  type Asked,
  type CallingNode,
  type OnGivenUp,
  type OnSettled,
  ServiceCall,
  unknownService,
} from './service-call.ts'
import { instanceId } from './service-index.ts'
import type { ServiceCallOptions, ServiceInstance } from './service-interface.ts'

const DEFAULT_DEADLINE_MS = 5_000
/** Services, as they are asked for, whose turn is remembered; the one whose first call is longest ago goes first. */
const MAX_TURNS = 10_000

export interface ServiceCallsOptions {
  readonly clock: Time
  /** Name and zone of this node. */
  readonly self: { readonly name: string; readonly zone: string }
  readonly exchange: CallExchange
  readonly edges: CallEdges
  readonly random: Random
  /** The instances of a service that match. */
  readonly candidates: (name: string, options: ServiceCallOptions) => Candidates
  /** No way leads there now, though it is not known to be down. */
  readonly isCut: (member: string) => boolean
}

type Chosen = Pick<Asked, 'name' | 'options' | 'accepts'>

/** What became of a call, and the attempt that settled it; undefined: none did. */
export interface Settled {
  readonly outcome: CallOutcome
  readonly by: CallAttempt | undefined
}

export class ServiceCalls implements CallingNode {
  readonly clock: Time
  readonly #options: ServiceCallsOptions
  readonly #loads = new InstanceLoads()
  readonly #budget = new RetryBudget()
  readonly #turns = new Map<string, number>()

  constructor(options: ServiceCallsOptions) {
    this.clock = options.clock
    this.#options = options
  }

  call(asked: Asked): Promise<JsonValue> {
    const limits = this.limits(asked.options, DEFAULT_DEADLINE_MS)
    const work = (trace: string | undefined): Promise<JsonValue> =>
      new Promise((resolve, reject) => {
        const settled: OnSettled = (outcome) =>
          outcome.type === 'answered' ? resolve(outcome.value) : reject(outcome.error)
        this.#start(asked, limits, trace, settled, reject)
      })
    return inSpan(asked, work)
  }

  /** The first answer, and the attempt that brought it. */
  begin(asked: Asked, limits: CallLimits): Promise<{ readonly value: JsonValue; readonly attempt: CallAttempt }> {
    const work = (trace: string | undefined): Promise<{ value: JsonValue; attempt: CallAttempt }> =>
      new Promise((resolve, reject) => {
        const settled: OnSettled = (outcome, attempt) =>
          outcome.type === 'answered'
            ? resolve({ value: outcome.value, attempt: attempt as CallAttempt })
            : reject(outcome.error)
        this.#start(asked, limits, trace, settled, reject)
      })
    return inSpan(asked, work)
  }

  /** What became of it in the end. Rejects only when its caller gave up. */
  outcome(asked: Asked, limits: CallLimits): Promise<Settled> {
    const work = (trace: string | undefined): Promise<Settled> =>
      new Promise((resolve, reject) =>
        this.#start(asked, limits, trace, (outcome, by) => resolve({ outcome, by }), reject),
      )
    return inSpan(asked, work)
  }

  limits({ deadlineMs, signal, timeoutMs }: ServiceCallOptions, defaultMs: number): CallLimits {
    return new CallLimits(this.clock, deadlineMs ?? defaultMs, signal, timeoutMs)
  }

  /**
   * The instance of this cluster that a call would go to now: messages reach members, and no other cluster. Throws
   * `ERR_UNKNOWN_SERVICE`.
   */
  pick(name: string, options: ServiceCallOptions): Target {
    const accepts = ({ cluster }: ServiceInstance): boolean => cluster === ''
    const target = this.choose({ name, options, accepts }, [], this.clock.now())
    if (!target) throw unknownService(name)
    return target
  }

  // --- What a call under way asks for ---

  choose({ name, options, accepts }: Chosen, tried: readonly Target[], now: number): Target | undefined {
    const { candidates, isCut } = this.#options
    const known = candidates(name, options)
    const isAsked = ({ instance }: Target): boolean =>
      !tried.some((other) => other.instance.id === instance.id) && (accepts?.(instance) ?? true)
    const all = tried.length === 0 && !accepts ? known : known.only(isAsked)
    const admitted = all.only(({ instance, owner }) => this.#loads.admits(instance.id, now) && !isCut(owner))
    if (admitted.targets.length > 0) return this.#chooseAmong(admitted, name, options)
    // Where every one is kept from calls, one that may fail is better than one that cannot be made.
    return tried.length === 0 ? this.#chooseAmong(all, name, options) : undefined
  }

  attempt({ instance, owner: to, number }: Target, call: ServiceCall, now: number): CallAttempt {
    const { asked, text: argument, limits, trace, allowance } = call
    const { method, isStream, options } = asked
    const { deadline } = limits
    const load = this.#loads.track(instance.id)
    return new CallAttempt(
      { to, number, method, argument, deadline, isStream, trace, failsFast: options.idempotent === true },
      { clock: this.clock, exchange: this.#options.exchange, load, allowance, owner: call, now },
    )
  }

  /** The instance is compared with the others of its service. */
  failed({ name, options }: Asked, { to, number }: CallAttempt, now: number): void {
    const ids = this.#options.candidates(name, options).targets.map(({ instance }) => instance.id)
    this.#loads.judge(instanceId(to, number), ids, now)
  }

  takeRetry(): boolean {
    return this.#budget.take()
  }

  #start(
    asked: Asked,
    limits: CallLimits,
    trace: string | undefined,
    onSettled: OnSettled,
    onGivenUp: OnGivenUp,
  ): void {
    const text = argumentText(asked.argument)
    this.#budget.called()
    const settled: OnSettled = (outcome, by, now) => {
      this.#note(asked, limits, outcome.type !== 'answered', now)
      onSettled(outcome, by, now)
    }
    const gaveUp: OnGivenUp = (error) => {
      this.#note(asked, limits, true, this.clock.now())
      onGivenUp(error)
    }
    new ServiceCall(this, asked, text, limits, trace, settled, gaveUp).begin()
  }

  #note({ name }: Asked, { parent, begun }: CallLimits, hasFailed: boolean, now: number): void {
    this.#options.edges.note(parent?.service ?? '', name, hasFailed, now - begun, now)
  }

  #chooseAmong(among: Candidates, name: string, options: ServiceCallOptions): Target | undefined {
    const { best } = among
    if (best.length <= 1) return among.targetOf(best[0])
    const { self, random } = this.#options
    const { key } = options
    const strategy = options.strategy ?? (key === undefined ? 'local-first' : 'consistent-hash')
    const turn = strategy === 'round-robin' ? this.#turn(name, options) : 0
    const facts = { self: self.name, zone: self.zone, key, load: this.#loads.load, random, turn }
    return among.targetOf(chooseOf(strategy, best, facts))
  }

  /** Those that ask for others of a service have a turn of their own. */
  #turn(name: string, { namespace, version, capabilities, zone, health, cluster }: ServiceCallOptions): number {
    const key = JSON.stringify([name, namespace, version, capabilities, zone, health, cluster])
    const turn = this.#turns.get(key) ?? 0
    this.#turns.set(key, turn + 1)
    if (this.#turns.size > MAX_TURNS) this.#turns.delete(this.#turns.keys().next().value ?? key)
    return turn
  }
}

/** `work` is given what to send along. */
function inSpan<Result>(
  { name, method }: Asked,
  work: (trace: string | undefined) => Promise<Result>,
): Promise<Result> {
  if (!isTracing()) return work(passedOn())
  const attributes = { 'trellis.service': name, 'trellis.method': method }
  return traced('trellis.call', { kind: SpanKind.CLIENT, attributes }, work)
}

/** Throws `ERR_PAYLOAD_TOO_LARGE`, and `ERR_BAD_OPTIONS` for what JSON cannot say. */
function argumentText(argument: unknown): string {
  try {
    return encodeValue(argument)
  } catch (cause) {
    if (cause instanceof ClusterError) throw cause
    const problem = `services: the argument is no JSON value: ${(cause as Error).message}`
    throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] }, { cause })
  }
}
