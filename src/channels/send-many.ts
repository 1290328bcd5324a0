// Many messages with one promise: no object of the caller's per message but what it yields. The iterable is asked for more only while
// not too much of it is on its way, so one that never ends costs no memory.

import type { ClusterError } from '../errors.ts'
import type { SendManyReceipt } from './channel.ts'
import type { OutgoingListener, OutgoingMessage } from './outgoing-message.ts'
import type { Payload } from './payload.ts'

/** On their way at most, until the iterable is asked for more. */
const MAX_MESSAGES = 4_096
const MAX_BYTES = 4 * 1024 * 1024

export class SendMany implements OutgoingListener {
  readonly #send: (payload: Payload, listener: OutgoingListener) => OutgoingMessage
  #onWay = 0
  #bytes = 0
  #done = 0
  #sent = 0
  #goal = 0
  #failure: ClusterError | undefined
  #wake: (() => void) | undefined

  /** `send` makes a message of a payload and posts it; what it throws ends it all. */
  constructor(send: (payload: Payload, listener: OutgoingListener) => OutgoingMessage) {
    this.#send = send
  }

  async run(payloads: Iterable<Payload> | AsyncIterable<Payload>, isAcknowledged: boolean): Promise<SendManyReceipt> {
    if (Symbol.asyncIterator in payloads) {
      for await (const payload of payloads) {
        this.#put(payload)
        if (this.#isFull()) await this.#until(MAX_MESSAGES / 2)
        if (this.#failure) break
      }
    } else {
      for (const payload of payloads) {
        this.#put(payload)
        if (this.#isFull()) await this.#until(MAX_MESSAGES / 2)
        if (this.#failure) break
      }
    }
    if (this.#onWay > 0 && !this.#failure) await this.#until(0)
    if (this.#failure) throw this.#failure
    return { sent: this.#sent, acked: isAcknowledged ? this.#done : 0 }
  }

  settled(message: OutgoingMessage, error: ClusterError | undefined): void {
    this.#onWay -= 1
    this.#bytes -= message.bytes
    if (error) this.#failure ??= error
    else this.#done += 1
    if (this.#failure || (this.#onWay <= this.#goal && (this.#onWay === 0 || !this.#isFull()))) this.#wake?.()
  }

  /** Nobody waits for what is on its way any more. */
  fail(error: ClusterError): void {
    this.#failure ??= error
    this.#wake?.()
  }

  #put(payload: Payload): void {
    this.#onWay += 1
    this.#sent += 1
    // It may be settled within the call, which takes its bytes off again.
    const { bytes } = this.#send(payload, this)
    this.#bytes += bytes
  }

  #isFull(): boolean {
    return this.#onWay >= MAX_MESSAGES || this.#bytes >= MAX_BYTES
  }

  /** Until no more than `goal` are on their way. */
  #until(goal: number): Promise<void> {
    this.#goal = goal
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined
        resolve()
      }
    })
  }
}
