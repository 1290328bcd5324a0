// The source's end of one stream. A message waits until there is a way and the window has room, is transmitted, and
// stays until it is settled: acknowledged, failed, superseded or expired.
//
//   waiting ──transmit──▶ sent ──told so──▶ received ──acknowledged──▶ settled
//      │                   │ ▲ missing in an answer: sent again          ▲
//      │                   ▼ │                                           │
//      └──────expired────▶ abandoned ────── the floor passes it ─────────┘
//
// Invariants: floor <= next, and next - floor <= window. Nothing below the floor is sent again. After silence, a
// reconnect or a change of the way it asks first what the other end has, so that nothing is resent that has come.

import { type Acknowledgement, type Floor, type Outgoing, type Range, rangesOf } from './messages.ts'
import type { DeliveryOptions } from './options.ts'

/** Why a message was settled other than by an acknowledgement. */
export type FailedReason = 'handler' | 'expired' | 'aborted' | 'life' | 'down' | 'closed'

/** What the outbox asks for; {@link Delivery} makes effects of it. */
export interface OutboxEffects<Out, Failure> {
  readonly transmit: Out[]
  readonly acknowledged: Out[]
  readonly superseded: Out[]
  readonly failed: { message: Out; reason: FailedReason; failure: Failure | undefined }[]
  floor: Floor | undefined
}

const FIRST_RING_MESSAGES = 64

export class Outbox<Out extends Outgoing, Failure> {
  readonly #options: DeliveryOptions
  /** By sequence modulo its length, a power of two. Holds what is from the floor on. */
  #ring: (Out | undefined)[] = new Array(FIRST_RING_MESSAGES).fill(undefined)
  #floor: number
  #next: number
  #isConnected = false
  #waiting: Out[] = []
  /** Messages of `#waiting` that were taken already. */
  #taken = 0
  /** Of those not taken, how many still wait; the others were settled meanwhile. */
  #stillWaiting = 0
  /** The waiting message of each key of which only the newest matters, by its position in `#waiting`. */
  readonly #newest = new Map<string, number>()
  /** No message expires before. */
  #expiresAt = Number.POSITIVE_INFINITY
  #askedAt = 0
  #probeDelayMs: number

  constructor(options: DeliveryOptions, firstSequence: number) {
    this.#options = options
    this.#floor = firstSequence
    this.#next = firstSequence
    this.#probeDelayMs = options.probeDelayMs
  }

  get floor(): number {
    return this.#floor
  }

  /** Nothing is waiting or unsettled. */
  get isIdle(): boolean {
    return this.#floor === this.#next && this.#stillWaiting === 0
  }

  /** Waiting and unsettled messages. */
  get size(): number {
    return this.#next - this.#floor + this.#stillWaiting
  }

