// Payloads larger than a chunk on their way to members to which no link can be made: in pieces over relays, a few at a
// time, under the word of their destination. When pieces go is decided in `topology/delivery/pieces.ts`; here they are
// cut, and what becomes of a message is told.

import { Buffer } from 'node:buffer'
import { PIECE_BYTES, PieceFlow } from '../../topology/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import { nodeStopping } from '../wait.ts'
import type { DeliveryMessage } from '../wire/delivery.ts'
import { writeHead } from '../wire/lane-envelope.ts'
import { MAX_LANE_HEAD_BYTES } from '../wire/limits.ts'
import { memberDown, transferRefused } from './failures.ts'
import type { ChannelName } from './lane.ts'
import { MAX_RELAYED_TRANSFERS } from './lane-limits.ts'
import { isOver, type OutgoingMessage } from './outgoing-message.ts'

/** How often it is looked whether pieces are to be sent again, while there are any. */
const LOOK_MS = 100

export interface OutgoingPiecesOptions {
  readonly self: { readonly id: string; readonly generation: number }
  readonly clock: Time
  readonly turn: Turn
  /** By whatever way there is now; what finds none, or no room, is lost. */
  readonly say: (
    to: { peer: string; generation: number; channel: ChannelName },
    said: DeliveryMessage,
    trace?: string,
  ) => void
}

interface Waiting {
  readonly message: OutgoingMessage
  readonly floor: number
}

interface Sending {
  readonly message: OutgoingMessage
  readonly head: Uint8Array
  readonly flow: PieceFlow
}

export class OutgoingPieces {
  readonly #options: OutgoingPiecesOptions
  /** By number, counted in this node's life. */
  readonly #sending = new Map<number, Sending>()
  /** Bounded by whoever bounds unsettled messages. */
  readonly #waiting: Waiting[] = []
  #nextNumber = 1
  #timer: Timer | undefined

  constructor(options: OutgoingPiecesOptions) {
    this.#options = options
  }

  /**
   * Sends `message` piece by piece, after those to the same member before it. What is on its way already is not begun
   * again.
   */
  put(message: OutgoingMessage, floor: number): void {
    const isKnown = [...this.#sending.values(), ...this.#waiting].some((known) => known.message === message)
    if (isKnown) return
    this.#waiting.push({ message, floor })
    this.#beginMore()
  }

  /** The destination of one says what it has of it. */
  placed(peer: string, { transfer, through, state }: Extract<DeliveryMessage, { type: 'placed' }>): void {
    const one = this.#sending.get(transfer)
    if (one?.message.destination.id !== peer) return
    if (state === 'wanted') {
      this.#send(transfer, one, one.flow.placed(through, this.#options.clock.now()))
      return
    }
    this.#sending.delete(transfer)
    // What is acknowledged is settled by that alone; refused, it is asked after and sent again.
    if (!one.message.isAcknowledged) one.message.settle(state === 'done' ? undefined : transferRefused(one.message))
    this.#beginMore()
  }

  /** `member` is gone. */
  lost(member: string): void {
    this.#drop(
      ({ message }) => message.destination.id === member,
      ({ destination: { name } }) => memberDown(name, true),
    )
    this.#beginMore()
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
    this.#drop(
      () => true,
      () => nodeStopping(true),
    )
  }

  #drop(
    isMeant: (one: { readonly message: OutgoingMessage }) => boolean,
    why: (message: OutgoingMessage) => Parameters<OutgoingMessage['settle']>[0],
  ): void {
    const dropped = [...this.#sending.values(), ...this.#waiting].filter(isMeant)
    for (const [number, one] of this.#sending) if (isMeant(one)) this.#sending.delete(number)
    this.#waiting.splice(0, Infinity, ...this.#waiting.filter((one) => !isMeant(one)))
    for (const { message } of dropped) if (!message.isAcknowledged) message.settle(why(message))
  }

  /** One to each member and channel at a time, so that they come in order and no relay is flooded. */
  #beginMore(): void {
    for (let at = 0; at < this.#waiting.length && this.#sending.size < MAX_RELAYED_TRANSFERS; ) {
      const { message, floor } = this.#waiting[at] as Waiting
      const isBusy = [...this.#sending.values()].some(
        ({ message: other }) => other.destination.id === message.destination.id && other.channel === message.channel,
      )
      if (isBusy && !isOver(message)) at += 1
      else {
        this.#waiting.splice(at, 1)
        if (!isOver(message)) this.#begin(message, floor)
      }
    }
    if (this.#sending.size > 0) this.#timer ??= this.#options.clock.setTimeout(() => this.#look(), LOOK_MS)
  }

  #begin(message: OutgoingMessage, floor: number): void {
    const { self, clock } = this.#options
    const { channel, destination, bytes } = message
    const head = Buffer.allocUnsafe(MAX_LANE_HEAD_BYTES)
    const length = writeHead(head, 0, message.envelope(self, floor, clock.now()), {
      channel,
      self: self.id,
      selfGeneration: self.generation,
      peer: destination.id,
      peerGeneration: destination.generation,
    })
    const one: Sending = { message, head: head.subarray(0, length), flow: new PieceFlow(bytes) }
    const number = this.#nextNumber++
    this.#sending.set(number, one)
    this.#send(number, one, one.flow.begin(clock.now()))
  }

  #send(transfer: number, { message, head }: Sending, offsets: readonly number[]): void {
    const { destination, channel, encoded, bytes } = message
    const to = { peer: destination.id, generation: destination.generation, channel }
    for (const offset of offsets) {
      const part = encoded.payload.subarray(offset, offset + PIECE_BYTES)
      const before = offset === 0 ? head : new Uint8Array()
      // One piece of it tells relays whose trace they are in.
      const trace = offset === 0 ? message.trace : undefined
      this.#options.say(to, { type: 'piece', transfer, bytes, offset, head: before, part }, trace)
    }
  }

  #look(): void {
    this.#timer = undefined
    this.#options.turn.enter(() => {
      for (const [number, one] of this.#sending) {
        if (isOver(one.message)) this.#sending.delete(number)
        else this.#send(number, one, one.flow.tick(this.#options.clock.now()))
      }
      this.#beginMore()
    })
  }
}
