// Delivery of acknowledged and ordered messages (design rule 10): one outbox and one inbox for each life of a peer and
// channel. Here inputs find their stream; the stream's ends are `outbox.ts` and `inbox.ts`.
//
//   send ─▶ outbox ─transmit─▶ ··· ─receive─▶ inbox ─deliver─▶ handler
//                 ◀─acknowledged─ ··· ◀─acknowledge─     ◀─finished─
//
// A stream belongs to one life of its source and one of its destination. When either changes, what was not acknowledged
// fails and the sequences begin anew: nothing of one life is ever sent to, or taken from, another.

import type { MemberId } from '../types.ts'
import type { DeliveryDropReason, DeliveryEffect, DeliveryInput, StreamEnd } from './core.ts'
import type { ChannelName } from './envelope.ts'
import { Inbox, type InboxEffects } from './inbox.ts'
import type { Incoming, Outgoing } from './messages.ts'
import { Newest } from './newest.ts'
import type { DeliveryOptions } from './options.ts'
import { type FailedReason, Outbox, type OutboxEffects } from './outbox.ts'

const TIMER = 'delivery'

interface OutStream<Out extends Outgoing, Failure> {
  readonly end: StreamEnd
  readonly outbox: Outbox<Out, Failure>
  /** Sequences of what is ordered and not acknowledged. */
  ordered: number
}

interface InStream<In extends Incoming, Failure> {
  readonly end: StreamEnd
  readonly inbox: Inbox<In, Failure>
  /** The newest of each key among what is ordered and not acknowledged. */
  readonly ordered: Newest
}

interface Peer<Out extends Outgoing, In extends Incoming, Failure> {
  /** The life to which there is a way; 0: there is none. */
  connected: number
  readonly out: Map<ChannelName, OutStream<Out, Failure>>
  readonly in: Map<ChannelName, InStream<In, Failure>>
}

/** Delivery between one member and all others, as a machine. */
export class Delivery<Out extends Outgoing, In extends Incoming, Failure> {
  readonly #options: DeliveryOptions
  readonly #peers = new Map<MemberId, Peer<Out, In, Failure>>()
  /** Streams with something in them. */
  readonly #active = new Set<OutStream<Out, Failure>>()
  readonly #owing = new Set<InStream<In, Failure>>()
  #timerAt = Number.POSITIVE_INFINITY
  /** When the first of the streams that this step touched is due. */
  #dueAt = Number.POSITIVE_INFINITY
  #effects: DeliveryEffect<Out, In, Failure>[] = []
  #isClosed = false
  /**
   * Where new streams begin: above those to peers that were forgotten here, and who may not have forgotten this one.
   * (The first floor tells the other end that nothing comes below.)
   */
  #firstSequence = 1

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Messages to one peer on one channel that wait or are not settled. */
  size(peer: MemberId, channel: ChannelName): number {
    return this.#peers.get(peer)?.out.get(channel)?.outbox.size ?? 0
  }

  step(input: DeliveryInput<Out, In, Failure>, now: number): readonly DeliveryEffect<Out, In, Failure>[] {
    this.#effects = []
    this.#dueAt = Number.POSITIVE_INFINITY
    this.#take(input, now)
    // One timer for all; it is only ever moved to an earlier time, and may fire early.
    if (this.#dueAt < this.#timerAt) {
      this.#timerAt = this.#dueAt
      this.#effects.push({ type: 'set-timer', timer: TIMER, at: this.#dueAt })
    }
    return this.#effects
  }

  #take(input: DeliveryInput<Out, In, Failure>, now: number): void {
    switch (input.type) {
      case 'send':
        this.#send(input, input.messages, now)
        break
      case 'send-ordered':
        this.#sendOrdered(input, input.messages)
        break
      case 'abort':
        this.#withOutbox(input, (outbox, effects) => outbox.abandon(input.message, 'aborted', now, effects))
        break
      case 'receive':
        this.#receive(input, input.messages)
        break
      case 'finished':
        this.#finish(input, input.messages, undefined)
        break
      case 'handler-failed':
        this.#finish(input, [input.message], input.failure)
        break
      case 'acknowledged':
        this.#withOutbox(input, (outbox, effects) => outbox.acknowledge(input.acknowledgement, now, effects))
        break
      case 'floor':
        this.#withInbox(input, (inbox, effects) => inbox.probe(input.floor, effects))
        break
      case 'connected':
        this.#connect(input.peer, input.generation, now)
        break
      case 'disconnected':
        this.#disconnect(input.peer)
        break
      case 'down':
        this.#fail(input.peer, 'down')
        break
      case 'forgotten':
        this.#forget(input.peer)
        break
      case 'flush':
        this.#flush()
        break
      case 'timer':
        this.#tick(now)
        break
      case 'close':
        this.#isClosed = true
        for (const peer of this.#peers.keys()) this.#fail(peer, 'closed')
        break
      default:
        input satisfies never
    }
  }

