// One attempt of a call at one instance: settles once, keeps account of what the instance did and of the retries that
// it carried, and can be given up. The exchange keeps it as it is while it waits, so that an attempt is one object.

import type { JsonValue } from '../channels/payload.ts'
import type { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import type { CallEnd, CallExchange, OutgoingCall } from './call-exchange.ts'
import type { InstanceLoad } from './instance-loads.ts'
import type { RetryAllowance } from './retry-allowance.ts'

/** What became of an attempt. */
export type CallOutcome =
  | { readonly type: 'answered'; readonly value: JsonValue }
  | { readonly type: CallEnd; readonly error: ClusterError }

/** Whose attempt it is. */
export interface AttemptOwner {
  /** It has ended, once; not when it was abandoned. `now` on the node's clock. */
  ended(attempt: CallAttempt, outcome: CallOutcome, now: number): void
}

/** What is asked, of whom, and until when. */
export type AttemptedCall = Pick<
  OutgoingCall,
  'to' | 'number' | 'method' | 'argument' | 'deadline' | 'isStream' | 'trace' | 'failsFast'
>

export interface CallAttemptOptions {
  readonly clock: Time
  readonly exchange: CallExchange
  readonly load: InstanceLoad
  /** Half of it goes along, and comes back as far as it was not used. */
  readonly allowance: RetryAllowance
  readonly owner: AttemptOwner
  /** On the node's clock. */
  readonly now: number
}

export class CallAttempt implements OutgoingCall {
  id = 0
  readonly to: string
  readonly number: number
  readonly method: string
  readonly argument: string
  readonly deadline: number
  readonly isStream: boolean
  readonly trace: string | undefined
  readonly retries: number
  readonly failsFast: boolean
  readonly #options: CallAttemptOptions
  #isSettled = false

  constructor(asked: AttemptedCall, options: CallAttemptOptions) {
    this.to = asked.to
    this.number = asked.number
    this.method = asked.method
    this.argument = asked.argument
    this.deadline = asked.deadline
    this.isStream = asked.isStream
    this.trace = asked.trace
    this.failsFast = asked.failsFast
    this.retries = options.allowance.lend()
    this.#options = options
    options.load.begin()
    options.exchange.call(this, options.now)
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  answered(value: JsonValue, retriesUsed: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { clock, load, now: begun, owner } = this.#options
    const now = clock.now()
    load.answered(now - begun)
    this.#used(retriesUsed)
    owner.ended(this, { type: 'answered', value }, now)
  }

  ended(type: CallEnd, error: ClusterError, retriesUsed: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { clock, load, now: begun, owner } = this.#options
    const now = clock.now()
    load.ended(type, error, now - begun, now)
    // Of what is lost nobody knows what it used.
    if (type !== 'lost') this.#used(retriesUsed)
    owner.ended(this, { type, error }, now)
  }

  /** Nobody wants its answer any more. Settles nothing. Idempotent. */
  abandon(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const { load, exchange } = this.#options
    load.abandoned()
    exchange.abandon(this.to, this.id)
  }

  #used(retries: number): void {
    this.#options.allowance.returned(Math.max(0, this.retries - retries))
  }
}
