// What one channel sends: checks what a call asks for, makes messages of it and keeps count of what is not settled.
// Bounded in calls and bytes; delivery ends the wait of what it keeps, everything else that waits is watched here.

import type { CausalStamp } from '../../topology/index.ts'
import { ClusterError } from '../errors.ts'
import { callAborted } from '../wait.ts'
import { encodeCausal } from '../wire/delivery.ts'
import { MAX_TRANSFER_BYTES } from '../wire/limits.ts'
import { sendAlongTree } from './along-tree.ts'
import { messageId } from './arrival.ts'
import { GroupCall } from './calls.ts'
import type { Receipt, SendOptions } from './channel.ts'
import type { ChannelContext } from './channel-context.ts'
import type { ChannelCounts } from './channel-counts.ts'
import { channelDefaults, MAX_UNSETTLED_BYTES, MAX_WAITING_CALLS } from './channel-defaults.ts'
import { expired, operationOf, queueFull } from './failures.ts'
import type { ChannelName } from './lane.ts'
import { laneLimits } from './lane-limits.ts'
import { type Destination, type OutgoingListener, OutgoingMessage } from './outgoing-message.ts'
import type { DirectWay } from './outgoing-queues.ts'
import { type EncodedPayload, encodePayload, type Payload } from './payload.ts'
import {
  badOptions,
  defaultSendOptions,
  type ResolvedSendOptions,
  resolveSendOptions,
  withAllProblems,
} from './send-options.ts'

/**
 * Messages that a turn adds to plenty, or one of each caller: what leaves in a turn. Small: a turn for every few of a
 * lone caller. Large: as if nobody waited.
 */
const ADDED_IN_A_TURN = 256

/** Left out: for every other member. */
type Use = 'send' | 'request' | 'publish'

/** What one call sends, to one member or many. */
export interface Prepared {
  readonly id: number
  readonly kind: OutgoingMessage['kind']
  /** For one member and not published. */
  readonly isToOne: boolean
  readonly options: ResolvedSendOptions
  readonly encoded: EncodedPayload
  readonly trace: string | undefined
  readonly startedAt: number
}

export class Outbound implements OutgoingListener {
  readonly #channel: ChannelName
  readonly #context: ChannelContext
  readonly #counts: ChannelCounts
  readonly #defaults: ResolvedSendOptions
  /** By destination, which is another object when its way may be another; and the last one asked for. */
  readonly #ways = new WeakMap<Destination, DirectWay>()
  #lastDestination: Destination | undefined
  #lastWay: DirectWay | undefined
  /** Resolves when the loop has been round. */
  #round: Promise<void> | undefined
  /** Until then so many need not wait for it; and so many do. */
  #ahead = ADDED_IN_A_TURN
  #held = 0
  /** Nothing is sent any more. */
  isClosed = false
  #unacknowledged = 0
  /** Bytes of what is to fail rather than wait and is not acknowledged, by member. Invariant: more than none. */
  readonly #failing = new Map<string, number>()
  #unsettled = 0
  #unsettledBytes = 0

