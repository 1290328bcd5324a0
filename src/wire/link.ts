// An established link: messages instead of bytes, in the version both ends agreed on. It knows no protocol; it tells
// its owner what came, and in the end whether the close was announced (then it is no evidence of anything).

import type { Connection } from '../transport/transport.ts'
import type { Agreement } from './handshake.ts'
import type { GoodbyeReason, Hello } from './hello.ts'
import { MAX_EARLY_BYTES } from './limits.ts'
import { encodeFrame, FrameDecoder, type WireMessage } from './message.ts'
import { WireError } from './wire-error.ts'

/** How a link ended. */
export interface LinkEnd {
  /** One end said goodbye first. */
  readonly announced: boolean
  /** The word of the goodbye, `GoodbyeReason` or a newer peer's; undefined when there was none. */
  readonly reason: string | undefined
  /** Undefined when the connection was closed in order. A `WireError`: the peer sent what is no message. */
  readonly error: Error | undefined
}

/** What a link tells its owner. Never called before {@link Link.start} returned. */
export interface LinkHandler {
  message(message: WireMessage): void
  /** There is room again after `send` had answered `false`. */
  drain(): void
  /** Exactly once, last. */
  close(end: LinkEnd): void
}

/** What the owner of a lane's connection is told: its bytes are no messages of a link. */
export interface RawHandler {
  /** The array is the handler's. */
  data(bytes: Uint8Array): void
  close(error: Error | undefined): void
}

/** Made by `establishLink`. */
export class Link {
  readonly connection: Connection
  readonly peer: Hello
  readonly version: number
  readonly features: number
  /** The peer's wall clock when it accepted, milliseconds since 1970; undefined: it did not tell. */
  readonly peerWall: number | undefined
  readonly #decoder: FrameDecoder
  #handler: LinkHandler | undefined
  #raw: RawHandler | undefined
  /** Chunks that came before `start`, at most `MAX_EARLY_BYTES`. */
  #early: Uint8Array[] = []
  #earlyBytes = 0
  #goodbye: string | undefined
  /** The peer has said goodbye: what follows that has no meaning. */
  #isPeerGone = false
  #error: Error | undefined
  #end: LinkEnd | undefined

  constructor(connection: Connection, agreement: Agreement) {
    this.connection = connection
    this.peer = agreement.peer
    this.version = agreement.version
    this.features = agreement.features
    this.peerWall = agreement.wall
    this.#decoder = new FrameDecoder({ version: agreement.version })
  }

  /** Hands over what comes from now on, what came before first, on a later turn. Call once. */
  start(handler: LinkHandler): void {
    queueMicrotask(() => {
      this.#handler = handler
      for (const chunk of this.#early) this.#decode(chunk, handler)
      this.#early = []
      if (this.#end !== undefined) handler.close(this.#end)
    })
  }

  /**
   * Instead of `start`, on a connection of a further channel: hands over the bytes as they are, what came before first,
   * on a later turn.
   */
  takeOver(handler: RawHandler): void {
    queueMicrotask(() => {
      this.#raw = handler
      for (const chunk of this.#early) handler.data(chunk)
      this.#early = []
      if (this.#end !== undefined) handler.close(this.#end.error)
    })
  }

  /**
   * Sends one message. `false`: the queue is above its high-water mark, or the link is closed. Throws `WireError` for a
   * message that the peer would refuse: the caller's mistake.
   */
  send(message: WireMessage): boolean {
    return this.connection.write(encodeFrame(message, this.version))
  }

  /** Either end has said goodbye: nothing more is to be sent. */
  get isEnding(): boolean {
    return this.#goodbye !== undefined
  }

  /**
   * Says that the close that follows is deliberate, sends what is queued, closes; what still comes is thrown away.
   * Idempotent.
   */
  async goodbye(reason: GoodbyeReason): Promise<void> {
    this.part(reason)
    await this.connection.close()
  }

  /**
   * Says goodbye, and hears what the peer had sent before it hears that: it closes then. Who has no time to wait says
   * {@link goodbye} later. Idempotent.
   */
  part(reason: GoodbyeReason): void {
    if (this.#goodbye !== undefined) return
    this.#goodbye = reason
    this.send({ type: 'goodbye', reason })
  }

  /** Closes at once, unannounced. */
  destroy(): void {
    this.connection.destroy()
  }

  /** The connection's bytes; called by whoever owns the connection's handler. */
  receive(chunk: Uint8Array): void {
    if (this.#raw !== undefined) return void this.#raw.data(chunk)
    if (this.#handler !== undefined) return void this.#decode(chunk, this.#handler)
    if (chunk.length === 0) return
    this.#earlyBytes += chunk.length
    if (this.#earlyBytes > MAX_EARLY_BYTES) {
      this.#fail(new WireError('too-long', 'more bytes than an owner that is not ready can keep'))
      return
    }
    this.#early.push(new Uint8Array(chunk))
  }

  /** The connection has room again. */
  drained(): void {
    this.#handler?.drain()
  }

  /** The connection is closed. */
  closed(error: Error | undefined): void {
    const announced = this.#goodbye !== undefined
    this.#end = { announced, reason: this.#goodbye, error: this.#error ?? error }
    this.#handler?.close(this.#end)
    this.#raw?.close(this.#end.error)
  }

  #decode(chunk: Uint8Array, handler: LinkHandler): void {
    // What follows the peer's goodbye, or a frame that is none, has no meaning.
    if (this.#isPeerGone || this.#error !== undefined) return
    this.#decoder.begin(chunk)
    while (this.#error === undefined) {
      const message = this.#next()
      if (message === undefined) return
      if (message.type === 'goodbye') {
        this.#isPeerGone = true
        this.#goodbye ??= message.reason
        void this.connection.close()
        return
      }
      handler.message(message)
    }
  }

  #next(): WireMessage | undefined {
    try {
      return this.#decoder.next()
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#fail(error)
      return undefined
    }
  }

  #fail(error: WireError): void {
    this.#error = error
    this.connection.destroy()
  }
}
