// A message that came, on its way to its handlers. It remembers the room that it takes in its lane, so that the room is
// given back exactly once, whatever becomes of it.

import type { Incoming } from '../../topology/index.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Message } from './channel.ts'
import type { ChannelName, IncomingLane } from './lane.ts'
import { decodePayload } from './payload.ts'

export class Arrival implements Incoming {
  readonly envelope: Envelope
  readonly receivedAt: number
  /** When nobody wants it any more, on this node's clock; Infinity: never. */
  readonly expiresAt: number
  /** Undefined: it came from this node itself. */
  readonly #lane: IncomingLane | undefined
  #laneBytes: number
  /** What its sender gave, where more than that travels in the payload. */
  #payload: Uint8Array

  /** `now` on this node's clock, `receivedAt` as people see it. */
  constructor(envelope: Envelope, now: number, receivedAt: number, lane?: IncomingLane, laneBytes = 0) {
    this.envelope = envelope
    this.receivedAt = receivedAt
    this.expiresAt = envelope.deadlineMs === undefined ? Number.POSITIVE_INFINITY : now + envelope.deadlineMs
    this.#lane = lane
    this.#laneBytes = laneBytes
    this.#payload = envelope.payload
  }

  get sequence(): number {
    return this.envelope.sequence
  }

  get floor(): number {
    return this.envelope.floor
  }

  get key(): string | undefined {
    return this.envelope.key
  }

  get isMonotonic(): boolean {
    return this.envelope.kind === 'newest'
  }

  get channel(): ChannelName {
    return this.envelope.channel
  }

  /** Its source waits to hear what became of it. */
  get isAcknowledged(): boolean {
    return this.envelope.floor > 0
  }

  /** Part of the payload was not for its handlers. */
  unwrap(payload: Uint8Array): void {
    this.#payload = payload
  }

  /** Gives the room in its lane back. Idempotent. */
  release(): void {
    const bytes = this.#laneBytes
    this.#laneBytes = 0
    if (bytes > 0) this.#lane?.release(bytes)
  }

  /** What its handlers get. Throws when the payload is not what its encoding says. */
  message(nameOf: (id: string) => string): Message {
    const { source, sourceGeneration, id, channel, topic, key, trace, kind, encoding } = this.envelope
    const message: { -readonly [Field in keyof Message]: Message[Field] } = {
      id: messageId(source, sourceGeneration, id),
      from: nameOf(source),
      channel,
      payload: decodePayload({ encoding, payload: this.#payload }),
      trace,
      receivedAt: this.receivedAt,
    }
    if (topic !== undefined) message.topic = topic
    // Causal messages, and those of which the newest of a topic wins, have the topic for a key, which is not their
    // sender's.
    const isSenders = kind !== 'causal' && !(kind === 'newest' && key === topic)
    if (key !== undefined && isSenders) message.key = key
    return message
  }
}

/** Whose id was made last, and how it began: most come in a row from one. */
const last = { source: '', generation: 0, prefix: '' }

/** Unique in the cluster: an id is counted in each life of its source. */
export function messageId(source: string, generation: number, id: number): string {
  if (last.source !== source || last.generation !== generation) {
    last.source = source
    last.generation = generation
    last.prefix = `${source}.${generation}.`
  }
  return last.prefix + id
}
