// One channel of a running node: checks what a call asks for, makes messages of it, and hands over what comes. What is
// promised is said in `channel.ts`; how it is kept is `topology/delivery`'s and the lanes'.

import { SpanKind } from '@opentelemetry/api'
import { checkedOptions, text, waitChecks } from '../call-options.ts'
import { isTracing, passedOn, traced } from '../observability/tracing.ts'
import { callAborted, nodeStopping } from '../wait.ts'
import { type Arrival, messageId } from './arrival.ts'
import { RequestCall, SendCall } from './calls.ts'
import { type Carrier, Carriers } from './carrier.ts'
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
import { Inbound } from './inbound.ts'
import type { ChannelName } from './lane.ts'
import { messagesOf } from './messages.ts'
import { Outbound } from './outbound.ts'
import type { Payload } from './payload.ts'
import { PendingRequests } from './pending-requests.ts'
import { checkIterable, SendMany } from './send-many.ts'
import { checkOptions, withAllProblems } from './send-options.ts'
import { checkHandler, noHandler } from './subscribers.ts'
import { checkPattern, checkTopic } from './topics.ts'

export class LocalChannel implements Channel {
  readonly name: ChannelName
  readonly counts = new ChannelCounts()
  readonly #context: ChannelContext
  readonly #outbound: Outbound
  readonly #inbound: Inbound
  readonly #requests: PendingRequests
  readonly #carriers: Carriers
  /** What every request is made of. */
  readonly #calls: ConstructorParameters<typeof RequestCall>[0]
  readonly #listeners = new Set<(event: ChannelEvent) => void>()
  /** What ends the loops over messages, and over what is to be sent. */
  readonly #endings = new Set<() => void>()
  #isClosed = false

  constructor(name: ChannelName, context: ChannelContext) {
    this.name = name
    this.#context = context
    this.#outbound = new Outbound(name, context, this.counts)
    this.#inbound = new Inbound(context, this.counts, (event) => this.tell(event))
    this.#requests = new PendingRequests(context.clock, context.nameOf)
    this.#carriers = new Carriers(context, this.#outbound)
    this.#calls = { context, counts: this.counts, requests: this.#requests }
  }

  // --- Out ---

