// One call under way, all of its attempts: no promise but its caller's, since most are over with their first answer.
//
//   begin ─▶ attempt ──── answered, or its handler threw ──────────────▶ settled
//               │  ▲ └─── refused or lost: elsewhere, while deadline, budget and allowance last; else settled
//               │  └──────────┘
//               ├── hedgeMs ─▶ a second one beside it: the first answer counts, the other is abandoned
//               └── its caller gives up ─▶ abandoned

import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { MAX_DELAY_MS, type Time, type Timer } from '../runtime/clock.ts'
import { callAborted } from '../wait.ts'
import type { AttemptOwner, CallAttempt, CallOutcome } from './call-attempt.ts'
import type { CallLimits } from './call-limits.ts'
import type { Target } from './candidates.ts'
import { CALL_RETRIES, RetryAllowance } from './retry-allowance.ts'
import type { ServiceCallOptions, ServiceInstance } from './service-interface.ts'

const MAX_ATTEMPTS = 4
const none: readonly Target[] = []

/** After these another instance may do better. */
const elsewhere: ReadonlySet<string> = new Set([
  'ERR_MEMBER_DOWN',
  'ERR_NO_ROUTE',
  'ERR_BUFFER_FULL',
  'ERR_UNKNOWN_SERVICE',
  'ERR_UNKNOWN_MEMBER',
  'ERR_SHUTTING_DOWN',
])

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

/** What a call needs of the node that makes it. */
export interface CallingNode {
  readonly clock: Time
  /** One of which `tried` has none. All times are on the node's clock. */
  choose(asked: Asked, tried: readonly Target[], now: number): Target | undefined
  /** Asks `target`, and tells the call what becomes of it. */
  attempt(target: Target, call: ServiceCall, now: number): CallAttempt
  /** An attempt has failed. */
  failed(asked: Asked, attempt: CallAttempt, now: number): void
  /** The retry budget of this node has room for one more. */
  takeRetry(): boolean
}

/** What became of a call, once. `by`: the attempt that settled it; undefined: none did. */
export type OnSettled = (outcome: CallOutcome, by: CallAttempt | undefined, now: number) => void
/** Its caller wants no answer any more. */
export type OnGivenUp = (error: ClusterError) => void

export class ServiceCall implements AttemptOwner {
  readonly asked: Asked
  /** The argument as JSON. */
  readonly text: string
  readonly limits: CallLimits
  readonly trace: string | undefined
  readonly allowance: RetryAllowance
  readonly #node: CallingNode
  readonly #settled: OnSettled
  readonly #gaveUp: OnGivenUp
  #tried: readonly Target[] = none
  #attempt: CallAttempt | undefined
  /** A second one beside it. */
  #hedged: CallAttempt | undefined
  #timer: Timer | undefined
  #release: (() => void) | undefined

  constructor(
    node: CallingNode,
    asked: Asked,
    text: string,
    limits: CallLimits,
    trace: string | undefined,
    settled: OnSettled,
    gaveUp: OnGivenUp,
  ) {
    this.#node = node
    this.asked = asked
    this.text = text
    this.limits = limits
    this.trace = trace
    this.allowance = limits.parent?.retries ?? new RetryAllowance(CALL_RETRIES)
    this.#settled = settled
    this.#gaveUp = gaveUp
  }

  get operation(): string {
    return `${this.asked.name}.${this.asked.method}`
  }

  begin(): void {
    const now = this.limits.begun
    const target = this.#node.choose(this.asked, none, now)
    if (!target) return void this.#settled({ type: 'refused', error: unknownService(this.asked.name) }, undefined, now)
    if (this.limits.isAborted) return void this.#gaveUp(callAborted(this.operation))
    this.#release = this.limits.onAborted(() => {
      this.#end()
      this.#gaveUp(callAborted(this.operation, true))
    })
    this.#try(target, now)
  }

  /** An attempt has ended. */
  ended(attempt: CallAttempt, outcome: CallOutcome, now: number): void {
    if (attempt === this.#hedged) this.#hedged = undefined
    else if (attempt === this.#attempt) this.#attempt = undefined
    if (outcome.type === 'answered') return void this.#settle(outcome, attempt, now)
    this.#node.failed(this.asked, attempt, now)
    if (this.#attempt || this.#hedged) return
    if (outcome.type === 'failed') return void this.#settle(outcome, attempt, now)
    this.#timer?.[Symbol.dispose]()
    const { error } = outcome
    if (error.code === 'ERR_TIMEOUT' || error.code === 'ERR_DEADLINE_EXCEEDED' || now >= this.limits.deadline) {
      const exceeded = this.limits.exceeded(this.operation, error)
      return void this.#settle({ type: 'lost', error: exceeded }, undefined, now)
    }
    const target = this.#mayRetry(error) ? this.#node.choose(this.asked, this.#tried, now) : undefined
    if (target) this.#try(target, now)
    else this.#settle(outcome, attempt, now)
  }

  #try(target: Target, now: number): void {
    this.#tried = this.#tried === none ? [target] : [...this.#tried, target]
    const attempt = this.#node.attempt(target, this, now)
    // One that could not even be made has been told by now, and another may have taken its place.
    if (attempt.isSettled) return
    this.#attempt = attempt
    const { hedgeMs } = this.asked.options
    // Beyond what a timer can wait for is never.
    if (hedgeMs !== undefined && hedgeMs <= MAX_DELAY_MS)
      this.#timer = this.#node.clock.setTimeout(() => this.#hedge(), hedgeMs)
  }

  #hedge(): void {
    const now = this.#node.clock.now()
    const second = this.#node.choose(this.asked, this.#tried, now)
    if (!second || !this.#takeRetry()) return
    this.#tried = [...this.#tried, second]
    const attempt = this.#node.attempt(second, this, now)
    if (!attempt.isSettled) this.#hedged = attempt
  }

  #mayRetry({ code, mayHaveHappened }: ClusterError): boolean {
    const isFutile = !elsewhere.has(code) || (mayHaveHappened && this.asked.options.idempotent !== true)
    return !isFutile && this.#tried.length < MAX_ATTEMPTS && !this.limits.isAborted && this.#takeRetry()
  }

  #takeRetry(): boolean {
    return this.allowance.left > 0 && this.#node.takeRetry() && this.allowance.take()
  }

  #settle(outcome: CallOutcome, by: CallAttempt | undefined, now: number): void {
    this.#end()
    this.#settled(outcome, by, now)
  }

  #end(): void {
    this.#timer?.[Symbol.dispose]()
    this.#release?.()
    this.#attempt?.abandon()
    this.#hedged?.abandon()
  }
}

export function unknownService(service: string): ClusterError {
  return new ClusterError('ERR_UNKNOWN_SERVICE', `no instance of '${service}' can be called`, { service })
}
