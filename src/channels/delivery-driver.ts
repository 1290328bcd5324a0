// Drives `topology/delivery` over lanes: what one turn brings goes into the core as one batch per stream, and what the
// core asks for is executed in order. What asks for no acknowledgement and has no key skips the core: it is sent, and
// handed over, as it comes.

import {
  Delivery,
  type DeliveryEffect,
  type DeliveryInput,
  type DeliveryOptions,
  type StreamEnd,
} from '../../topology/index.ts'
import type { ClusterError } from '../errors.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import { nodeStopping } from '../wait.ts'
import { type DeliveryMessage, decodeDelivery, encodeDelivery } from '../wire/delivery.ts'
import { MAX_FAILURE_BYTES } from '../wire/limits.ts'
import { WireError } from '../wire/wire-error.ts'
import { Arrival } from './arrival.ts'
import { type Batch, Batches } from './batches.ts'
import { channelDefaults } from './channel-defaults.ts'
import { failureOf } from './failures.ts'
import { IncomingPieces } from './incoming-pieces.ts'
import type { ArrivedEnvelope, ChannelName, IncomingLane, Lanes } from './lane.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import { OutgoingPieces } from './outgoing-pieces.ts'
import { OutgoingQueues } from './outgoing-queues.ts'
import { decodeFailure, encodeFailure } from './payload.ts'
import type { ReassemblyBudget } from './transfers.ts'

export interface DeliveryDriverOptions {
  readonly self: { readonly id: string; readonly name: string; readonly generation: number }
  readonly delivery: DeliveryOptions
  readonly lanes: Lanes
  readonly toolbox: Toolbox
  readonly nextHop: (member: string, isLarge: boolean) => string | undefined
  /** `member` has no link yet and is being called: what is for it waits. */
  readonly isAwaited: (member: string) => boolean
  /**
   * Something for that life of `member`, which it is to acknowledge, is about to be given to the core: it leaves once
   * `connected` was put.
   */
  readonly onOwed: (member: string, generation: number) => void
  readonly budget: ReassemblyBudget
  /** A message to hand over; whoever takes it calls {@link DeliveryDriver.handled} once. */
  readonly deliver: (arrival: Arrival) => void
  readonly dropped: (channel: ChannelName, reason: string, count: number) => void
}

type Input = DeliveryInput<OutgoingMessage, Arrival, Uint8Array>
type Effect = DeliveryEffect<OutgoingMessage, Arrival, Uint8Array>

export class DeliveryDriver {
  readonly queues: OutgoingQueues
  readonly #outgoingPieces: OutgoingPieces
  readonly #incomingPieces: IncomingPieces
  readonly #options: DeliveryDriverOptions
  readonly #core: Delivery<OutgoingMessage, Arrival, Uint8Array>
  readonly #timers: NamedTimers
  /** What this turn has brought and the core has not been told, by stream. */
  readonly #sends = new Batches<OutgoingMessage>()
  readonly #ordered = new Batches<OutgoingMessage>()
  readonly #finished = new Batches<Arrival>()
  /** Arrivals from this node itself, and what they were sent as. */
  readonly #own = new Map<Arrival, OutgoingMessage>()
  #isScheduled = false
  #isClosed = false
  #nextId = 1

