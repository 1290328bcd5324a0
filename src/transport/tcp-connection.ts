// One TLS connection whose two identities are proven. What is written within one turn leaves as one TLS write; nothing
// is read before the owner has started it, so that the kernel holds back an eager peer; and in one turn no more than a
// share is read, so that a peer that sends without end leaves time for the other connections.

import { Buffer } from 'node:buffer'
import type { TLSSocket } from 'node:tls'
import type { Connection, ConnectionHandler } from './transport.ts'

/**
 * After so many bytes nothing is read until the event loop has been round: two reads of the kernel's bytes. Without a
 * bound Node reads on for as long as more comes, up to 2 MiB in a turn, and deciphers it all before it looks at another
 * socket. Small: a turn for every few bytes; with 16 KiB small messages come at nine tenths of their rate, acknowledged
 * ones at eight.
 */
const READ_BYTES = 128 * 1024

export interface TcpConnectionOptions {
  readonly peer: string
  readonly side: 'dialer' | 'acceptor'
  readonly remoteAddress: string
  readonly binding: Uint8Array
  /** Queued bytes past which `write` answers `false`, and below which `drain` is called. */
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Milliseconds that `close` waits for what is queued to leave and for the other end to agree. */
  readonly closeTimeoutMs: number
  readonly onAdmit: () => void
}

export class TcpConnection implements Connection {
  readonly peer: string
  readonly side: 'dialer' | 'acceptor'
  readonly remoteAddress: string
  readonly binding: Uint8Array
  readonly #socket: TLSSocket
  readonly #options: TcpConnectionOptions
  #handler: ConnectionHandler | undefined
  /** Written in this turn, not yet given to the socket. */
  #turn: Uint8Array[] = []
  #turnBytes = 0
  /** Who waits for them to be written. */
  #waiting: (() => void)[] = []
  #needsDrain = false
  /** Read since the loop has been round. */
  #readBytes = 0
  #isResting = false
  #isClosing = false
  #error: Error | undefined
  #isClosed = false
  readonly #closed: Promise<void>

  constructor(socket: TLSSocket, options: TcpConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.peer = options.peer
    this.side = options.side
    this.remoteAddress = options.remoteAddress
    this.binding = options.binding
    socket.on('error', (error) => {
      this.#error ??= error
    })
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true
        this.#isClosing = true
        resolve()
        this.#handler?.close(this.#error)
      })
    })
  }

  get queuedBytes(): number {
    return this.#turnBytes + this.#socket.writableLength
  }

  /** Node reads into a buffer for each read. */
  get handsOverMemory(): number {
    return 0
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
    if (this.#isClosed) {
      queueMicrotask(() => handler.close(this.#error))
      return
    }
    // The first listener makes the socket flow, on a later turn.
    this.#socket.on('data', (bytes: Uint8Array) => {
      if (this.#isClosing) return
      this.#readBytes += bytes.length
      if (this.#readBytes >= READ_BYTES) this.#rest()
      handler.data(bytes)
    })
  }

  write(bytes: Uint8Array, onWritten?: () => void): boolean {
    if (this.#isClosing) return false
    if (this.#turn.length === 0) queueMicrotask(this.#flushLast)
    this.#turn.push(bytes)
    if (onWritten) this.#waiting.push(onWritten)
    this.#turnBytes += bytes.length
    if (this.queuedBytes <= this.#options.highWaterMark) return true
    this.#needsDrain = true
    return false
  }

  flush(): void {
    if (this.#turn.length === 0) return
    const batch = this.#turn.length === 1 ? (this.#turn[0] as Uint8Array) : Buffer.concat(this.#turn, this.#turnBytes)
    const waiting = this.#waiting
    this.#turn = []
    this.#turnBytes = 0
    this.#waiting = []
    if (this.#socket.writable) this.#socket.write(batch, () => this.#written(waiting))
  }

  admit(): void {
    this.#options.onAdmit()
  }

  close(): Promise<void> {
    if (this.#isClosing) return this.#closed
    this.flush()
    this.#isClosing = true
    const timer = setTimeout(() => this.#socket.destroy(), this.#options.closeTimeoutMs)
    void this.#closed.then(() => clearTimeout(timer))
    this.#socket.end()
    // Whatever still comes is thrown away, but read: unread bytes would turn the close into a reset.
    this.#socket.resume()
    return this.#closed
  }

  destroy(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }

  /** Reads on when the loop has been round. */
  #rest(): void {
    if (this.#isResting) return
    this.#isResting = true
    this.#socket.pause()
    setImmediate(() => {
      this.#isResting = false
      this.#readBytes = 0
      this.#socket.resume()
    })
  }

  /** Behind every promise that what runs now has resolved: an answer and its acknowledgement leave together. */
  readonly #flushLast = (): void => process.nextTick(() => this.flush())

  #written(waiting: readonly (() => void)[]): void {
    for (const tell of waiting) tell()
    if (!this.#needsDrain || this.#isClosing || this.queuedBytes >= this.#options.lowWaterMark) return
    this.#needsDrain = false
    this.#handler?.drain()
  }
}