  send(to: Recipient, payload: Payload, options?: SendOptions): Promise<Receipt> {
    if (to === '*') return this.broadcast(payload, options)
    // Without a closure for each message.
    if (isTracing()) return this.#traced('send', to, (trace) => this.#send(to, payload, options, trace))
    try {
      this.#checkOpen()
      return this.#send(to, payload, options, passedOn())
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #send(
    to: Recipient,
    payload: Payload,
    options: SendOptions | undefined,
    trace: string | undefined,
  ): Promise<Receipt> {
    const { self, clock, destination: find } = this.#context
    const resolved = this.#outbound.resolve(options, payload)
    const encoded = this.#outbound.encode(payload)
    const destination = find(to)
    const taken = this.#outbound.sendNow(destination, encoded, resolved, trace)
    if (taken > 0) {
      const id = messageId(self.id, self.generation, taken)
      const receipt = { id, to: destination.name, acked: false, durationMs: 0, members: 1, reached: 1 }
      return this.#outbound.afterwards(destination, receipt)
    }
    const prepared = this.#outbound.prepareEncoded(encoded, resolved, trace, 'send')
    return new Promise((resolve, reject) => {
      this.#outbound.post(prepared, destination, new SendCall(self, clock, resolve, reject))
    })
  }

  broadcast(payload: Payload, options?: SendOptions): Promise<Receipt> {
    return this.#traced('broadcast', '*', (trace) => {
      const prepared = this.#outbound.prepare(payload, options, trace)
      return new Promise((resolve, reject) =>
        this.#outbound.postToAll(prepared, this.#context.others(), resolve, reject),
      )
    })
  }

  publish(topic: string, payload: Payload, options?: SendOptions): Promise<Receipt> {
    return this.#traced('publish', topic, (trace) => {
      try {
        checkTopic(topic)
      } catch (error) {
        throw withAllProblems(error, () => this.#outbound.check(payload, options))
      }
      if (options !== undefined) checkOptions(options)
      const { self, others, isOpen } = this.#context
      // Who is no member cannot acknowledge.
      const unlessAsked = isOpen?.(this.name, topic) ? { ack: false } : {}
      const resolved = this.#outbound.resolve({ ...unlessAsked, ...options, topic }, payload)
      const plain = this.#outbound.prepareWith(payload, resolved, trace, 'publish')
      const prepared = plain.options.causal ? this.#outbound.causal(plain, this.#inbound.causal.stamp(topic)) : plain
      return new Promise((resolve, reject) => this.#outbound.postToAll(prepared, [...others(), self], resolve, reject))
    })
  }

  async sendMany(
    to: Recipient,
    payloads: Iterable<Payload> | AsyncIterable<Payload>,
    options?: SendOptions,
  ): Promise<SendManyReceipt> {
    this.#checkOpen()
    try {
      checkIterable(payloads)
    } catch (error) {
      throw withAllProblems(error, () => this.#outbound.resolve(options))
    }
    const resolved = this.#outbound.resolve(options)
    const destination = this.#context.destination(to)
    const { signal } = resolved
    // One listener for all of them.
    const each = { ...resolved, signal: undefined }
    return this.#traced('send_many', to, async (trace) => {
      const many = new SendMany(
        this.#context.clock,
        (payload, listener) =>
          this.#outbound.post(this.#outbound.prepareWith(payload, each, trace, 'send'), destination, listener),
        this.#outbound.isRemembered(destination, each)
          ? undefined
          : (payload) => this.#outbound.sendNow(destination, this.#outbound.encode(payload), each, trace) > 0,
      )
      const onAbort = (): void => many.fail((mayHaveHappened) => callAborted(this.name, mayHaveHappened))
      const onClose = (): void => many.fail(nodeStopping)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#endings.add(onClose)
      try {
        return await many.run(payloads, resolved.ack)
      } finally {
        signal?.removeEventListener('abort', onAbort)
        this.#endings.delete(onClose)
      }
    })
  }

  request(to: Recipient, payload: Payload, options?: SendOptions): Promise<Message> {
    return this.#traced('request', to, (trace) => this.#request(to, payload, options, trace))
  }

  #request(
    to: Recipient,
    payload: Payload,
    options: SendOptions | undefined,
    trace: string | undefined,
  ): Promise<Message> {
    return new Promise((resolve, reject) => {
      const resolved = this.#outbound.resolve(options, payload)
      const prepared = this.#outbound.prepareWith(payload, resolved, trace, 'request')
      const destination = this.#context.destination(to)
      const call = new RequestCall(this.#calls, resolved.signal, resolve, reject)
      this.#outbound.post(prepared, destination, call)
    })
  }

  // --- In ---

  subscribe(topicPattern: string, handler: MessageHandler): Disposable {
    this.#checkOpen()
    checkHandler(handler)
    // Left out it would mean every message.
    checkPattern(topicPattern)
    return this.#inbound.subscribers.add(handler, topicPattern)
  }

  onMessage(handler: MessageHandler): Disposable {
    this.#checkOpen()
    checkHandler(handler)
    return this.#inbound.subscribers.add(handler)
  }

  onRequest(handler: RequestHandler): Disposable {
    this.#checkOpen()
    checkHandler(handler)
    return this.#inbound.answerWith(handler)
  }

  messages(options: { readonly signal?: AbortSignal; readonly topic?: string } = {}): AsyncIterableIterator<Message> {
    this.#checkOpen()
    checkedOptions(options, { signal: waitChecks.signal, topic: text })
    if (options.topic !== undefined) checkPattern(options.topic)
    return messagesOf(this.#inbound.subscribers, options, {
      refusal: () => noHandler(this.#context.self.name, this.name),
      onEnd: (end) => {
        this.#endings.add(end)
        return { [Symbol.dispose]: () => void this.#endings.delete(end) }
      },
    })
  }

  onEvent(listener: (event: ChannelEvent) => void): Disposable {
    checkHandler(listener)
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** For parts of this node; see {@link Carrier}. */
  carrier(name: string): Carrier {
    return this.#carriers.carrier(name)
  }

  stats(): ChannelStats {
    const { counts } = this
    const { schedule } = this.#inbound
    const { queue, credit, connections, dropped, lanes } = this.#context.lanes(this.name)
    const ownDropped = counts.dropped()
    for (const [reason, count] of Object.entries(dropped)) ownDropped[reason] = (ownDropped[reason] ?? 0) + count
    return {
      channel: this.name,
      queue,
      credit,
      connections,
      unacknowledged: this.#outbound.unacknowledged,
      sent: { messages: counts.sentMessages, bytes: counts.sentBytes },
      received: { messages: counts.receivedMessages, bytes: counts.receivedBytes },
      handlers: { running: schedule.running, waiting: schedule.waiting },
      dropped: ownDropped,
      latency: counts.latency(),
      lanes,
    }
  }

  // --- What the node tells it ---

  /** Something came for this channel. */
  take(arrival: Arrival): void {
    const { kind } = arrival.envelope
    if (kind !== 'reply' && kind !== 'error') {
      if (this.#carriers.take(arrival)) this.counts.received(arrival)
      else this.#inbound.take(arrival)
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
    this.#outbound.isClosed = true
    for (const end of [...this.#endings]) end()
    this.#inbound.close()
    this.#requests.close()
    this.#listeners.clear()
  }

  // --- Making messages ---

  #checkOpen(): void {
    if (this.#isClosed) throw nodeStopping(false)
  }

  /**
   * In a span of its own where somebody collects them; `work` is given what to send along. Rejects with what `work`
   * throws.
   */
  #traced<Result>(
    operation: string,
    to: Recipient,
    work: (trace: string | undefined) => Promise<Result>,
  ): Promise<Result> {
    if (this.#isClosed) return Promise.reject(nodeStopping(false))
    if (isTracing()) {
      const kind = operation === 'request' ? SpanKind.CLIENT : SpanKind.PRODUCER
      const attributes = { 'trellis.channel': this.name, 'trellis.to': typeof to === 'string' ? to : to.service }
      return traced(`trellis.${operation}`, { kind, attributes }, async (trace) => work(trace))
    }
    try {
      return work(passedOn())
    } catch (error) {
      return Promise.reject(error)
    }
  }
}
