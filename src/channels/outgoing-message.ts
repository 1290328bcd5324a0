// A message of this node's on its way to one member: what its envelope is made of, what delivery keeps of it, and whom
// to tell what became of it.

import type { Outgoing, Progress } from '../../topology/index.ts'
import type { ClusterError } from '../errors.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { OnFull } from './channel.ts'
import type { ChannelName } from './lane.ts'
import type { EncodedPayload } from './payload.ts'

/** One life of a member, as a destination. */
export interface Destination {
  readonly id: string
  readonly name: string
  readonly generation: number
}

/** Told once of each message. Without `error`: its lane took it or, acknowledged, its handler has finished. */
export interface OutgoingListener {
  /** It is about to be sent; it may be settled before the call that sends it returns. */
  begins?(message: OutgoingMessage): void
  settled(message: OutgoingMessage, error: ClusterError | undefined): void
}

export interface OutgoingMessageFields {
  readonly kind: 'message' | 'newest' | 'causal' | 'request' | 'reply' | 'error'
  readonly id: number
  readonly channel: ChannelName
  readonly destination: Destination
  readonly isAcknowledged: boolean
  /** It was sent to this member, and not published. Default: false. */
  readonly isToOne?: boolean
  readonly key?: string | undefined
  readonly topic?: string | undefined
  readonly trace?: string | undefined
  readonly encoded: EncodedPayload
  /** On this node's clock, as all times here. Default: 0, for who never waits. */
  readonly createdAt?: number
  /** When nobody waits for it any more. Default: never. */
  readonly expiresAt?: number
  /** When nobody wants it any more; travels with it. Default: never. */
  readonly deadlineAt?: number
  readonly onFull?: OnFull
  readonly listener?: OutgoingListener | undefined
  /** Told before the listener: who keeps count of what is not settled. */
  readonly owner?: OutgoingListener | undefined
}

export class OutgoingMessage implements Outgoing {
  readonly kind: OutgoingMessageFields['kind']
  readonly id: number
  readonly channel: ChannelName
  readonly destination: Destination
  readonly isAcknowledged: boolean
  readonly isToOne: boolean
  readonly key: string | undefined
  readonly topic: string | undefined
  readonly trace: string | undefined
  readonly encoded: EncodedPayload
  readonly createdAt: number
  readonly expiresAt: number
  readonly deadlineAt: number
  readonly onFull: OnFull
  sequence = 0
  progress: Progress = 'waiting'
  readonly #listener: OutgoingListener | undefined
  readonly #owner: OutgoingListener | undefined
  #ends: (() => void)[] | undefined
  #isSettled = false

  constructor(fields: OutgoingMessageFields) {
    this.kind = fields.kind
    this.id = fields.id
    this.channel = fields.channel
    this.destination = fields.destination
    this.isAcknowledged = fields.isAcknowledged
    this.isToOne = fields.isToOne ?? false
    this.key = fields.key
    this.topic = fields.topic
    this.trace = fields.trace
    this.encoded = fields.encoded
    this.createdAt = fields.createdAt ?? 0
    this.expiresAt = fields.expiresAt ?? Number.POSITIVE_INFINITY
    this.deadlineAt = fields.deadlineAt ?? Number.POSITIVE_INFINITY
    this.onFull = fields.onFull ?? 'wait'
    this.#listener = fields.listener
    this.#owner = fields.owner
  }

  get isMonotonic(): boolean {
    return this.kind === 'newest'
  }

  get isSettled(): boolean {
    return this.#isSettled
  }

  get bytes(): number {
    return this.encoded.payload.length
  }

  /** Calls `end` when it is settled. */
  onSettled(end: () => void): void {
    this.#ends ??= []
    this.#ends.push(end)
  }

  /** Tells its owner and its listener, the first time. */
  settle(error?: ClusterError): void {
    if (this.#isSettled) return
    this.#isSettled = true
    if (this.#ends !== undefined) for (const end of this.#ends) end()
    this.#owner?.settled(this, error)
    this.#listener?.settled(this, error)
  }

  /** `now` is on this node's clock. */
  envelope(source: { readonly id: string; readonly generation: number }, floor: number, now: number): Envelope {
    const { kind, id, channel, destination, sequence, key, trace, topic, encoded, deadlineAt } = this
    const mustBeWanted = this.isToOne && this.isAcknowledged && topic !== undefined
    return {
      kind,
      id,
      source: source.id,
      sourceGeneration: source.generation,
      destination: destination.id,
      destinationGeneration: destination.generation,
      channel,
      sequence,
      floor,
      key,
      epoch: 0,
      hops: 0,
      trace,
      deadlineMs: deadlineAt === Number.POSITIVE_INFINITY ? undefined : Math.max(1, Math.ceil(deadlineAt - now)),
      subject: mustBeWanted ? '' : undefined,
      topic,
      encoding: encoded.encoding,
      payload: encoded.payload,
    }
  }
}

/** Nobody waits for it any more, so it need not leave. */
export function isOver({ isAcknowledged, isSettled, progress }: OutgoingMessage): boolean {
  return isAcknowledged ? progress === 'abandoned' || progress === 'settled' : isSettled
}
