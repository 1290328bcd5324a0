// A connection whose two directions can be held back or slowed down. Order is kept; the close waits its turn as well.

import type { Time, Timer } from '../runtime/clock.ts'
import type { NetworkFaults } from './faulty.ts'
import type { Connection, ConnectionHandler } from './transport.ts'

/** Bytes held on their way out past which `write` answers `false`. */
const HELD_HIGH_WATER_BYTES = 1024 * 1024
/** Bytes held on their way in past which the connection is destroyed. */
const MAX_HELD_BYTES = 64 * 1024 * 1024
/** Milliseconds that `close` waits for what is held. */
const HELD_CLOSE_TIMEOUT_MS = 1_000

/** One direction: things wait here while it is cut, and each for the delay. */
class Direction {
  readonly #clock: Time
  readonly #isCut: () => boolean
  readonly #waiting: { readonly at: number; readonly bytes: number; readonly run: () => void }[] = []
  #timer: Timer | undefined
  #heldBytes = 0

  constructor(clock: Time, isCut: () => boolean) {
    this.#clock = clock
    this.#isCut = isCut
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** True when something put now would run at once. */
  isClear(delayMs: number): boolean {
    return this.#waiting.length === 0 && delayMs === 0 && !this.#isCut()
  }

  put(bytes: number, delayMs: number, run: () => void): void {
    this.#waiting.push({ at: this.#clock.now() + delayMs, bytes, run })
    this.#heldBytes += bytes
    this.pump()
  }

  /** Runs what is due; the rest waits for its time, or for the cut to heal. */
  pump(): void {
    this.#timer?.[Symbol.dispose]()
    while (!this.#isCut()) {
      const next = this.#waiting[0]
      if (next === undefined) return
      const wait = next.at - this.#clock.now()
      if (wait > 0) {
        this.#timer = this.#clock.setTimeout(() => this.pump(), Math.ceil(wait))
        return
      }
      this.#waiting.shift()
      this.#heldBytes -= next.bytes
      next.run()
    }
  }

  clear(): void {
    this.#timer?.[Symbol.dispose]()
    this.#waiting.length = 0
    this.#heldBytes = 0
  }
}

/** Made by `FaultyTransport`. */
export class FaultyConnection implements Connection {
  readonly #inner: Connection
  readonly #self: string
  readonly #faults: NetworkFaults
  readonly #out: Direction
  readonly #in: Direction
  readonly #forget: () => void
  /** Resolves when nothing more will happen here. */
  readonly ended: Promise<void>
  #resolveEnded: () => void = () => undefined
  #handler: ConnectionHandler | undefined
  /** Tells the owner of the end, which the network still holds back. */
  #hiddenEnd: (() => void) | undefined
  #isClosing = false
  #needsDrain = false

  constructor(inner: Connection, self: string, faults: NetworkFaults) {
    this.#inner = inner
    this.#self = self
    this.#faults = faults
    this.#out = new Direction(faults.clock, () => faults.isCut(self, inner.peer))
    this.#in = new Direction(faults.clock, () => faults.isCut(inner.peer, self))
    this.#forget = faults.onChange(() => {
      this.#out.pump()
      this.#in.pump()
    })
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve
    })
  }

  get peer(): string {
    return this.#inner.peer
  }

  get side(): 'dialer' | 'acceptor' {
    return this.#inner.side
  }

  get remoteAddress(): string {
    return this.#inner.remoteAddress
  }

  get binding(): Uint8Array {
    return this.#inner.binding
  }

  get queuedBytes(): number {
    return this.#inner.queuedBytes + this.#out.heldBytes
  }

  isBetween(a: string, b: string): boolean {
    return (this.#self === a && this.peer === b) || (this.#self === b && this.peer === a)
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#inner.start({
      data: (bytes) => this.#receive(bytes, handler),
      drain: () => handler.drain(),
      close: (error) => {
        const end = (): void => {
          this.#hiddenEnd = undefined
          this.#end()
          handler.close(error)
        }
        // What this end closed itself needs no network; what the other end did has to come through.
        if (this.#isClosing) return end()
        this.#hiddenEnd = end
        this.#in.put(0, 0, end)
      },
    })
  }

  write(bytes: Uint8Array, onWritten?: () => void): boolean {
    if (this.#isClosing) return false
    const { delayMs } = this.#faults
    if (this.#out.isClear(delayMs)) return this.#inner.write(bytes, onWritten)
    const copy = new Uint8Array(bytes)
    this.#out.put(copy.length, delayMs, () => this.#release(copy, onWritten))
    this.#needsDrain ||= this.#out.heldBytes > HELD_HIGH_WATER_BYTES
    return !this.#needsDrain
  }

  flush(): void {
    this.#inner.flush?.()
  }

  admit(): void {
    this.#inner.admit()
  }

  close(): Promise<void> {
    // Nobody is there to send the rest to.
    if (this.#hiddenEnd) this.destroy()
    if (this.#isClosing) return this.#inner.close()
    this.#isClosing = true
    this.#in.clear()
    return new Promise((resolve) => {
      const timer = this.#faults.clock.setTimeout(() => this.destroy(), HELD_CLOSE_TIMEOUT_MS)
      void this.ended.then(() => timer?.[Symbol.dispose]()).then(resolve)
      this.#out.put(0, 0, () => void this.#inner.close().then(() => this.#end()))
    })
  }

  destroy(): void {
    this.#isClosing = true
    this.#inner.destroy()
    // One that has closed already does not tell it again.
    if (this.#hiddenEnd) this.#faults.clock.setImmediate(this.#hiddenEnd)
    this.#hiddenEnd = undefined
    this.#end()
  }

  #receive(bytes: Uint8Array, handler: ConnectionHandler): void {
    if (this.#in.isClear(0)) {
      handler.data(bytes)
      return
    }
    const copy = new Uint8Array(bytes)
    if (this.#in.heldBytes + copy.length > MAX_HELD_BYTES) this.destroy()
    else this.#in.put(copy.length, 0, () => handler.data(copy))
  }

  #release(bytes: Uint8Array, onWritten: (() => void) | undefined): void {
    this.#inner.write(bytes, onWritten)
    if (!this.#needsDrain || this.#out.heldBytes > 0) return
    this.#needsDrain = false
    this.#handler?.drain()
  }

  #end(): void {
    this.#forget()
    this.#in.clear()
    this.#out.clear()
    this.#resolveEnded()
  }
}