  constructor(channel: ChannelName, context: ChannelContext, counts: ChannelCounts) {
    this.#channel = channel
    this.#context = context
    this.#counts = counts
    this.#defaults = defaultSendOptions(channelDefaults[channel])
  }

  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /**
   * Throws what is wrong with the call itself, before anything has left: with its options and, if they are refused,
   * with its payload.
   */
  resolve(options: SendOptions | undefined, payload: Payload = null): ResolvedSendOptions {
    let resolved: ResolvedSendOptions
    try {
      resolved = resolveSendOptions(options, this.#defaults, channelDefaults[this.#channel])
    } catch (error) {
      throw withAllProblems(error, () => this.encode(payload))
    }
    if (resolved.signal?.aborted) throw callAborted(this.#channel)
    return resolved
  }

  /** Throws all that is wrong with either. */
  check(payload: Payload, options: SendOptions | undefined): void {
    this.resolve(options, payload)
    this.encode(payload)
  }

  prepare(payload: Payload, raw: SendOptions | undefined, trace: string | undefined): Prepared {
    return this.prepareWith(payload, this.resolve(raw, payload), trace)
  }

  /** The same, for options that were resolved before. */
  prepareWith(payload: Payload, options: ResolvedSendOptions, trace: string | undefined, use?: Use): Prepared {
    return this.prepareEncoded(this.encode(payload), options, trace, use)
  }

  /** Throws `ERR_PAYLOAD_TOO_LARGE`, and a TypeError for what JSON cannot say. */
  encode(payload: Payload): EncodedPayload {
    return encodePayload(payload, MAX_TRANSFER_BYTES)
  }

  prepareEncoded(
    encoded: EncodedPayload,
    options: ResolvedSendOptions,
    trace: string | undefined,
    use?: Use,
  ): Prepared {
    if (options.causal && use !== 'publish') throw badOptions(['only what is published can be causal'])
    return {
      id: this.#context.driver.nextId(),
      kind: use === 'request' ? 'request' : options.monotonic ? 'newest' : 'message',
      isToOne: use === 'send',
      options,
      encoded,
      trace,
      startedAt: this.#context.clock.now(),
    }
  }

  /** What a part of this node sends to those of others, under a subject that is no topic of a user. */
  prepareOwn(payload: Uint8Array, subject: string, timeoutMs: number, ack = true): Prepared {
    return {
      id: this.#context.driver.nextId(),
      kind: 'message',
      isToOne: false,
      options: { ...this.#defaults, ack, topic: subject, timeoutMs },
      encoded: { encoding: 'bytes', payload },
      trace: undefined,
      startedAt: this.#context.clock.now(),
    }
  }

  /**
   * Of what is neither acknowledged nor ordered nothing is remembered: its lane takes it, and that is all. Gives the
   * message's id; 0: it has to be posted, which may wait, or tell why not.
   */
  sendNow(
    destination: Destination,
    encoded: EncodedPayload,
    options: ResolvedSendOptions,
    trace: string | undefined,
  ): number {
    if (this.isClosed || this.isRemembered(destination, options)) return 0
    const id = this.#wayTo(destination).send(encoded, options, trace)
    if (id === 0) return 0
    this.#counts.sentMessages += 1
    this.#counts.sentBytes += encoded.payload.length
    return id
  }

  /**
   * Resolves to `value`: at once or, where plenty waits for `destination`, on the next turn. For nothing leaves before
   * the turn is over, and callers that go on at once would keep it from ending until the queue is full; then both ends
   * would wait for each other in turns.
   */
  afterwards<Value>(destination: Destination, value: Value): Promise<Value> {
    if (!this.#wayTo(destination).hasPlenty) return Promise.resolve(value)
    this.#round ??= this.#goRound()
    if (this.#ahead > 0) {
      this.#ahead -= 1
      return Promise.resolve(value)
    }
    this.#held += 1
    return this.#round.then(() => value)
  }

  #goRound(): Promise<void> {
    return new Promise((resolve) =>
      this.#context.clock.setImmediate(() => {
        this.#round = undefined
        // Each of those that are let go now adds at least one more.
        this.#ahead = Math.max(0, ADDED_IN_A_TURN - this.#held)
        this.#held = 0
        resolve()
      }),
    )
  }

  /** Something has to be known of it after it has left, or it stays here. */
  isRemembered({ id }: Destination, { ack, key, monotonic, causal }: ResolvedSendOptions): boolean {
    return ack || key !== undefined || monotonic || causal || id === this.#context.self.id
  }

  #wayTo(destination: Destination): DirectWay {
    if (this.#lastDestination === destination) return this.#lastWay!
    let way = this.#ways.get(destination)
    if (way === undefined) {
      const { driver } = this.#context
      way = driver.queues.directly(destination, this.#channel, () => driver.nextId())
      this.#ways.set(destination, way)
    }
    this.#lastDestination = destination
    this.#lastWay = way
    return way
  }

  /** A message that is handed over after all that was heard on its topic. */
  causal(prepared: Prepared, stamp: CausalStamp): Prepared {
    const { encoded, options } = prepared
    const payload = encodeCausal(stamp, encoded.payload)
    return {
      ...prepared,
      kind: 'causal',
      options: { ...options, key: options.topic },
      encoded: { ...encoded, payload },
    }
  }

  /** Sends to each of many members, with one receipt. */
  postToAll(
    prepared: Prepared,
    destinations: readonly Destination[],
    resolve: (receipt: Receipt) => void,
    reject: (error: ClusterError) => void,
  ): void {
    const { self, clock } = this.#context
    const id = messageId(self.id, self.generation, prepared.id)
    const receipt = { id, to: '*', acked: prepared.options.ack, members: destinations.length }
    const isGivenUp = (): boolean => this.isClosed || prepared.options.signal?.aborted === true
    const call = new GroupCall(receipt, () => clock.now(), resolve, reject, isGivenUp)
    // A handler that waits for what it publishes must not wait for itself.
    const own = { ...prepared, options: { ...prepared.options, ack: false } }
    const broadcaster = sendAlongTree(this.#context, this.#channel, prepared)
    if (broadcaster) this.#counts.sentMessages += 1
    for (const destination of destinations) {
      try {
        if (destination.id === self.id) this.post(own, destination, call)
        else if (broadcaster?.reaches(destination.id)) call.carried()
        else this.post(prepared, destination, call)
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error
        call.missed(error)
      }
    }
  }

  /** Sends to one member; whatever becomes of it is told to `listener`. Throws `ERR_BUFFER_FULL`. */
  post(
    { id, kind, isToOne, options, encoded, trace, startedAt }: Prepared,
    destination: Destination,
    listener: OutgoingListener,
  ): OutgoingMessage {
    this.#checkRoom(encoded.payload.length, destination, options)
    const deadlineAt = options.deadlineMs === undefined ? Number.POSITIVE_INFINITY : startedAt + options.deadlineMs
    const message = new OutgoingMessage({
      kind,
      id,
      channel: this.#channel,
      destination,
      isAcknowledged: options.ack,
      isToOne,
      key: options.key,
      topic: options.topic,
      trace,
      encoded,
      createdAt: startedAt,
      expiresAt: Math.min(deadlineAt, startedAt + options.timeoutMs),
      deadlineAt,
      onFull: options.onFull,
      listener,
      owner: this,
    })
    this.#unsettled += 1
    this.#unsettledBytes += message.bytes
    if (options.ack) this.#unacknowledged += 1
    if (isToFail(message)) this.#keep(message, message.bytes)
    listener.begins?.(message)
    this.#context.driver.post(message)
    if (!message.isSettled) this.#watch(message, options.signal)
    return message
  }

  /** One of its messages is settled. */
  settled(message: OutgoingMessage, error: ClusterError | undefined): void {
    this.#unsettled -= 1
    this.#unsettledBytes -= message.bytes
    if (message.isAcknowledged) this.#unacknowledged -= 1
    if (isToFail(message)) this.#keep(message, -message.bytes)
    if (error === undefined) {
      this.#counts.sentMessages += 1
      this.#counts.sentBytes += message.bytes
      if (message.isAcknowledged && message.kind !== 'request')
        this.#counts.took(this.#context.clock.now() - message.createdAt)
    } else this.#counts.drop(`not-sent-${error.code.slice('ERR_'.length).toLowerCase().replaceAll('_', '-')}`)
  }

  #checkRoom(bytes: number, destination: Destination, { ack, onFull }: ResolvedSendOptions): void {
    const { queueMessages } = channelDefaults[this.#channel]
    const isOverfull = this.#unsettled >= MAX_WAITING_CALLS + queueMessages
    if (isOverfull || (this.#unsettled > 0 && this.#unsettledBytes + bytes > MAX_UNSETTLED_BYTES))
      throw isOverfull
        ? queueFull(this.#channel, MAX_WAITING_CALLS + queueMessages, 'messages')
        : queueFull(this.#channel, MAX_UNSETTLED_BYTES, 'bytes')
    if (ack && onFull === 'fail') this.#checkLane(destination.id)
  }

  /**
   * What is acknowledged can be refused only before it has its number. So its lane is full when others wait for it, or
   * when as much as it holds is on its way.
   */
  #checkLane(member: string): void {
    const { driver, self } = this.#context
    const { queueMessages } = channelDefaults[this.#channel]
    if (driver.size(member, this.#channel) >= queueMessages) throw queueFull(this.#channel, queueMessages, 'messages')
    if (member === self.id) return
    const full = driver.queues.fullAt(member, this.#channel)
    if (full) throw queueFull(this.#channel, ...full)
    const limit = laneLimits[this.#channel].bytes
    if ((this.#failing.get(member) ?? 0) >= limit) throw queueFull(this.#channel, limit, 'bytes')
  }

  #keep({ destination }: OutgoingMessage, bytes: number): void {
    const sum = (this.#failing.get(destination.id) ?? 0) + bytes
    if (sum > 0) this.#failing.set(destination.id, sum)
    else this.#failing.delete(destination.id)
  }

  /**
   * Delivery itself ends the wait for an acknowledgement; who waits for anything else, or has a signal, is watched
   * here.
   */
  #watch(message: OutgoingMessage, signal: AbortSignal | undefined): void {
    const { driver, clock, self } = this.#context
    const isKeptByDelivery = message.isAcknowledged && message.destination.id !== self.id
    const end = (error: ClusterError): void => {
      if (isKeptByDelivery) driver.abort(message)
      message.settle(error)
    }
    if (signal && message.kind !== 'request') {
      const onAbort = (): void => end(callAborted(operationOf(message), message.isAcknowledged))
      signal.addEventListener('abort', onAbort, { once: true })
      message.onSettled(() => signal.removeEventListener('abort', onAbort))
    }
    if (!isKeptByDelivery && message.expiresAt < Number.POSITIVE_INFINITY) {
      const ms = Math.min(Math.max(1, message.expiresAt - clock.now()), 2 ** 31 - 1)
      const timer = clock.setTimeout(() => end(expired(message, message.isAcknowledged)), ms)
      message.onSettled(() => timer?.[Symbol.dispose]())
    }
  }
}

function isToFail({ isAcknowledged, onFull }: OutgoingMessage): boolean {
  return isAcknowledged && onFull === 'fail'
}