  constructor(options: DeliveryDriverOptions) {
    const { self, lanes, toolbox, nextHop, isAwaited, budget } = options
    this.#options = options
    this.#core = new Delivery(options.delivery)
    const { clock, turn } = toolbox
    const say = (to: StreamEnd, said: DeliveryMessage, trace?: string): void => this.#say(to, said, trace)
    this.#outgoingPieces = new OutgoingPieces({ self, clock, turn, say })
    this.#incomingPieces = new IncomingPieces({
      ...{ self, clock, budget, say },
      arrived: (lane, envelopes) => this.arrived(lane, envelopes),
      malformed: (channel) => options.dropped(channel, 'malformed', 1),
    })
    this.queues = new OutgoingQueues({ self, lanes, nextHop, isAwaited, clock, pieces: this.#outgoingPieces })
    this.#timers = new NamedTimers(toolbox.clock, (timer) =>
      toolbox.turn.enter(() => this.put({ type: 'timer', timer })),
    )
  }

  /** A new id of this node's life. */
  nextId(): number {
    return this.#nextId++
  }

  /** Messages to a member that wait or are unacknowledged. */
  size(member: string, channel: ChannelName): number {
    return this.#core.size(member, channel) + this.#sends.count(member, channel)
  }

  post(message: OutgoingMessage): void {
    if (message.destination.id === this.#options.self.id) this.#postToSelf(message)
    else if (message.isAcknowledged) this.#batch(this.#sends, message)
    else if (message.key !== undefined || message.kind === 'newest') this.#batch(this.#ordered, message)
    else this.queues.put(message, 0)
  }

  /** Nobody waits for `message` any more. */
  abort(message: OutgoingMessage): void {
    const { destination, channel } = message
    if (!message.isAcknowledged || this.#isClosed) return
    this.#options.toolbox.turn.enter(() => {
      this.#flush()
      this.put({ type: 'abort', peer: destination.id, generation: destination.generation, channel, message })
    })
  }

  /** `member` is gone: nothing comes from it any more. */
  gone(member: string): void {
    this.#outgoingPieces.lost(member)
  }

  /** An arrival was handled, or failed with `error`. */
  handled(arrival: Arrival, error: unknown): void {
    arrival.release()
    const own = this.#own.get(arrival)
    if (own) {
      this.#own.delete(arrival)
      own.settle(own.isAcknowledged ? this.#asFailure(error, arrival.channel) : undefined)
    }
    if (own || !arrival.isAcknowledged) return
    const { source: peer, sourceGeneration: generation, channel } = arrival.envelope
    if (error === undefined) {
      this.#finished.add(peer, generation, channel, arrival)
    } else {
      const { payload: failure } = encodeFailure(error, this.#options.self.name, channel, MAX_FAILURE_BYTES)
      this.put({ type: 'handler-failed', peer, generation, channel, message: arrival, failure })
    }
    this.#schedule()
  }

  /** Envelopes for this node came over a lane. */
  arrived(lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]): void {
    const { clock } = this.#options.toolbox
    const [now, receivedAt] = [clock.now(), clock.wall()]
    let batch: Batch<Arrival> | undefined
    for (const envelope of envelopes) {
      const { source: peer, sourceGeneration: generation, channel, laneBytes } = envelope
      if (!this.#isForThisLife(envelope)) {
        lane.release(laneBytes)
      } else if (envelope.kind === 'ack') {
        this.#heard(envelope)
        this.#schedule()
      } else {
        const arrival = new Arrival(envelope, now, receivedAt, lane, laneBytes)
        if (envelope.sequence === 0) {
          this.#options.deliver(arrival)
          continue
        }
        const isSame =
          batch && batch.end.peer === peer && batch.end.generation === generation && batch.end.channel === channel
        if (batch && isSame) batch.items.push(arrival)
        else {
          if (batch) this.#receive(batch)
          batch = { end: { peer, generation, channel }, items: [arrival] }
        }
      }
    }
    if (batch) this.#receive(batch)
  }

  /** Tells the core; for what concerns peers and time. */
  put(input: Input): void {
    const { clock } = this.#options.toolbox
    for (const effect of this.#core.step(input, clock.now())) this.#execute(effect)
  }

  close(): void {
    this.#flush()
    this.#outgoingPieces.close()
    this.#incomingPieces.close()
    this.put({ type: 'close' })
    for (const message of this.#own.values()) message.settle(nodeStopping(true))
    this.#own.clear()
    this.#isClosed = true
    this.#timers.clearAll()
  }

  /** The payload is copied, as on any other way: a handler owns what it gets (design rule 21). */
  #postToSelf(message: OutgoingMessage): void {
    const { self, toolbox } = this.#options
    const now = toolbox.clock.now()
    const envelope = message.envelope(self, 0, now)
    const arrival = new Arrival({ ...envelope, payload: new Uint8Array(envelope.payload) }, now, toolbox.clock.wall())
    this.#own.set(arrival, message)
    // Whoever floods itself waits until it has handled some.
    if (!message.isAcknowledged && this.#own.size <= channelDefaults[message.channel].queueMessages) message.settle()
    queueMicrotask(() => toolbox.turn.enter(() => this.#options.deliver(arrival)))
  }

  #asFailure(error: unknown, channel: ChannelName): ClusterError | undefined {
    return error === undefined ? undefined : decodeFailure(encodeFailure(error, this.#options.self.name, channel))
  }

  #receive({ end, items }: Batch<Arrival>): void {
    this.put({ type: 'receive', ...end, messages: items })
    this.#schedule()
  }

  #isForThisLife({ destinationGeneration, channel }: ArrivedEnvelope): boolean {
    const isForThisLife = destinationGeneration === 0 || destinationGeneration === this.#options.self.generation
    if (!isForThisLife) this.#options.dropped(channel, 'earlier-life', 1)
    return isForThisLife
  }

  #heard({ source: peer, sourceGeneration: generation, channel, payload }: ArrivedEnvelope): void {
    let said: DeliveryMessage
    try {
      said = decodeDelivery(payload)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.#options.dropped(channel, 'malformed', 1)
      return
    }
    if (said.type === 'piece') this.#incomingPieces.take({ peer, generation, channel }, said)
    else if (said.type === 'placed') this.#outgoingPieces.placed(peer, said)
    else if (said.type === 'floor') this.put({ type: 'floor', peer, generation, channel, floor: said })
    else this.put({ type: 'acknowledged', peer, generation, channel, acknowledgement: said })
  }

  #batch(batches: Batches<OutgoingMessage>, message: OutgoingMessage): void {
    const { channel, destination } = message
    batches.add(destination.id, destination.generation, channel, message)
    this.#schedule()
  }

  /** Once, at the end of what runs now. */
  #schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    queueMicrotask(() => {
      if (this.#isClosed) return
      this.#options.toolbox.turn.enter(() => this.#flush())
    })
  }

  #flush(): void {
    this.#isScheduled = false
    for (const { end, items } of this.#sends.take()) {
      this.#options.onOwed(end.peer, end.generation)
      this.put({ type: 'send', ...end, messages: items })
    }
    for (const { end, items } of this.#ordered.take()) this.put({ type: 'send-ordered', ...end, messages: items })
    for (const { end, items } of this.#finished.take()) this.put({ type: 'finished', ...end, messages: items })
    this.put({ type: 'flush' })
  }

  #execute(effect: Effect): void {
    switch (effect.type) {
      case 'transmit':
        for (const message of effect.messages) this.queues.put(message, effect.floor)
        break
      case 'acknowledge':
        this.#say(effect, { type: 'acknowledgement', ...effect.acknowledgement })
        break
      case 'tell-floor':
        this.#say(effect, { type: 'floor', ...effect.floor })
        break
      case 'deliver':
        for (const arrival of effect.messages) this.#options.deliver(arrival)
        break
      case 'held':
        for (const arrival of effect.messages) arrival.release()
        break
      case 'dropped':
        for (const arrival of effect.messages) arrival.release()
        this.#options.dropped(effect.channel, effect.reason, effect.messages.length)
        break
      case 'settled':
        for (const message of effect.messages) message.settle()
        break
      case 'failed':
        effect.message.settle(failureOf(effect.message, effect.reason, effect.failure))
        break
      case 'set-timer':
        this.#timers.set(effect.timer, effect.at)
        break
      default:
        effect satisfies never
    }
  }

  /** Needs no credit. One that is lost is asked for again. */
  #say({ peer, generation, channel }: StreamEnd, said: DeliveryMessage, trace?: string): void {
    const { self, lanes, nextHop } = this.#options
    const hop = nextHop(peer, false)
    if (hop === undefined) return
    lanes.to(hop, channel)?.send({
      kind: 'ack',
      id: this.nextId(),
      source: self.id,
      sourceGeneration: self.generation,
      destination: peer,
      destinationGeneration: generation,
      channel,
      sequence: 0,
      floor: 0,
      key: undefined,
      epoch: 0,
      hops: 0,
      trace,
      deadlineMs: undefined,
      subject: undefined,
      topic: undefined,
      encoding: 'bytes',
      payload: encodeDelivery(said),
    })
  }
}
