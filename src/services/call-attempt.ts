// One attempt of a call at one instance: settles once, keeps account of what the instance did, and can be given up.

import type { JsonValue } from '../channels/payload.ts'
import type { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import type { CallEnd, CallExchange, CallListener, OutgoingCall } from './call-exchange.ts'
import type { InstanceLoad } from './instance-loads.ts'

/** What became of an attempt. */
export type CallOutcome =
  | { readonly type: 'answered'; readonly value: JsonValue }
  | { readonly type: CallEnd; readonly error: ClusterError }

export class CallAttempt implements CallListener {
  readonly call: OutgoingCall
  readonly #clock: Time
  readonly #exchange: CallExchange
  readonly #load: InstanceLoad
  readonly #begun: number
  readonly #settle: (outcome: CallOutcome) => void
  readonly #id: number
  #isSettled = false

  constructor(
    clock: Time,
    exchange: CallExchange,
    call: OutgoingCall,
    load: InstanceLoad,
    settle: (outcome: CallOutcome) => void,
  ) {
    this.call = call
    this.#clock = clock
    this.#begun = clock.now()
    this.#exchange = exchange
    this.#load = load
    this.#settle = settle
    load.begin()
    this.#id = exchange.call(call, this)
  }

  /** By which its stream is asked for. */
  get id(): number {
    return this.#id
  }

  answered(value: JsonValue): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#load.answered(this.#clock.now() - this.#begun)
    this.#settle({ type: 'answered', value })
  }

  ended(type: CallEnd, error: ClusterError): void {
    if (this.#isSettled) return
    this.#isSettled = true
    const now = this.#clock.now()
    this.#load.ended(type, error, now - this.#begun, now)
    this.#settle({ type, error })
  }

  /** Nobody wants its answer any more. Settles nothing. Idempotent. */
  abandon(): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#load.abandoned()
    this.#exchange.abandon(this.call.to, this.#id)
  }
}