  /** When {@link tick} is due. */
  get dueAt(): number {
    const isAsking = this.#isConnected && this.#floor < this.#next
    return Math.min(this.#expiresAt, isAsking ? this.#askedAt + this.#probeDelayMs : Number.POSITIVE_INFINITY)
  }

  send(messages: readonly Out[], now: number, effects: OutboxEffects<Out, Failure>): void {
    if (this.#floor === this.#next) this.#progressed(now)
    for (const message of messages) {
      if (message.expiresAt < this.#expiresAt) this.#expiresAt = message.expiresAt
      if (this.#isConnected && this.#hasRoom() && this.#stillWaiting === 0) this.#transmit(message, effects)
      else this.#wait(message, effects)
    }
  }

  /** There is a way to the destination, or a new one: what was lost on the old one is asked for. */
  connected(now: number, effects: OutboxEffects<Out, Failure>): void {
    this.#isConnected = true
    const hasUnsettled = this.#floor < this.#next
    this.#progressed(now)
    this.#fill(effects)
    if (hasUnsettled) this.#ask(now, effects)
  }

  disconnected(): void {
    this.#isConnected = false
  }

  acknowledge(acknowledgement: Acknowledgement<Failure>, now: number, effects: OutboxEffects<Out, Failure>): void {
    const before = this.#floor
    for (const { sequence, failure } of acknowledgement.failures) this.#fail(sequence, failure, effects)
    this.#settle(this.#floor, acknowledgement.finishedThrough, effects)
    for (const { first, last } of acknowledgement.finished) this.#settle(first, last, effects)
    for (const range of acknowledgement.received) this.#markReceived(range)
    this.#advance()
    if (acknowledgement.isAnswer) this.#resend(acknowledgement.until, effects)
    if (this.#floor > before) this.#progressed(now)
    this.#fill(effects)
  }

  /** Nobody waits for `message` any more. */
  abandon(message: Out, reason: FailedReason, now: number, effects: OutboxEffects<Out, Failure>): void {
    if (message.progress === 'settled' || message.progress === 'abandoned') return
    effects.failed.push({ message, reason, failure: undefined })
    const isMissing = message.progress === 'sent'
    if (message.sequence === 0) {
      message.progress = 'settled'
      this.#stillWaiting -= 1
      this.#tidy()
      return
    }
    message.progress = 'abandoned'
    this.#advance()
    // Whoever waits behind it at the other end must hear that it never comes.
    if (isMissing && this.#isConnected && this.#floor < this.#next) this.#ask(now, effects)
  }

  /** Time has passed {@link dueAt}. */
  tick(now: number, effects: OutboxEffects<Out, Failure>): void {
    if (now >= this.#expiresAt) this.#expire(now, effects)
    const isAsking = this.#isConnected && this.#floor < this.#next
    if (!isAsking || now < this.#askedAt + this.#probeDelayMs) return
    this.#ask(now, effects)
    this.#probeDelayMs = Math.min(2 * this.#probeDelayMs, this.#options.maxProbeDelayMs)
  }

  /** The stream ends: everything in it fails. */
  close(reason: FailedReason, effects: OutboxEffects<Out, Failure>): void {
    for (const message of this.#unsettled()) {
      if (message.progress === 'abandoned') continue
      message.progress = 'settled'
      effects.failed.push({ message, reason, failure: undefined })
    }
    this.#floor = this.#next
    this.#ring.fill(undefined)
    this.#stillWaiting = 0
    this.#tidy()
    this.#expiresAt = Number.POSITIVE_INFINITY
  }

  *#unsettled(): Generator<Out> {
    for (let sequence = this.#floor; sequence < this.#next; sequence++) {
      const message = this.#at(sequence)
      if (message && message.progress !== 'settled') yield message
    }
    for (let index = this.#taken; index < this.#waiting.length; index++) {
      const message = this.#waiting[index]
      if (message && message.progress !== 'settled') yield message
    }
  }

  #at(sequence: number): Out | undefined {
    return this.#ring[sequence & (this.#ring.length - 1)]
  }

  #hasRoom(): boolean {
    return this.#next - this.#floor < this.#options.windowMessages
  }

  #transmit(message: Out, effects: OutboxEffects<Out, Failure>): void {
    if (this.#next - this.#floor === this.#ring.length) this.#grow()
    message.sequence = this.#next
    message.progress = 'sent'
    this.#ring[this.#next & (this.#ring.length - 1)] = message
    this.#next += 1
    effects.transmit.push(message)
  }

  #grow(): void {
    const old = this.#ring
    this.#ring = new Array(2 * old.length).fill(undefined)
    for (let sequence = this.#floor; sequence < this.#next; sequence++)
      this.#ring[sequence & (this.#ring.length - 1)] = old[sequence & (old.length - 1)]
  }

  #wait(message: Out, effects: OutboxEffects<Out, Failure>): void {
    const key = message.isMonotonic ? (message.key ?? '') : undefined
    const index = key === undefined ? undefined : this.#newest.get(key)
    if (index !== undefined) {
      // The newer one takes the place of the older, so a key that never rests does not wait for ever.
      const older = this.#waiting[index]
      if (older && older.progress === 'waiting') {
        older.progress = 'settled'
        effects.superseded.push(older)
        this.#waiting[index] = message
        return
      }
    }
    if (key !== undefined) this.#newest.set(key, this.#waiting.length)
    this.#waiting.push(message)
    this.#stillWaiting += 1
  }

  /** Transmits what waits as far as the window goes. */
  #fill(effects: OutboxEffects<Out, Failure>): void {
    if (!this.#isConnected || this.#stillWaiting === 0) return
    while (this.#stillWaiting > 0 && this.#hasRoom()) {
      const message = this.#waiting[this.#taken] as Out
      this.#taken += 1
      if (message.progress !== 'waiting') continue
      this.#stillWaiting -= 1
      this.#transmit(message, effects)
    }
    this.#tidy()
  }

  /** Lets go of what no longer waits, once that is most of it. */
  #tidy(): void {
    if (this.#stillWaiting > 0 && this.#waiting.length < 2 * this.#stillWaiting + FIRST_RING_MESSAGES) return
    this.#waiting = this.#waiting.slice(this.#taken).filter(({ progress }) => progress === 'waiting')
    this.#taken = 0
    this.#newest.clear()
    for (const [index, { isMonotonic, key }] of this.#waiting.entries())
      if (isMonotonic) this.#newest.set(key ?? '', index)
  }

  #settle(first: number, last: number, effects: OutboxEffects<Out, Failure>): void {
    const end = Math.min(last, this.#next - 1)
    for (let sequence = Math.max(first, this.#floor); sequence <= end; sequence++) {
      const message = this.#at(sequence)
      if (!message || message.progress === 'settled') continue
      if (message.progress !== 'abandoned') effects.acknowledged.push(message)
      message.progress = 'settled'
    }
  }

  #fail(sequence: number, failure: Failure, effects: OutboxEffects<Out, Failure>): void {
    if (sequence < this.#floor || sequence >= this.#next) return
    const message = this.#at(sequence)
    if (!message || message.progress === 'settled') return
    if (message.progress !== 'abandoned') effects.failed.push({ message, reason: 'handler', failure })
    message.progress = 'settled'
  }

  #markReceived({ first, last }: Range): void {
    const end = Math.min(last, this.#next - 1)
    for (let sequence = Math.max(first, this.#floor); sequence <= end; sequence++) {
      const message = this.#at(sequence)
      if (message?.progress === 'sent') message.progress = 'received'
    }
  }

  /** The floor is the first sequence that somebody still waits for. */
  #advance(): void {
    while (this.#floor < this.#next) {
      const message = this.#at(this.#floor)
      if (message && message.progress !== 'settled' && message.progress !== 'abandoned') return
      this.#ring[this.#floor & (this.#ring.length - 1)] = undefined
      this.#floor += 1
    }
  }

  #resend(until: number, effects: OutboxEffects<Out, Failure>): void {
    const end = Math.min(until, this.#next - 1)
    for (let sequence = this.#floor; sequence <= end; sequence++) {
      const message = this.#at(sequence)
      if (message?.progress === 'sent') effects.transmit.push(message)
    }
  }

  #ask(now: number, effects: OutboxEffects<Out, Failure>): void {
    this.#askedAt = now
    effects.floor = { floor: this.#floor, sentThrough: this.#next - 1, skipped: rangesOf(this.#abandoned()) }
  }

  *#abandoned(): Generator<number> {
    for (let sequence = this.#floor; sequence < this.#next; sequence++)
      if (this.#at(sequence)?.progress === 'abandoned') yield sequence
  }

  #progressed(now: number): void {
    this.#askedAt = now
    this.#probeDelayMs = this.#options.probeDelayMs
  }

  #expire(now: number, effects: OutboxEffects<Out, Failure>): void {
    this.#expiresAt = Number.POSITIVE_INFINITY
    for (const message of this.#unsettled()) {
      if (message.progress === 'abandoned') continue
      if (message.expiresAt <= now) this.abandon(message, 'expired', now, effects)
      else if (message.expiresAt < this.#expiresAt) this.#expiresAt = message.expiresAt
    }
  }
}
