// One channel of a running node: checks what a call asks for, makes messages of it, and hands over what comes. What is promised is
// said in `channel.ts`; how it is kept is `topology/delivery`'s and the lanes'.

import { ClusterError } from '../errors.ts'
import { sendAlongTree } from './along-tree.ts'
import { type Arrival, messageId } from './arrival.ts'
import { GroupCall, SendCall } from './calls.ts'
import type {
  Channel,
  ChannelEvent,
  ChannelStats,
  Message,
  MessageHandler,
  Receipt,
  Recipient,
  RequestHandler,
  SendManyReceipt,
  SendOptions,
} from './channel.ts'
import type { ChannelContext } from './channel-context.ts'
import { ChannelCounts } from './channel-counts.ts'
import { channelDefaults, MAX_UNSETTLED_BYTES, MAX_WAITING_CALLS } from './channel-defaults.ts'
import { aborted, expired, queueFull, stopping } from './failures.ts'
import { Inbound } from './inbound.ts'
import type { ChannelName } from './lane.ts'
import { messagesOf } from './messages.ts'
import { type Destination, type OutgoingListener, OutgoingMessage } from './outgoing-message.ts'
import { type EncodedPayload, encodePayload, type Payload } from './payload.ts'
import { PendingRequests } from './pending-requests.ts'
import { SendMany } from './send-many.ts'
import { defaultSendOptions, type ResolvedSendOptions, resolveSendOptions } from './send-options.ts'
import { noHandler } from './subscribers.ts'
import { checkTopic } from './topics.ts'

/** What one call sends, to one member or many. */
interface Outbound {
  readonly id: number
  readonly kind: OutgoingMessage['kind']
  readonly options: ResolvedSendOptions
  readonly encoded: EncodedPayload
  readonly startedAt: number
}

export class LocalChannel implements Channel {
  readonly name: ChannelName
  readonly counts = new ChannelCounts()
  readonly #context: ChannelContext
  readonly #defaults: ResolvedSendOptions
  readonly #inbound: Inbound
  readonly #requests: PendingRequests
  readonly #listeners = new Set<(event: ChannelEvent) => void>()
  /** What ends the loops over messages. */
  readonly #endings = new Set<() => void>()
  #unacknowledged = 0
  #unsettled = 0
  #unsettledBytes = 0
  #isClosed = false

  constructor(name: ChannelName, context: ChannelContext) {
    this.name = name
    this.#context = context
    this.#defaults = defaultSendOptions(channelDefaults[name])
    this.#inbound = new Inbound(context, this.counts)
    this.#requests = new PendingRequests(context.clock, context.nameOf)
  }

  // --- Out ---

  send(to: Recipient, payload: Payload, options?: SendOptions): Promise<Receipt> {
    if (to === '*') return this.broadcast(payload, options)
    return new Promise((resolve, reject) => {
      const outbound = this.#outbound(payload, options)
      const destination = this.#context.destination(to)
      const { self, clock } = this.#context
      const call = new SendCall(messageId(self.id, self.generation, outbound.id), () => clock.now(), resolve, reject)
      this.#post(outbound, destination, call)
    })
  }

