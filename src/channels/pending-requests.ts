// Requests of this node that wait for an answer. The id of a request is counted in this node's life, so that an answer
// finds it and nothing of another life does.

import { ClusterError } from '../errors.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import { WaitingById } from '../runtime/waiting-by-id.ts'
import { nodeStopping } from '../wait.ts'
import type { Arrival } from './arrival.ts'
import type { Message } from './channel.ts'
import { expired, memberDown } from './failures.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import { decodeFailure } from './payload.ts'

export interface PendingRequest {
  /** Of its message. */
  readonly id: number
  readonly message: OutgoingMessage
  settle(outcome: Message | ClusterError): void
}

export class PendingRequests {
  readonly #clock: Time
  readonly #nameOf: (id: string) => string
  readonly #pending = new WaitingById<PendingRequest>()
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor(clock: Time, nameOf: (id: string) => string) {
    this.#clock = clock
    this.#nameOf = nameOf
  }

  add(request: PendingRequest): void {
    this.#pending.add(request)
    this.#arm(request.message.expiresAt)
  }

  /** False: it does not wait any more. */
  remove({ id }: OutgoingMessage): boolean {
    return this.#pending.delete(id)
  }

  /** An answer came. False: nobody waits for it. */
  answered(arrival: Arrival): boolean {
    const { id, kind, source } = arrival.envelope
    const request = this.#pending.get(id)
    if (request?.message.destination.id !== source) return false
    this.#pending.delete(id)
    request.settle(outcomeOf(arrival, kind === 'error', this.#nameOf))
    return true
  }

  /** No answer will come from `member`; `all`: not even to requests that are sent again after a reconnect. */
  lost(member: string, all: boolean): void {
    for (const request of this.#pending) {
      const { message } = request
      if (message.destination.id !== member || (message.isAcknowledged && !all)) continue
      this.#pending.delete(request.id)
      request.settle(memberDown(message.destination.name, true))
    }
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
    for (const request of this.#pending) {
      this.#pending.delete(request.id)
      request.settle(nodeStopping(true))
    }
  }

  /** One timer for all: the first that may run out. */
  #arm(at: number): void {
    if (at >= this.#timerAt) return
    this.#timer?.[Symbol.dispose]()
    this.#timerAt = at
    this.#timer = this.#clock.setTimeout(
      () => this.#look(),
      Math.min(Math.max(1, Math.ceil(at - this.#clock.now())), 2 ** 31 - 1),
    )
  }

  #look(): void {
    const now = this.#clock.now()
    this.#timerAt = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const request of this.#pending) {
      const { message } = request
      if (message.expiresAt <= now) {
        this.#pending.delete(request.id)
        request.settle(expired(message, true))
      } else next = Math.min(next, message.expiresAt)
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next)
  }
}

function outcomeOf(arrival: Arrival, isError: boolean, nameOf: (id: string) => string): Message | ClusterError {
  try {
    return isError ? decodeFailure(arrival.envelope) : arrival.message(nameOf)
  } catch (cause) {
    const member = nameOf(arrival.envelope.source)
    const details = { member, subject: arrival.channel, reason: 'its answer cannot be read' }
    return new ClusterError('ERR_HANDLER_FAILED', `the answer of ${member} cannot be read`, details, {
      cause,
      mayHaveHappened: true,
    })
  }
}
