// Many messages with one promise: no object of the caller's per message but what it yields. The iterable is asked for
// more only while not too much of it is on its way, so one that never ends costs no memory.

import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import type { SendManyReceipt } from './channel.ts'
import type { OutgoingListener, OutgoingMessage } from './outgoing-message.ts'
import type { Payload } from './payload.ts'

/** On their way at most, until the iterable is asked for more. */
const MAX_MESSAGES = 4_096
const MAX_BYTES = 4 * 1024 * 1024

/**
 * Milliseconds of messages that leave at once before the loop goes round: others have something to send and to read
 * too.
 */
const BURST_MS = 0.25
/** The clock is looked at this seldom. */
const MESSAGES_PER_LOOK = 16

/** Throws `ERR_BAD_OPTIONS`. */
export function checkIterable(payloads: unknown): void {
  const given = Object(payloads)
  if (Symbol.asyncIterator in given || Symbol.iterator in given) return
  const problem = `what is sent (${String(payloads)}) must be iterable`
  throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}

export class SendMany implements OutgoingListener {
  readonly #clock: Time
  readonly #send: (payload: Payload, listener: OutgoingListener) => OutgoingMessage
  readonly #sendDirectly: ((payload: Payload) => boolean) | undefined
  #onWay = 0
  #bytes = 0
  #done = 0
  #sent = 0
  #goal = 0
  #failure: ClusterError | undefined
  #burstAt: number
  #wake: (() => void) | undefined

  /**
   * `send` makes a message of a payload and posts it; what it throws ends it all. `sendDirectly` gives a payload, of
   * which nothing has to be remembered, to the lane; false when that takes no more now.
   */
  constructor(
    clock: Time,
    send: (payload: Payload, listener: OutgoingListener) => OutgoingMessage,
    sendDirectly?: (payload: Payload) => boolean,
  ) {
    this.#clock = clock
    this.#burstAt = clock.now()
    this.#send = send
    this.#sendDirectly = sendDirectly
  }

  async run(payloads: Iterable<Payload> | AsyncIterable<Payload>, isAcknowledged: boolean): Promise<SendManyReceipt> {
    try {
      const isAsync = Symbol.asyncIterator in Object(payloads)
      if (isAsync) await this.#take((payloads as AsyncIterable<Payload>)[Symbol.asyncIterator]())
      else {
        for (const payload of payloads as Iterable<Payload>) {
          if (this.#mustWait(payload)) await this.#room()
          if (this.#failure) break
        }
      }
      if (this.#onWay > 0 && !this.#failure) await this.#until(0)
      if (this.#failure) throw this.#failure
    } catch (error) {
      throw this.#withOthers(error)
    }
    return { sent: this.#sent, acked: isAcknowledged ? this.#done : 0 }
  }

  /** What one message fails with says nothing of those that have left beside it. */
  #withOthers(error: unknown): unknown {
    const areOthers = this.#done > 0 || this.#onWay > 0
    if (!areOthers || !(error instanceof ClusterError) || error.mayHaveHappened) return error
    return new ClusterError(error.code, error.message, error.details, { cause: error, mayHaveHappened: true })
  }

  /** Like a `for await`, but that a source which yields nothing holds nobody up who does not wait any more. */
  async #take(source: AsyncIterator<Payload>): Promise<void> {
    for (let next = await this.#next(source); !next.done; next = await this.#next(source)) {
      try {
        if (this.#mustWait(next.value)) await this.#room()
      } catch (error) {
        // It is let go of, too, when what it has yielded cannot be sent.
        await Promise.resolve(source.return?.()).catch(() => {})
        throw error
      }
      if (!this.#failure) continue
      await source.return?.()
      return
    }
  }

  /** What `source` yields; done when nobody waits for it any more. */
  #next(source: AsyncIterator<Payload>): Promise<IteratorResult<Payload, unknown>> {
    if (this.#failure) return Promise.resolve({ done: true, value: undefined })
    // Nothing that is settled wakes it, but a failure does.
    this.#goal = -1
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        this.#wake = undefined
        // It may still be busy with what it was asked for last.
        Promise.resolve(source.return?.()).catch(() => {})
        resolve({ done: true, value: undefined })
      }
      source.next().then(resolve, reject)
    })
  }

  settled(message: OutgoingMessage, error: ClusterError | undefined): void {
    this.#onWay -= 1
    this.#bytes -= message.bytes
    if (error) this.#failure ??= error
    else this.#done += 1
    if (this.#failure || (this.#onWay <= this.#goal && (this.#onWay === 0 || !this.#isFull()))) this.#wake?.()
  }

  /** Nobody waits for what is on its way any more; `error` is made of whether anything is. */
  fail(error: (mayHaveHappened: boolean) => ClusterError): void {
    this.#failure ??= error(this.#sent > 0)
    this.#wake?.()
  }

  /** Sends `payload`; true when something has to happen before the next. */
  #mustWait(payload: Payload): boolean {
    if (this.#sendDirectly?.(payload)) {
      this.#sent += 1
      this.#done += 1
      if (this.#sent % MESSAGES_PER_LOOK !== 0) return false
      return this.#clock.now() - this.#burstAt > BURST_MS
    }
    this.#put(payload)
    return this.#sendDirectly !== undefined || this.#isFull()
  }

  /** Until the lane takes more, or at least until the loop has been round. */
  async #room(): Promise<void> {
    if (this.#sendDirectly === undefined) await this.#until(MAX_MESSAGES / 2)
    else if (this.#onWay > 0) await this.#until(0)
    else await new Promise<void>((resolve) => this.#clock.setImmediate(resolve))
    this.#burstAt = this.#clock.now()
  }

  #put(payload: Payload): void {
    this.#onWay += 1
    this.#sent += 1
    try {
      // It may be settled within the call, which takes its bytes off again.
      const { bytes } = this.#send(payload, this)
      this.#bytes += bytes
    } catch (error) {
      this.#onWay -= 1
      throw error
    }
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
