// Payloads that come in pieces over relays, put together in bounded memory. Pieces are taken in order only, and each is
// answered with what is there. The last answer comes when the message is done with, so that a slow handler slows
// whoever sends it the next.
//
//   (unknown) ──first piece──▶ assembling ──last piece──▶ handed over ──released──▶ done
//                  │ no memory: refused     └ silence for long: forgotten       remembered for those that ask again

import { Buffer } from 'node:buffer'
import type { StreamEnd } from '../../topology/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { DeliveryMessage } from '../wire/delivery.ts'
import { HeadReader } from '../wire/lane-envelope.ts'
import { MAX_CHUNK_BYTES, MAX_TRANSFER_BYTES } from '../wire/limits.ts'
import { WireError } from '../wire/wire-error.ts'
import type { ArrivedEnvelope, IncomingLane } from './lane.ts'
import { MAX_RELAYED_TRANSFERS } from './lane-limits.ts'
import type { ReassemblyBudget } from './transfers.ts'

/**
 * Milliseconds without a piece after which its source is believed to have given it up: several of its longest pauses.
 */
const FORGET_MS = 30_000
/** Of those that are done, so many are remembered, all sources together. */
const MAX_DONE = 4_096

type Piece = Extract<DeliveryMessage, { type: 'piece' }>

export interface IncomingPiecesOptions {
  readonly self: { readonly id: string; readonly generation: number }
  readonly clock: Time
  readonly budget: ReassemblyBudget
  /** To the source of a transfer; it asks again when that is lost. */
  readonly say: (to: StreamEnd, said: DeliveryMessage) => void
  /** A message is complete. */
  readonly arrived: (lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]) => void
  readonly malformed: (channel: StreamEnd['channel']) => void
}

interface Assembling {
  readonly from: StreamEnd
  readonly transfer: number
  readonly head: Buffer
  readonly payload: Buffer
  filled: number
  touchedAt: number
}

export class IncomingPieces {
  readonly #options: IncomingPiecesOptions
  readonly #assembling = new Map<string, Assembling>()
  readonly #done = new Set<string>()
  #timer: Timer | undefined

  constructor(options: IncomingPiecesOptions) {
    this.#options = options
  }

  take(from: StreamEnd, piece: Piece): void {
    const { transfer, offset, part } = piece
    const name = `${from.peer} ${from.generation} ${from.channel} ${transfer}`
    if (this.#done.has(name)) {
      this.#answer(from, transfer, 'done')
      return
    }
    const one = this.#assembling.get(name) ?? (offset === 0 ? this.#begin(name, from, piece) : undefined)
    if (one === undefined) {
      this.#answer(from, transfer, offset === 0 ? 'refused' : 'wanted')
      return
    }
    one.touchedAt = this.#options.clock.now()
    const { payload } = one
    if (offset === one.filled && part.length > 0 && offset + part.length <= payload.length) {
      payload.set(part, offset)
      one.filled += part.length
      if (one.filled === payload.length) this.#handOver(name, one)
    }
    if (this.#assembling.has(name)) this.#answer(from, transfer, 'wanted', one.filled)
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
    for (const [name, one] of this.#assembling) this.#forget(name, one)
  }

  /** Undefined: there is no memory for it, or nobody sends such a thing. */
  #begin(name: string, from: StreamEnd, { transfer, bytes, head }: Piece): Assembling | undefined {
    const isLarge = bytes > MAX_CHUNK_BYTES && bytes <= MAX_TRANSFER_BYTES
    const open = [...this.#assembling.values()].filter((other) => other.from.peer === from.peer).length
    if (!isLarge || open >= MAX_RELAYED_TRANSFERS || !this.#options.budget.reserve(bytes)) return undefined
    const payload = Buffer.allocUnsafeSlow(bytes)
    const one = { from, transfer, head: Buffer.from(head), payload, filled: 0, touchedAt: 0 }
    this.#assembling.set(name, one)
    this.#watch()
    return one
  }

  #handOver(name: string, one: Assembling): void {
    const { from, transfer, head, payload } = one
    const { self, arrived, malformed } = this.#options
    const { peer, generation, channel } = from
    const ends = { channel, self: self.id, selfGeneration: self.generation, peer, peerGeneration: generation }
    try {
      const whole = new Uint8Array(payload.buffer, payload.byteOffset, payload.length)
      const envelope = new HeadReader(ends).read(head, 0, head.length, 1, whole)
      const { kind, source, sourceGeneration, destination } = envelope
      if (kind === 'ack' || source !== peer || sourceGeneration !== generation || destination !== self.id)
        throw new WireError('bad-value', 'the head of a transfer names others than its ends')
      const release = (): void => {
        this.#forget(name, one)
        this.#remember(name)
        this.#answer(from, transfer, 'done')
      }
      arrived({ peer, channel, release }, [{ ...envelope, laneBytes: 1 }])
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      malformed(channel)
      this.#forget(name, one)
      this.#answer(from, transfer, 'refused')
    }
  }

  #answer(to: StreamEnd, transfer: number, state: 'wanted' | 'done' | 'refused', through = 0): void {
    this.#options.say(to, { type: 'placed', transfer, through, state })
  }

  #forget(name: string, { payload }: Assembling): void {
    if (this.#assembling.delete(name)) this.#options.budget.release(payload.length)
  }

  #remember(name: string): void {
    this.#done.add(name)
    for (const oldest of this.#done) {
      if (this.#done.size <= MAX_DONE) break
      this.#done.delete(oldest)
    }
  }

  #watch(): void {
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      const now = this.#options.clock.now()
      for (const [name, one] of this.#assembling)
        if (one.filled < one.payload.length && now - one.touchedAt > FORGET_MS) this.#forget(name, one)
      if (this.#assembling.size > 0) this.#watch()
    }, FORGET_MS)
    this.#timer.unref()
  }
}