  broadcast(payload: Payload, options?: SendOptions): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#toAll(this.#outbound(payload, options), this.#context.others(), resolve, reject)
    })
  }

  publish(topic: string, payload: Payload, options?: SendOptions): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      checkTopic(topic)
      const { self, others } = this.#context
      this.#toAll(this.#outbound(payload, { ...options, topic }), [...others(), self], resolve, reject)
    })
  }

  async sendMany(
    to: Recipient,
    payloads: Iterable<Payload> | AsyncIterable<Payload>,
    options?: SendOptions,
  ): Promise<SendManyReceipt> {
    const resolved = this.#resolve(options)
    const destination = this.#context.destination(to)
    const { signal } = resolved
    // One listener for all of them.
    const each = { ...resolved, signal: undefined }
    const many = new SendMany(
      (payload, listener) => this.#post(this.#outboundOf(payload, each), destination, listener),
      this.#directly(each, destination),
    )
    const onAbort = (): void => many.fail(aborted(this.name, true))
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      return await many.run(payloads, resolved.ack)
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  request(to: Recipient, payload: Payload, options?: SendOptions): Promise<Message> {
    return new Promise((resolve, reject) => {
      const outbound: Outbound = { ...this.#outbound(payload, options), kind: 'request' }
      const destination = this.#context.destination(to)
      const { signal } = outbound.options
      let message: OutgoingMessage | undefined
      const onAbort = (): void => {
        if (message === undefined || !this.#requests.remove(message)) return
        this.#context.driver.abort(message)
        settle(aborted(this.name, true))
      }
      const settle = (outcome: Message | ClusterError): void => {
        signal?.removeEventListener('abort', onAbort)
        if (outcome instanceof ClusterError) reject(outcome)
        else {
          this.counts.took(this.#context.clock.now() - outbound.startedAt)
          resolve(outcome)
        }
      }
      const listener: OutgoingListener = {
        settled: (request, error) => {
          if (error && this.#requests.remove(request)) settle(error)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#post(outbound, destination, listener, (request) => {
        message = request
        this.#requests.add({ message: request, settle })
      })
    })
  }

  // --- In ---

  subscribe(topicPattern: string, handler: MessageHandler): Disposable {
    this.#checkOpen()
    return this.#inbound.subscribers.add(handler, topicPattern)
  }

  onMessage(handler: MessageHandler): Disposable {
    this.#checkOpen()
    return this.#inbound.subscribers.add(handler)
  }

  onRequest(handler: RequestHandler): Disposable {
    this.#checkOpen()
    this.#inbound.requestHandler = handler
    return {
      [Symbol.dispose]: () => {
        if (this.#inbound.requestHandler === handler) this.#inbound.requestHandler = undefined
      },
    }
  }

  messages(options: { readonly signal?: AbortSignal; readonly topic?: string } = {}): AsyncIterableIterator<Message> {
    this.#checkOpen()
    return messagesOf(this.#inbound.subscribers, options, {
      refusal: () => noHandler(this.#context.self.name, this.name),
      onEnd: (end) => {
        this.#endings.add(end)
        return { [Symbol.dispose]: () => void this.#endings.delete(end) }
      },
    })
  }

  onEvent(listener: (event: ChannelEvent) => void): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  stats(): ChannelStats {
    const { counts } = this
    const { schedule } = this.#inbound
    const { queue, credit, connections, dropped } = this.#context.lanes(this.name)
    const ownDropped = counts.dropped()
    for (const [reason, count] of Object.entries(dropped)) ownDropped[reason] = (ownDropped[reason] ?? 0) + count
    return {
      channel: this.name,
      queue,
      credit,
      connections,
      unacknowledged: this.#unacknowledged,
      sent: { messages: counts.sentMessages, bytes: counts.sentBytes },
      received: { messages: counts.receivedMessages, bytes: counts.receivedBytes },
      handlers: { running: schedule.running, waiting: schedule.waiting },
      dropped: ownDropped,
      latency: counts.latency(),
    }
  }

  // --- What the node tells it ---

  /** Something came for this channel. */
  take(arrival: Arrival): void {
    const { kind } = arrival.envelope
    if (kind !== 'reply' && kind !== 'error') {
      this.#inbound.take(arrival)
      return
    }
    if (!this.#requests.answered(arrival)) this.counts.drop('reply-unexpected')
    this.#context.driver.handled(arrival, undefined)
  }

  /** No answers will come from `member`. `all`: not even to what is sent again after a reconnect. */
  lost(member: string, all: boolean): void {
    this.#requests.lost(member, all)
  }

  tell(event: ChannelEvent): void {
    for (const listener of this.#listeners) listener(event)
  }

  close(): void {
    this.#isClosed = true
    for (const end of [...this.#endings]) end()
    this.#inbound.close()
    this.#requests.close()
    this.#listeners.clear()
  }

  // --- Making messages ---

  #checkOpen(): void {
    if (this.#isClosed) throw stopping(false)
  }

  /** Throws what is wrong with the call itself, before anything has left. */
  #resolve(options: SendOptions | undefined): ResolvedSendOptions {
    this.#checkOpen()
    const resolved = resolveSendOptions(options, this.#defaults, channelDefaults[this.name])
    if (resolved.signal?.aborted) throw aborted(this.name, false)
    return resolved
  }

  #outbound(payload: Payload, options: SendOptions | undefined): Outbound {
    return this.#outboundOf(payload, this.#resolve(options))
  }

  /** Of what is neither acknowledged nor ordered nothing is remembered: the lane takes it, and that is all. */
  #directly(options: ResolvedSendOptions, destination: Destination): ((payload: Payload) => boolean) | undefined {
    const { self, driver } = this.#context
    const isRemembered = options.ack || options.key !== undefined || options.monotonic || options.causal
    if (isRemembered || destination.id === self.id) return undefined
    const send = driver.queues.directly(destination, this.name, options, () => driver.nextId())
    return (payload) => {
      if (this.#isClosed) return false
      const encoded = encodePayload(payload)
      if (!send(encoded)) return false
      this.counts.sentMessages += 1
      this.counts.sentBytes += encoded.payload.length
      return true
    }
  }

  #outboundOf(payload: Payload, options: ResolvedSendOptions): Outbound {
    return {
      id: this.#context.driver.nextId(),
      kind: options.monotonic ? 'newest' : 'message',
      options,
      encoded: encodePayload(payload),
      startedAt: this.#context.clock.now(),
    }
  }

  #toAll(
    outbound: Outbound,
    destinations: readonly Destination[],
    resolve: (receipt: Receipt) => void,
    reject: (error: ClusterError) => void,
  ): void {
    const { self, clock } = this.#context
    const id = messageId(self.id, self.generation, outbound.id)
    const receipt = { id, to: '*', acked: outbound.options.ack, members: destinations.length }
    const call = new GroupCall(receipt, () => clock.now(), resolve, reject)
    const isAlongTree = sendAlongTree(this.#context, this.name, outbound)
    if (isAlongTree) this.counts.sentMessages += 1
    for (const destination of destinations) {
      try {
        if (isAlongTree && destination.id !== self.id) call.carried()
        else this.#post(outbound, destination, call)
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error
        call.missed(error)
      }
    }
  }

  /** Sends to one member; whatever becomes of it is told to `listener`. Throws `ERR_BUFFER_FULL`. */
  #post(
    { id, kind, options, encoded, startedAt }: Outbound,
    destination: Destination,
    listener: OutgoingListener,
    before?: (message: OutgoingMessage) => void,
  ): OutgoingMessage {
    this.#checkRoom(encoded.payload.length, destination, options)
    const deadlineAt = options.deadlineMs === undefined ? Number.POSITIVE_INFINITY : startedAt + options.deadlineMs
    const message = new OutgoingMessage({
      kind,
      id,
      channel: this.name,
      destination,
      isAcknowledged: options.ack,
      key: options.key,
      topic: options.topic,
      encoded,
      createdAt: startedAt,
      expiresAt: Math.min(deadlineAt, startedAt + options.timeoutMs),
      deadlineAt,
      onFull: options.onFull,
      listener: { settled: (settled, error) => this.#settled(settled, error, listener) },
    })
    this.#unsettled += 1
    this.#unsettledBytes += message.bytes
    if (options.ack) this.#unacknowledged += 1
    before?.(message)
    this.#context.driver.post(message)
    if (!message.isSettled) this.#watch(message, options.signal)
    return message
  }

  #settled(message: OutgoingMessage, error: ClusterError | undefined, listener: OutgoingListener): void {
    this.#unsettled -= 1
    this.#unsettledBytes -= message.bytes
    if (message.isAcknowledged) this.#unacknowledged -= 1
    if (error === undefined) {
      this.counts.sentMessages += 1
      this.counts.sentBytes += message.bytes
      if (message.isAcknowledged && message.kind !== 'request')
        this.counts.took(this.#context.clock.now() - message.createdAt)
    } else this.counts.drop(`not-sent-${error.code.slice('ERR_'.length).toLowerCase().replaceAll('_', '-')}`)
    listener.settled(message, error)
  }

  #checkRoom(bytes: number, destination: Destination, { ack, onFull }: ResolvedSendOptions): void {
    const { queueMessages } = channelDefaults[this.name]
    const isOverfull = this.#unsettled >= MAX_WAITING_CALLS + queueMessages
    if (isOverfull || (this.#unsettled > 0 && this.#unsettledBytes + bytes > MAX_UNSETTLED_BYTES))
      throw queueFull(this.name, isOverfull ? MAX_WAITING_CALLS + queueMessages : MAX_UNSETTLED_BYTES)
    if (ack && onFull === 'fail' && this.#context.driver.size(destination.id, this.name) >= queueMessages)
      throw queueFull(this.name, queueMessages)
  }

  /** Delivery itself ends the wait for an acknowledgement; who waits for anything else, or has a signal, is watched here. */
  #watch(message: OutgoingMessage, signal: AbortSignal | undefined): void {
    const { driver, clock, self } = this.#context
    const isKeptByDelivery = message.isAcknowledged && message.destination.id !== self.id
    const end = (error: ClusterError): void => {
      if (isKeptByDelivery) driver.abort(message)
      message.settle(error)
    }
    if (signal && message.kind !== 'request') {
      const onAbort = (): void => end(aborted(this.name, message.isAcknowledged))
      signal.addEventListener('abort', onAbort, { once: true })
      message.onSettled(() => signal.removeEventListener('abort', onAbort))
    }
    if (!isKeptByDelivery && message.expiresAt < Number.POSITIVE_INFINITY) {
      const ms = Math.min(Math.max(1, message.expiresAt - clock.now()), 2 ** 31 - 1)
      const timer = setTimeout(() => end(expired(message, message.isAcknowledged)), ms)
      message.onSettled(() => clearTimeout(timer))
    }
  }
}
