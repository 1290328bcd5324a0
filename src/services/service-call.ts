// One call under way, all of its attempts: no promise but its caller's, since most are over with their first answer.
//
//   begin ─▶ attempt ──── answered, or its handler threw ──────────────▶ settled
//               │  ▲ └─── refused or lost: elsewhere, while deadline, budget and allowance last; else settled
//               │  └──────────┘
//               ├── hedgeMs ─▶ a second one beside it: the first answer counts, the other is abandoned
//               └── its caller gives up ─▶ abandoned

import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { AttemptOwner, CallAttempt, CallOutcome } from './call-attempt.ts'
import { type CallLimits, callAborted } from './call-limits.ts'
import type { Target } from './candidates.ts'
import { CALL_RETRIES, RetryAllowance } from './retry-allowance.ts'
import type { ServiceCallOptions, ServiceInstance } from './service-interface.ts'

const MAX_ATTEMPTS = 4

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
  choose(asked: Asked, tried: readonly string[]): Target | undefined
  /** Asks `target`, and tells the call what becomes of it. */
  attempt(target: Target, call: ServiceCall): CallAttempt
  /** The retry budget of this node has room for one more. */
  takeRetry(): boolean
}

/** Told once what became of a call. */
export interface CallEnds {
  /** `by`: the attempt that settled it; undefined: none did. */
  settled(outcome: CallOutcome, by: CallAttempt | undefined): void
  /** Its caller wants no answer any more. */
  gaveUp(error: ClusterError): void
}

export class ServiceCall implements AttemptOwner {
  readonly asked: Asked
  /** The argument as JSON. */
  readonly text: string
  readonly limits: CallLimits
  readonly trace: string | undefined
  readonly allowance: RetryAllowance
  readonly #node: CallingNode
  readonly #ends: CallEnds
  readonly #tried: string[] = []
  readonly #under: CallAttempt[] = []
  #attempts = 0
  #timer: Timer | undefined
  #release: (() => void) | undefined

  constructor(
    node: CallingNode,
    asked: Asked,
    text: string,
    limits: CallLimits,
    trace: string | undefined,
    ends: CallEnds,
  ) {
    this.#node = node
    this.asked = asked
    this.text = text
    this.limits = limits
    this.trace = trace
    this.allowance = limits.parent?.retries ?? new RetryAllowance(CALL_RETRIES)
    this.#ends = ends
  }

  get operation(): string {
    return `${this.asked.name}.${this.asked.method}`
  }

  begin(): void {
    const target = this.#node.choose(this.asked, this.#tried)
    if (!target) return void this.#ends.settled({ type: 'refused', error: unknownService(this.asked.name) }, undefined)
    if (this.limits.isAborted) return void this.#ends.gaveUp(callAborted(this.operation, false))
    this.#release = this.limits.onAborted(() => {
      this.#end()
      this.#ends.gaveUp(callAborted(this.operation, true))
    })
    this.#try(target)
  }

  /** An attempt has ended. */
  ended(attempt: CallAttempt, outcome: CallOutcome): void {
    this.#remove(attempt)
    if (outcome.type === 'answered' || (outcome.type === 'failed' && this.#under.length === 0))
      return void this.#settle(outcome, attempt)
    if (this.#under.length > 0) return
    this.#timer?.[Symbol.dispose]()
    const { error } = outcome
    if (error.code === 'ERR_TIMEOUT' || error.code === 'ERR_DEADLINE_EXCEEDED' || this.limits.isOver)
      return void this.#settle({ type: 'lost', error: this.limits.exceeded(this.operation, error) }, undefined)
    const target = this.#mayRetry(error) ? this.#node.choose(this.asked, this.#tried) : undefined
    if (target) this.#try(target)
    else this.#settle(outcome, attempt)
  }

  #try(target: Target): void {
    this.#attempts += 1
    this.#ask(target)
    const { hedgeMs } = this.asked.options
    if (hedgeMs !== undefined && this.#under.length > 0)
      this.#timer = this.#node.clock.setTimeout(() => this.#hedge(), hedgeMs)
  }

  #ask(target: Target): void {
    this.#tried.push(target.instance.id)
    const attempt = this.#node.attempt(target, this)
    if (!attempt.isSettled) this.#under.push(attempt)
  }

  #hedge(): void {
    const second = this.#node.choose(this.asked, this.#tried)
    if (second && this.#takeRetry()) this.#ask(second)
  }

  #mayRetry({ code, mayHaveHappened }: ClusterError): boolean {
    const isFutile = !elsewhere.has(code) || (mayHaveHappened && this.asked.options.idempotent !== true)
    return !isFutile && this.#attempts < MAX_ATTEMPTS && !this.limits.isAborted && this.#takeRetry()
  }

  #takeRetry(): boolean {
    return this.allowance.left > 0 && this.#node.takeRetry() && this.allowance.take()
  }

  #settle(outcome: CallOutcome, by: CallAttempt | undefined): void {
    this.#end()
    this.#ends.settled(outcome, by)
  }

  #remove(attempt: CallAttempt): void {
    const at = this.#under.indexOf(attempt)
    if (at >= 0) this.#under.splice(at, 1)
  }

  #end(): void {
    this.#timer?.[Symbol.dispose]()
    this.#release?.()
    for (const other of this.#under) other.abandon()
  }
}

export function unknownService(service: string): ClusterError {
  return new ClusterError('ERR_UNKNOWN_SERVICE', `no instance of '${service}' can be called`, { service })
}
