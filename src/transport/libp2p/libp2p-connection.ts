// One link over libp2p: a connection of its own with one stream. What is written within one turn leaves as one send,
// for each send costs an encryption and several system calls. Nothing is read before the owner has started it: a paused
// yamux stream grants no more than its window.
//
//   send() true ──▶ written, told on a later turn
//   send() false ─▶ blocked: further turns gather here
//                      ── 'drain' and nothing left in the stream ──▶ next piece; written, next batch
//
// A batch goes to the stream in pieces that fit into one Noise message, and with what is put around them into one read
// of the other end: yamux hands a frame up when all of it is there, so one that is larger is read, decrypted and
// handled only after it has been sent.
//
// The `drain` event it is, and not the promise of `onDrain()`: that one is resolved for ever by the first drain, and a
// loop on it would queue without bound.

import { Buffer } from 'node:buffer'
import type { Connection as Libp2pConnection, Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import type { Connection, ConnectionHandler } from '../transport.ts'
import { chunksOf, type Greeting } from './greeting.ts'
import { updateWindowByHalves } from './window-updates.ts'

const NOTHING = new Uint8Array(0)
/**
 * It has encrypted what a stream has taken. Others may still read it when its owner, who was told that it is written,
 * uses the memory again.
 */
const NOISE = '/noise'
const YAMUX_HEADER_BYTES = 12
/** 64 KiB, which a socket reads at once, without Noise's length and tag and yamux' header. */
const MAX_PIECE_BYTES = 64 * 1024 - 2 - 16 - YAMUX_HEADER_BYTES

export interface Libp2pConnectionOptions {
  readonly peer: string
  readonly side: 'dialer' | 'acceptor'
  readonly remoteAddress: string
  readonly greeting: Greeting
  /** Queued bytes past which `write` answers `false`, and below which `drain` is called. */
  readonly highWaterMark: number
  readonly lowWaterMark: number
  /** Milliseconds that `close` waits for what is queued to leave and for the other end to agree. */
  readonly closeTimeoutMs: number
  readonly onAdmit: () => void
}

export class StreamConnection implements Connection {
  readonly peer: string
  readonly side: 'dialer' | 'acceptor'
  readonly remoteAddress: string
  readonly binding: Uint8Array
  readonly #connection: Libp2pConnection
  readonly #stream: Stream
  readonly #options: Libp2pConnectionOptions
  #handler: ConnectionHandler | undefined
  /** Written and not yet handed to the stream, and who waits for it. */
  #turn: Uint8Array[] = []
  #turnBytes = 0
  #turnWaiting: (() => void)[] = []
  /** The batch that the stream has and has not yet let go. */
  #sentBytes = 0
  /** What of it the stream has not been given yet. */
  #unsent: Uint8Array = NOTHING
  #sentWaiting: (() => void)[] = []
  /** The stream has all of it, and the end of that is told on a later turn: a drain between means nothing. */
  #isTaken = false
  #isFlushing = false
  #needsDrain = false
  #isClosing = false
  /** This end's half of the stream, and the other's. */
  #hasEnded = false
  #remoteHasEnded = false
  #error: Error | undefined
  #isClosed = false
  readonly #closed: Promise<void>

  constructor(connection: Libp2pConnection, stream: Stream, options: Libp2pConnectionOptions) {
    this.#connection = connection
    this.#stream = stream
    this.#options = options
    this.peer = options.peer
    this.side = options.side
    this.remoteAddress = options.remoteAddress
    this.binding = options.greeting.binding
    updateWindowByHalves(stream)
    stream.addEventListener('drain', () => queueMicrotask(() => this.#drained()))
    stream.addEventListener('remoteCloseWrite', () => {
      this.#remoteHasEnded = true
      if (this.#handler || this.#isClosing) queueMicrotask(() => this.#bothEnd())
    })
    this.#closed = new Promise((resolve) => {
      const end = (event?: StreamCloseEvent): void => {
        if (event?.error !== undefined) this.#error ??= event.error
        // The end of the connection ends its stream, and the other way round; whichever is noticed first.
        setImmediate(() => {
          if (this.#isClosed) return
          this.#isClosed = true
          if (connection.status === 'open') connection.abort(this.#error ?? new Error('its stream has ended'))
          resolve()
          this.#handler?.close(this.#reason())
        })
      }
      connection.addEventListener('close', end)
      stream.addEventListener('close', (event) => {
        if (event.error !== undefined) end(event)
      })
      if (connection.status !== 'open') end()
    })
  }

  get queuedBytes(): number {
    return this.#turnBytes + this.#sentBytes
  }

  /** What Noise has decrypted is a stream's alone, but for the header in front of it. */
  get handsOverMemory(): number | undefined {
    return this.#connection.encryption === NOISE ? YAMUX_HEADER_BYTES : undefined
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
    if (this.#isClosed) {
      queueMicrotask(() => handler.close(this.#reason()))
      return
    }
    queueMicrotask(() => {
      for (const chunk of this.#options.greeting.early) this.#deliver(chunk)
      this.#read()
      if (this.#remoteHasEnded) this.#bothEnd()
    })
  }

  write(bytes: Uint8Array, onWritten?: () => void): boolean {
    if (this.#isClosing || this.#isClosed) return false
    this.#turn.push(bytes)
    if (onWritten) this.#turnWaiting.push(onWritten)
    this.#turnBytes += bytes.length
    if (!this.#isFlushing && this.#sentBytes === 0) {
      this.#isFlushing = true
      queueMicrotask(this.#flushLast)
    }
    if (this.queuedBytes <= this.#options.highWaterMark) return true
    this.#needsDrain = true
    return false
  }

  admit(): void {
    this.#options.onAdmit()
  }

  close(): Promise<void> {
    if (this.#isClosing || this.#isClosed) return this.#closed
    this.#isClosing = true
    const late = new Error('the other end did not agree to close in time')
    const timer = setTimeout(() => this.#connection.abort(late), this.#options.closeTimeoutMs)
    void this.#closed.then(() => clearTimeout(timer))
    if (!this.#handler) this.#read()
    if (this.#sentBytes === 0) this.#flush()
    if (this.#turnBytes === 0 && this.#unsent.length === 0) this.#endStream()
    return this.#closed
  }

  destroy(): void {
    this.#isClosing = true
    this.#connection.abort(new Error('destroyed'))
  }

  /** An end that this one asked for, or that the other end announced by ending its stream, is no error. */
  #reason(): Error | undefined {
    if (this.#isClosing || this.#remoteHasEnded) return undefined
    return this.#error ?? new Error('the connection was closed without an end of its stream')
  }

  #read(): void {
    this.#stream.addEventListener('message', ({ data }: StreamMessageEvent) => {
      for (const chunk of chunksOf(data)) this.#deliver(chunk)
    })
    if (this.#stream.status === 'open') this.#stream.resume()
  }

  #deliver(chunk: Uint8Array): void {
    if (!this.#isClosing && !this.#isClosed) this.#handler?.data(chunk)
  }

  /** Behind every promise that what runs now has resolved: an answer and its acknowledgement leave together. */
  readonly #flushLast = (): void =>
    process.nextTick(() => {
      this.#isFlushing = false
      if (this.#sentBytes === 0) this.#flush()
    })

  #flush(): void {
    if (this.#turn.length === 0 || this.#stream.status !== 'open') return
    const isOne = this.#turn.length === 1 && this.#connection.encryption === NOISE
    this.#unsent = isOne ? (this.#turn[0] as Uint8Array) : Buffer.concat(this.#turn, this.#turnBytes)
    this.#sentBytes = this.#turnBytes
    this.#sentWaiting = this.#turnWaiting
    this.#turn = []
    this.#turnBytes = 0
    this.#turnWaiting = []
    this.#send()
  }

  #send(): void {
    try {
      let takesMore = true
      while (takesMore && this.#unsent.length > 0) {
        const piece = this.#unsent.subarray(0, MAX_PIECE_BYTES)
        this.#unsent = this.#unsent.subarray(piece.length)
        takesMore = this.#stream.send(piece)
      }
      if (!takesMore) return
      this.#isTaken = true
      setImmediate(() => this.#written())
    } catch (error) {
      // The connection below has ended, and has not told the stream yet.
      this.#connection.abort(error as Error)
    }
  }

  /** The stream has sent something on; its own listener, which came first, has refilled it by now. */
  #drained(): void {
    const { writableNeedsDrain, writeBufferLength } = this.#stream
    if (this.#sentBytes === 0 || this.#isTaken || writableNeedsDrain || writeBufferLength > 0) return
    if (this.#unsent.length === 0) this.#written()
    else if (this.#stream.status === 'open') this.#send()
  }

  #written(): void {
    if (this.#isClosed || this.#sentBytes === 0) return
    const waiting = this.#sentWaiting
    this.#isTaken = false
    this.#sentBytes = 0
    this.#sentWaiting = []
    for (const tell of waiting) tell()
    if (this.#sentBytes === 0) this.#flush()
    if (this.#isClosing && this.queuedBytes === 0) this.#endStream()
    if (!this.#needsDrain || this.#isClosing || this.queuedBytes >= this.#options.lowWaterMark) return
    this.#needsDrain = false
    this.#handler?.drain()
  }

  /** The other end has ended its half: this end sends what it has and ends its own. */
  #bothEnd(): void {
    if (this.#hasEnded) void this.#endConnection()
    else void this.close()
  }

  #endStream(): void {
    const signal = AbortSignal.timeout(this.#options.closeTimeoutMs)
    this.#stream.close({ signal }).then(
      () => {
        this.#hasEnded = true
        if (this.#remoteHasEnded) void this.#endConnection()
      },
      (error: Error) => this.#connection.abort(error),
    )
  }

  async #endConnection(): Promise<void> {
    try {
      await this.#connection.close({ signal: AbortSignal.timeout(this.#options.closeTimeoutMs) })
    } catch (error) {
      this.#connection.abort(error as Error)
    }
  }
}