  // --- To others ---

  #send(end: StreamEnd, messages: readonly Out[], now: number): void {
    const stream = this.#outStream(end)
    if (stream === undefined) {
      this.#refuse(messages, this.#isClosed ? 'closed' : 'life')
      return
    }
    this.#withStream(stream, (outbox, effects) => outbox.send(messages, now, effects))
  }

  #sendOrdered(end: StreamEnd, messages: readonly Out[]): void {
    const stream = this.#outStream(end)
    if (stream === undefined) {
      this.#refuse(messages, this.#isClosed ? 'closed' : 'life')
      return
    }
    for (const message of messages) {
      stream.ordered += 1
      message.sequence = stream.ordered
      message.progress = 'settled'
    }
    this.#effects.push({ type: 'transmit', ...stream.end, messages, floor: 0 })
  }

  #refuse(messages: readonly Out[], reason: FailedReason): void {
    for (const message of messages) {
      message.progress = 'settled'
      this.#effects.push({ type: 'failed', message, reason, failure: undefined })
    }
  }

  /** The stream to that life of the peer; undefined when a later one is known. */
  #outStream({ peer: id, generation, channel }: StreamEnd): OutStream<Out, Failure> | undefined {
    if (this.#isClosed) return undefined
    const peer = this.#peer(id)
    let stream = peer.out.get(channel)
    if (generation < Math.max(peer.connected, stream?.end.generation ?? 0)) return undefined
    if (stream && stream.end.generation < generation) {
      this.#end(stream, 'life')
      stream = undefined
    }
    if (stream === undefined) {
      const end: StreamEnd = { peer: id, generation, channel }
      stream = { end, outbox: new Outbox(this.#options, this.#firstSequence), ordered: this.#firstSequence - 1 }
      peer.out.set(channel, stream)
      if (peer.connected === generation) this.#withStream(stream, (outbox, effects) => outbox.connected(0, effects))
    }
    return stream
  }

  /** What comes for a stream that is no more concerns nobody. */
  #withOutbox(
    { peer, generation, channel }: StreamEnd,
    act: (outbox: Outbox<Out, Failure>, effects: OutboxEffects<Out, Failure>) => void,
  ): void {
    const stream = this.#peers.get(peer)?.out.get(channel)
    if (stream?.end.generation === generation) this.#withStream(stream, act)
  }

  #withStream(
    stream: OutStream<Out, Failure>,
    act: (outbox: Outbox<Out, Failure>, effects: OutboxEffects<Out, Failure>) => void,
  ): void {
    const { end, outbox } = stream
    const effects: OutboxEffects<Out, Failure> = {
      transmit: [],
      acknowledged: [],
      superseded: [],
      failed: [],
      floor: undefined,
    }
    act(outbox, effects)
    if (effects.floor) this.#effects.push({ type: 'tell-floor', ...end, floor: effects.floor })
    if (effects.transmit.length > 0)
      this.#effects.push({ type: 'transmit', ...end, messages: effects.transmit, floor: outbox.floor })
    if (effects.acknowledged.length > 0)
      this.#effects.push({ type: 'settled', messages: effects.acknowledged, outcome: 'acknowledged' })
    if (effects.superseded.length > 0)
      this.#effects.push({ type: 'settled', messages: effects.superseded, outcome: 'superseded' })
    for (const failed of effects.failed) this.#effects.push({ type: 'failed', ...failed })
    if (outbox.isIdle) this.#active.delete(stream)
    else this.#active.add(stream)
    this.#dueAt = Math.min(this.#dueAt, outbox.dueAt)
  }

  #end(stream: OutStream<Out, Failure>, reason: FailedReason): void {
    this.#withStream(stream, (outbox, effects) => outbox.close(reason, effects))
  }

  // --- From others ---

  #receive(end: StreamEnd, messages: readonly In[]): void {
    const stream = this.#inStream(end)
    if (stream === undefined) {
      this.#drop(end, messages, 'earlier-life')
      return
    }
    const isPlain = messages.every(({ floor }) => floor > 0)
    const acknowledged = isPlain ? messages : messages.filter(({ floor }) => floor > 0)
    if (acknowledged.length > 0) this.#withInStream(stream, (inbox, effects) => inbox.receive(acknowledged, effects))
    if (!isPlain) this.#receiveOrdered(stream, messages)
  }

  /** What is not acknowledged is never waited for: an older one of its key that comes later is dropped. */
  #receiveOrdered({ end, ordered }: InStream<In, Failure>, messages: readonly In[]): void {
    const deliver: In[] = []
    const stale: In[] = []
    for (const message of messages) {
      if (message.floor > 0) continue
      if (ordered.admits(message.key ?? '', message.sequence)) deliver.push(message)
      else stale.push(message)
    }
    if (deliver.length > 0) this.#effects.push({ type: 'deliver', ...end, messages: deliver })
    if (stale.length > 0) this.#drop(end, stale, 'stale')
  }

  #finish(end: StreamEnd, messages: readonly In[], failure: Failure | undefined): void {
    const stream = this.#peers.get(end.peer)?.in.get(end.channel)
    if (stream?.end.generation !== end.generation) return
    for (const { sequence, floor } of messages) if (floor > 0) stream.inbox.finish(sequence, failure)
    if (stream.inbox.isOwing) this.#owing.add(stream)
  }

  /** The stream from that life of the peer; undefined when a later one is known. */
  #inStream({ peer: id, generation, channel }: StreamEnd): InStream<In, Failure> | undefined {
    const peer = this.#peer(id)
    const known = peer.in.get(channel)
    if (known?.end.generation === generation) return known
    if (known && known.end.generation > generation) return undefined
    const end: StreamEnd = { peer: id, generation, channel }
    const stream = { end, inbox: new Inbox<In, Failure>(this.#options), ordered: new Newest(this.#options.maxKeys) }
    if (known) this.#owing.delete(known)
    peer.in.set(channel, stream)
    return stream
  }

  #withInbox(end: StreamEnd, act: (inbox: Inbox<In, Failure>, effects: InboxEffects<In>) => void): void {
    const stream = this.#inStream(end)
    if (stream) this.#withInStream(stream, act)
  }

  #withInStream(
    stream: InStream<In, Failure>,
    act: (inbox: Inbox<In, Failure>, effects: InboxEffects<In>) => void,
  ): void {
    const { end, inbox } = stream
    const effects: InboxEffects<In> = { deliver: [], held: [], dropped: [] }
    act(inbox, effects)
    if (effects.held.length > 0) this.#effects.push({ type: 'held', ...end, messages: effects.held })
    if (effects.deliver.length > 0) this.#effects.push({ type: 'deliver', ...end, messages: effects.deliver })
    for (const { message, reason } of effects.dropped) this.#drop(end, [message], reason)
    if (inbox.isOwing) this.#owing.add(stream)
  }

  #drop({ peer, generation, channel }: StreamEnd, messages: readonly In[], reason: DeliveryDropReason): void {
    this.#effects.push({ type: 'dropped', peer, generation, channel, messages, reason })
  }

  #flush(): void {
    for (const { end, inbox } of this.#owing)
      this.#effects.push({ type: 'acknowledge', ...end, acknowledgement: inbox.acknowledgement() })
    this.#owing.clear()
  }

  // --- Peers and time ---

  #peer(id: MemberId): Peer<Out, In, Failure> {
    let peer = this.#peers.get(id)
    if (peer === undefined) {
      peer = { connected: 0, out: new Map(), in: new Map() }
      this.#peers.set(id, peer)
    }
    return peer
  }

  #connect(id: MemberId, generation: number, now: number): void {
    const peer = this.#peer(id)
    peer.connected = generation
    for (const [channel, stream] of peer.out) {
      if (stream.end.generation === generation)
        this.#withStream(stream, (outbox, effects) => outbox.connected(now, effects))
      else if (stream.end.generation < generation) {
        this.#end(stream, 'life')
        peer.out.delete(channel)
      }
    }
  }

  #disconnect(id: MemberId): void {
    const peer = this.#peers.get(id)
    if (peer === undefined) return
    peer.connected = 0
    for (const { outbox } of peer.out.values()) outbox.disconnected()
  }

  #fail(id: MemberId, reason: FailedReason): void {
    for (const stream of this.#peers.get(id)?.out.values() ?? []) this.#end(stream, reason)
  }

  #forget(id: MemberId): void {
    this.#fail(id, 'down')
    for (const { outbox, ordered } of this.#peers.get(id)?.out.values() ?? [])
      this.#firstSequence = Math.max(this.#firstSequence, outbox.floor, ordered + 1)
    for (const stream of this.#peers.get(id)?.in.values() ?? []) this.#owing.delete(stream)
    this.#peers.delete(id)
  }

  #tick(now: number): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    for (const stream of [...this.#active]) this.#withStream(stream, (outbox, effects) => outbox.tick(now, effects))
  }
}
