// What a caller waits for: one message, or one to each of many members. A call starts the clock, listens to its signal, and turns
// what became of its messages into a receipt.

import type { ClusterError } from '../errors.ts'
import type { Receipt } from './channel.ts'
import type { OutgoingListener, OutgoingMessage } from './outgoing-message.ts'

/** One message to one member. */
export class SendCall implements OutgoingListener {
  readonly #id: string
  readonly #now: () => number
  readonly #resolve: (receipt: Receipt) => void
  readonly #reject: (error: ClusterError) => void

  constructor(
    id: string,
    now: () => number,
    resolve: (receipt: Receipt) => void,
    reject: (error: ClusterError) => void,
  ) {
    this.#id = id
    this.#now = now
    this.#resolve = resolve
    this.#reject = reject
  }

  settled(message: OutgoingMessage, error: ClusterError | undefined): void {
    if (error) {
      this.#reject(error)
      return
    }
    this.#resolve({
      id: this.#id,
      to: message.destination.name,
      acked: message.isAcknowledged,
      durationMs: this.#now() - message.createdAt,
      members: 1,
      reached: 1,
    })
  }
}

/** One message to each of many members. It fails only when there were some and none was reached. */
export class GroupCall implements OutgoingListener {
  readonly #receipt: Omit<Receipt, 'durationMs' | 'reached'>
  readonly #now: () => number
  readonly #startedAt: number
  readonly #resolve: (receipt: Receipt) => void
  readonly #reject: (error: ClusterError) => void
  #left: number
  #reached = 0
  #failure: ClusterError | undefined

  constructor(
    receipt: Omit<Receipt, 'durationMs' | 'reached'>,
    now: () => number,
    resolve: (receipt: Receipt) => void,
    reject: (error: ClusterError) => void,
  ) {
    this.#receipt = receipt
    this.#now = now
    this.#startedAt = now()
    this.#resolve = resolve
    this.#reject = reject
    this.#left = receipt.members
    if (this.#left === 0) this.#end()
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
    if (error) this.#failure ??= error
    else this.#reached += 1
    if (this.#left === 0) this.#end()
  }

  #end(): void {
    if (this.#failure && this.#reached === 0) {
      this.#reject(this.#failure)
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
