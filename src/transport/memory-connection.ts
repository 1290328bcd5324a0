// Both ends of a connection in memory. What one end writes waits in the other end's inbox until its owner has started
// it, so the writer feels a slow reader just as over a socket.

import type { Connection, ConnectionHandler } from './transport.ts'

interface Ends {
  readonly peer: string
  readonly side: 'dialer' | 'acceptor'
  readonly remoteAddress: string
  readonly binding: Uint8Array
}

interface Wire {
  readonly schedule: (task: () => void) => void
  readonly highWaterMark: number
}

/** Two connected ends. */
export function connectPair(near: Ends, far: Ends, wire: Wire): readonly [MemoryConnection, MemoryConnection] {
  const pair = [new MemoryConnection(near, wire), new MemoryConnection(far, wire)] as const
  pair[0].connectTo(pair[1])
  pair[1].connectTo(pair[0])
  return pair
}

/** Made by {@link connectPair}. */
export class MemoryConnection implements Connection {
  readonly peer: string
  readonly side: 'dialer' | 'acceptor'
  readonly remoteAddress: string
  readonly binding: Uint8Array
  readonly closed: Promise<void>
  onAdmit: () => void = () => undefined
  readonly #wire: Wire
  #other: MemoryConnection | undefined
  #handler: ConnectionHandler | undefined
  #inbox: Uint8Array[] = []
  #inboxBytes = 0
  #isDelivering = false
  #needsDrain = false
  /** This end takes no more writes. */
  #isClosing = false
  /** The other end sends no more: after the inbox comes the close. */
  #isEnded = false
  #isClosed = false
  #resolveClosed: () => void = () => undefined

  constructor(ends: Ends, wire: Wire) {
    this.peer = ends.peer
    this.side = ends.side
    this.remoteAddress = ends.remoteAddress
    this.binding = ends.binding
    this.#wire = wire
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  connectTo(other: MemoryConnection): void {
    this.#other = other
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get queuedBytes(): number {
    return this.#other?.inboxBytes ?? 0
  }

  get inboxBytes(): number {
    return this.#inboxBytes
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#scheduleDelivery()
  }

  write(bytes: Uint8Array, onWritten?: () => void): boolean {
    if (this.#isClosing) return false
    if (onWritten) this.#wire.schedule(onWritten)
    this.#other?.receive(new Uint8Array(bytes))
    if (this.queuedBytes <= this.#wire.highWaterMark) return true
    this.#needsDrain = true
    return false
  }

  admit(): void {
    this.onAdmit()
  }

  async close(): Promise<void> {
    this.#stop()
    this.#other?.end()
    await this.closed
  }

  destroy(): void {
    if (this.#isClosed) return
    this.#stop()
    this.#other?.drop()
    this.#other?.end()
  }

  /** Bytes of the other end arrive. */
  receive(bytes: Uint8Array): void {
    if (this.#isClosing) return
    this.#inbox.push(bytes)
    this.#inboxBytes += bytes.length
    this.#scheduleDelivery()
  }

  /** What is on its way to this end is lost. */
  drop(): void {
    this.#inbox = []
    this.#inboxBytes = 0
  }

  /** The other end has closed. */
  end(): void {
    this.#isEnded = true
    this.#scheduleDelivery()
  }

  /** The other end has taken bytes. */
  taken(): void {
    if (!this.#needsDrain || this.#isClosing || this.queuedBytes > this.#wire.highWaterMark / 4) return
    this.#needsDrain = false
    this.#handler?.drain()
  }

  /** Closes this end: nothing more is written, what still comes is thrown away, the owner is told on a later turn. */
  #stop(): void {
    this.#isClosing = true
    this.#isEnded = true
    this.drop()
    this.#scheduleDelivery()
  }

  #scheduleDelivery(): void {
    if (this.#isDelivering || this.#isClosed) return
    this.#isDelivering = true
    this.#wire.schedule(() => {
      this.#isDelivering = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const handler = this.#handler
    if (handler !== undefined) {
      for (let bytes = this.#inbox.shift(); bytes !== undefined; bytes = this.#inbox.shift()) {
        this.#inboxBytes -= bytes.length
        if (!this.#isClosing) handler.data(bytes)
      }
      this.#other?.taken()
    }
    if (!this.#isEnded || this.#inbox.length > 0 || this.#isClosed) return
    // An end that nobody started closes all the same; its owner hears of it when it starts.
    this.#isClosing = true
    if (handler === undefined) {
      this.#resolveClosed()
      return
    }
    this.#isClosed = true
    this.#resolveClosed()
    handler.close(undefined)
  }
}
