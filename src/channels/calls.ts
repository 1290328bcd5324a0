// What a caller waits for: one message, or one to each of many members. A call starts the clock, listens to its signal,
// and turns what became of its messages into a receipt.

import { ClusterError } from '../errors.ts'
import type { Clock } from '../runtime/clock.ts'
import { callAborted } from '../wait.ts'
import { messageId } from './arrival.ts'
import type { Message, Receipt } from './channel.ts'
import type { ChannelContext } from './channel-context.ts'
import type { ChannelCounts } from './channel-counts.ts'
import { operationOf } from './failures.ts'
import type { Destination, OutgoingListener, OutgoingMessage } from './outgoing-message.ts'
import type { PendingRequest, PendingRequests } from './pending-requests.ts'

/** One message to one member. */
export class SendCall implements OutgoingListener {
  readonly #source: Destination
  readonly #clock: Clock
  readonly #resolve: (receipt: Receipt) => void
  readonly #reject: (error: ClusterError) => void

  constructor(
    source: Destination,
    clock: Clock,
    resolve: (receipt: Receipt) => void,
    reject: (error: ClusterError) => void,
  ) {
    this.#source = source
    this.#clock = clock
    this.#resolve = resolve
    this.#reject = reject
  }

  settled(message: OutgoingMessage, error: ClusterError | undefined): void {
    if (error) {
      this.#reject(error)
      return
    }
    const { id, generation } = this.#source
    this.#resolve({
      id: messageId(id, generation, message.id),
      to: message.destination.name,
      acked: message.isAcknowledged,
      durationMs: this.#clock.now() - message.createdAt,
      members: 1,
      reached: 1,
    })
  }
}

/** A question to one member: over when it is answered, cannot be any more, or its caller does not wait any more. */
export class RequestCall implements OutgoingListener, PendingRequest {
  readonly #context: ChannelContext
  readonly #counts: ChannelCounts
  readonly #requests: PendingRequests
  readonly #signal: AbortSignal | undefined
  readonly #resolve: (answer: Message) => void
  readonly #reject: (error: ClusterError) => void
  #onAbort: (() => void) | undefined
  #message: OutgoingMessage | undefined

  constructor(
    owner: { readonly context: ChannelContext; readonly counts: ChannelCounts; readonly requests: PendingRequests },
    signal: AbortSignal | undefined,
    resolve: (answer: Message) => void,
    reject: (error: ClusterError) => void,
  ) {
    this.#context = owner.context
    this.#counts = owner.counts
    this.#requests = owner.requests
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
  }

  /** This and its message are known from {@link begins} on. */
  get id(): number {
    return this.message.id
  }

  get message(): OutgoingMessage {
    return this.#message!
  }

  begins(message: OutgoingMessage): void {
    this.#message = message
    this.#requests.add(this)
    if (this.#signal === undefined) return
    this.#onAbort = () => this.#abort(message)
    this.#signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** That it was sent is no answer; that it was not is one. */
  settled(message: OutgoingMessage, error: ClusterError | undefined): void {
    if (error && this.#requests.remove(message)) this.settle(error)
  }

  settle(outcome: Message | ClusterError): void {
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort)
    if (outcome instanceof ClusterError) {
      this.#reject(outcome)
      return
    }
    this.#counts.took(this.#context.clock.now() - this.message.createdAt)
    this.#resolve(outcome)
  }

  #abort(message: OutgoingMessage): void {
    if (!this.#requests.remove(message)) return
    this.#context.driver.abort(message)
    this.settle(callAborted(operationOf(message), true))
  }
}

/**
 * One message to each of many members. It fails when there were some and none was reached, or when its caller does not
 * wait any more.
 */
export class GroupCall implements OutgoingListener {
  readonly #receipt: Omit<Receipt, 'durationMs' | 'reached'>
  readonly #now: () => number
  readonly #startedAt: number
  readonly #resolve: (receipt: Receipt) => void
  readonly #reject: (error: ClusterError) => void
  readonly #isGivenUp: () => boolean
  #left: number
  #reached = 0
  #failure: ClusterError | undefined
  #end: ClusterError | undefined

  constructor(
    receipt: Omit<Receipt, 'durationMs' | 'reached'>,
    now: () => number,
    resolve: (receipt: Receipt) => void,
    reject: (error: ClusterError) => void,
    isGivenUp: () => boolean,
  ) {
    this.#receipt = receipt
    this.#isGivenUp = isGivenUp
    this.#now = now
    this.#startedAt = now()
    this.#resolve = resolve
    this.#reject = reject
    this.#left = receipt.members
    if (this.#left === 0) this.#settle()
  }

  settled(_message: OutgoingMessage, error: ClusterError | undefined): void {
    this.#one(error)
  }

  /** One of them is served by a tree. */
  carried(): void {
    this.#one(undefined)
  }

  /** One of them could not even be begun. */
  missed(error: ClusterError): void {
    this.#one(error)
  }

  #one(error: ClusterError | undefined): void {
    this.#left -= 1
    if (error) {
      this.#failure ??= error
      if (this.#isGivenUp()) this.#end ??= error
    } else this.#reached += 1
    if (this.#left === 0) this.#settle()
  }

  #settle(): void {
    const failure = this.#end ?? (this.#reached === 0 ? this.#failure : undefined)
    if (failure) {
      this.#reject(failure)
      return
    }
    const { acked, members } = this.#receipt
    this.#resolve({
      ...this.#receipt,
      acked: acked && this.#reached === members,
      durationMs: this.#now() - this.#startedAt,
      reached: this.#reached,
    })
  }
}
