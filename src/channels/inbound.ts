// What comes on one channel, on its way to handlers: messages to all who want them, requests to the one that answers.

import { SpanKind } from '@opentelemetry/api'
import { ClusterError } from '../errors.ts'
import { oncePer } from '../observability/logger.ts'
import { isTracing, passingOn, traced } from '../observability/tracing.ts'
import { MAX_TRANSFER_BYTES } from '../wire/limits.ts'
import { WireError } from '../wire/wire-error.ts'
import type { Arrival } from './arrival.ts'
import { CausalOrder } from './causal-order.ts'
import type { ChannelEvent, RequestHandler } from './channel.ts'
import type { ChannelContext } from './channel-context.ts'
import type { ChannelCounts } from './channel-counts.ts'
import { HandlerSchedule } from './handler-schedule.ts'
import { OutgoingMessage } from './outgoing-message.ts'
import { type EncodedPayload, encodeAnswer, encodeFailure, type Payload } from './payload.ts'
import { callAll, isThenable, noHandler, Subscribers } from './subscribers.ts'

/** One line in this time for handlers of messages whose senders do not ask what became of them. */
const FAILURE_LOG_INTERVAL_MS = 10_000

export class Inbound {
  readonly subscribers = new Subscribers()
  readonly schedule: HandlerSchedule
  readonly causal: CausalOrder
  /** Who can answer requests; the last one does. */
  #requestHandlers: readonly { readonly handler: RequestHandler }[] = []
  readonly #context: ChannelContext
  readonly #counts: ChannelCounts
  readonly #sayFailure: ReturnType<typeof oncePer>

  constructor(context: ChannelContext, counts: ChannelCounts, tell: (event: ChannelEvent) => void) {
    this.#context = context
    this.#sayFailure = oncePer({ intervalMs: FAILURE_LOG_INTERVAL_MS, now: () => context.clock.now() })
    this.#counts = counts
    this.causal = new CausalOrder({
      ...context,
      deliver: (arrival) => this.schedule.take(arrival),
      onGap: (topic, source, missing) => {
        counts.drop('causal-gap', missing)
        tell({ type: 'gap', topic, from: context.nameOf(source), missing })
      },
    })
    this.schedule = new HandlerSchedule({
      concurrency: context.handlerConcurrency,
      handle: (arrival) => this.#handle(arrival),
      done: (arrival, error) => this.#done(arrival, error),
      count: (reason) => counts.drop(reason),
    })
  }

  take(arrival: Arrival): void {
    this.#counts.received(arrival)
    if (arrival.envelope.kind !== 'causal') this.schedule.take(arrival)
    else {
      try {
        this.causal.take(arrival)
      } catch (error) {
        if (!(error instanceof WireError)) throw error
        this.#done(arrival, error)
      }
    }
  }

  /** Answers requests with `handler` while it is the newest; the one before it answers again when it is disposed. */
  answerWith(handler: RequestHandler): Disposable {
    const entry = { handler }
    this.#requestHandlers = [...this.#requestHandlers, entry]
    return {
      [Symbol.dispose]: () => {
        this.#requestHandlers = this.#requestHandlers.filter((other) => other !== entry)
      },
    }
  }

  close(): void {
    this.causal.close()
    this.schedule.close()
    this.subscribers.clear()
    this.#requestHandlers = []
  }

  #handle(arrival: Arrival): void | Promise<void> {
    const { clock, nameOf, self } = this.#context
    if (arrival.expiresAt !== Number.POSITIVE_INFINITY && arrival.expiresAt <= clock.now()) throw tooLate(arrival)
    const { kind, topic, subject, trace } = arrival.envelope
    // Most messages are traced by nobody: those cost no closure.
    const isTraced = trace !== undefined || isTracing()
    if (kind === 'request')
      return isTraced ? inTrace(arrival, SpanKind.SERVER, () => this.#answer(arrival)) : this.#answer(arrival)
    const handlers = this.subscribers.wanting(topic)
    if (handlers.length > 0)
      return isTraced
        ? inTrace(arrival, SpanKind.CONSUMER, () => callAll(handlers, arrival.message(nameOf)))
        : callAll(handlers, arrival.message(nameOf))
    // Whoever publishes asks subscribers, not members: that there is none here is no failure.
    if (topic === undefined) throw noHandler(self.name, arrival.channel)
    if (subject !== undefined) throw noHandler(self.name, arrival.channel, `messages of the topic '${topic}'`)
  }

  /**
   * The request itself is handled when its answer is on its way, whatever that says; a promise only if its handler gave
   * one.
   */
  #answer(arrival: Arrival): void | Promise<void> {
    const { self, nameOf } = this.#context
    const fail = (error: unknown): void =>
      this.#reply('error', arrival, encodeFailure(error, self.name, arrival.channel))
    // A handler in plain JavaScript that returns nothing has answered all the same.
    const succeed = (answer: Payload): void =>
      this.#reply('reply', arrival, encodeAnswer(answer ?? null, MAX_TRANSFER_BYTES))
    try {
      const newest = this.#requestHandlers.at(-1)
      if (newest === undefined) throw noHandler(self.name, arrival.channel, 'requests')
      const answer = newest.handler(arrival.message(nameOf))
      if (isThenable(answer)) return Promise.resolve(answer).then(succeed).catch(fail)
      succeed(answer)
    } catch (error) {
      fail(error)
    }
  }

  #reply(kind: 'reply' | 'error', arrival: Arrival, encoded: EncodedPayload): void {
    const { driver, nameOf } = this.#context
    const { id, source, sourceGeneration, channel } = arrival.envelope
    const destination = { id: source, name: nameOf(source), generation: sourceGeneration }
    const isAcknowledged = arrival.isAcknowledged
    driver.post(new OutgoingMessage({ kind, id, channel, destination, isAcknowledged, encoded }))
  }

  #done(arrival: Arrival, error: unknown): void {
    this.#context.driver.handled(arrival, error)
    if (error === undefined) return
    const reason = error instanceof ClusterError ? reasons[error.code] : undefined
    this.#counts.drop(reason ?? 'handler-failed')
    if (arrival.isAcknowledged || reason !== undefined) return
    // Its sender does not hear of it, so somebody else has to.
    const heldBack = this.#sayFailure(arrival.channel)
    if (heldBack !== undefined)
      this.#context.logger.warn('a handler failed', { channel: arrival.channel, error, heldBack })
  }
}

/** What handlers send belongs to the trace of what they handle. */
function inTrace(
  { envelope: { trace, source, channel, topic } }: Arrival,
  kind: SpanKind,
  work: () => void | Promise<void>,
): void | Promise<void> {
  if (!isTracing()) return passingOn(trace, work)
  const attributes = {
    'trellis.source': source,
    'trellis.channel': channel,
    ...(topic === undefined ? {} : { 'trellis.topic': topic }),
  }
  return traced('trellis.handle', { kind, attributes, from: trace ?? '' }, async () => work())
}

const reasons: Readonly<Record<string, string>> = { ERR_NO_HANDLER: 'no-handler', ERR_DEADLINE_EXCEEDED: 'expired' }

function tooLate({ envelope: { channel, deadlineMs = 0 } }: Arrival): ClusterError {
  const text = `the message on '${channel}' waited longer than its deadline`
  return new ClusterError('ERR_DEADLINE_EXCEEDED', text, { operation: channel, deadlineMs })
}
