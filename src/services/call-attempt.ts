// One attempt of a call at one instance: settles once, keeps account of what the instance did and of the retries that it carried, and can
// be given up.

import type { JsonValue } from '../channels/payload.ts'
import type { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import type { CallEnd, CallExchange, CallListener, OutgoingCall } from './call-exchange.ts'
import type { InstanceLoad } from './instance-loads.ts'
import type { RetryAllowance } from './retry-allowance.ts'

/** What became of an attempt. */
export type CallOutcome =
  | { readonly type: 'answered'; readonly value: JsonValue }
  | { readonly type: CallEnd; readonly error: ClusterError }

/** Whose attempt it is. */
export interface AttemptOwner {
  /** It has ended, once; not when it was abandoned. */
  ended(attempt: CallAttempt, outcome: CallOutcome): void
}

/** What is asked, by whichever attempt. */
export type AttemptedCall = Omit<OutgoingCall, 'retries'>

export class CallAttempt implements CallListener {
  readonly call: OutgoingCall
  readonly #clock: Time
  readonly #exchange: CallExchange
  readonly #load: InstanceLoad
  readonly #allowance: RetryAllowance
  readonly #owner: AttemptOwner
  readonly #begun: number
  readonly #id: number
  #isSettled = false

  /** `allowance`: half of it goes along, and comes back as far as it was not used. */
  constructor(
    clock: Time,
    exchange: CallExchange,
    call: AttemptedCall,
    load: InstanceLoad,
    allowance: RetryAllowance,
    owner: AttemptOwner,
  ) {
    this.call = { ...call, retries: allowance.lend() }
    this.#clock = clock
    this.#begun = clock.now()
    this.#exchange = exchange
    this.#load = load
    this.#allowance = allowance
    this.#owner = owner
    load.begin()
    this.#id = exchange.call(this.call, this)
  }

  /** By which its stream is asked for. */
  get id(): number {
    return this.#id
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  answered(value: JsonValue, retriesUsed: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#load.answered(this.#clock.now() - this.#begun)
    this.#used(retriesUsed)
    this.#owner.ended(this, { type: 'answered', value })
  }

  ended(type: CallEnd, error: ClusterError, retriesUsed: number): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const now = this.#clock.now()
    this.#load.ended(type, error, now - this.#begun, now)
    // Of what is lost nobody knows what it used.
    if (type !== 'lost') this.#used(retriesUsed)
    this.#owner.ended(this, { type, error })
  }

  /** Nobody wants its answer any more. Settles nothing. Idempotent. */
  abandon(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#load.abandoned()
    this.#exchange.abandon(this.call.to, this.#id)
  }

  #used(retries: number): void {
    this.#allowance.returned(Math.max(0, this.call.retries - retries))
  }
}
