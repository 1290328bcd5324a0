// Question and answer between two members, in the envelope that all user messages travel in. A request fails with a
// code that says whether it may have happened: refused before it left, unanswered in time, or its link lost while it
// was out. Replies wait for nothing: no credit, no handler slot (design rule 11). Retrying is the caller's decision.

import { SpanKind } from '@opentelemetry/api'
import { ClusterError } from '../errors.ts'
import { traced } from '../observability/tracing.ts'
import { MAX_DELAY_MS, type Time } from '../runtime/clock.ts'
import { callAborted, nodeStopping } from '../wait.ts'
import type { Envelope } from '../wire/envelope.ts'
import {
  decodeFailure,
  decodePayload,
  type EncodedPayload,
  encodeAnswer,
  encodeFailure,
  encodePayload,
  type Payload,
} from './payload.ts'

export interface IncomingRequest {
  /** Id of the member that asks, proven by its link. */
  readonly from: string
  readonly subject: string
  readonly payload: Payload
}

export type RequestHandler = (request: IncomingRequest) => Payload | Promise<Payload>

export interface RequestOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until `ERR_TIMEOUT`. Default 5,000. */
  readonly timeoutMs?: number | undefined
}

export interface RequestsOptions {
  readonly clock: Time
  readonly self: string
  readonly generation: number
  /** Hands an envelope to the link of its destination; false when there is none. */
  readonly send: (envelope: Envelope) => boolean
  readonly nameOf: (id: string) => string
  /** Counts what was dropped, by reason. */
  readonly count: (reason: string) => void
}

const DEFAULT_TIMEOUT_MS = 5_000
/** Requests of others that may run at once; past that they are refused, for a queue would only hide the overload. */
const MAX_RUNNING_HANDLERS = 1_024

interface Waiting {
  readonly destination: string
  readonly settle: (outcome: Payload | ClusterError) => void
}

export class Requests {
  readonly #options: RequestsOptions
  readonly #handlers = new Map<string, RequestHandler>()
  readonly #waiting = new Map<number, Waiting>()
  #nextId = 1
  #running = 0
  #isClosed = false

  constructor(options: RequestsOptions) {
    this.#options = options
  }

  /** Answers requests for `subject` until disposed; the newest handler of a subject is the one. */
  handle(subject: string, handler: RequestHandler): Disposable {
    this.#handlers.set(subject, handler)
    return {
      [Symbol.dispose]: () => {
        if (this.#handlers.get(subject) === handler) this.#handlers.delete(subject)
      },
    }
  }

  /**
   * Asks `destination` (an id; oneself is asked like anybody else). Rejects with `ERR_NO_ROUTE` (no link, nothing
   * happened), `ERR_TIMEOUT` or `ERR_MEMBER_DOWN` (it may have happened), `ERR_NO_HANDLER`, `ERR_HANDLER_FAILED`, or
   * the ClusterError that the handler threw.
   */
  async request(destination: string, subject: string, value: Payload, options: RequestOptions = {}): Promise<Payload> {
    const attributes = { 'trellis.destination': destination, 'trellis.subject': subject }
    return traced('trellis.request', { kind: SpanKind.CLIENT, attributes }, (trace) =>
      this.#ask(destination, subject, value, options, trace),
    )
  }

  async #ask(
    destination: string,
    subject: string,
    value: Payload,
    options: RequestOptions,
    trace: string | undefined,
  ): Promise<Payload> {
    if (this.#isClosed) throw nodeStopping(false)
    if (options.signal?.aborted) throw callAborted(subject)
    const encoded = encodePayload(value)
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
      const settle = (outcome: Payload | ClusterError): void => {
        timer?.[Symbol.dispose]()
        options.signal?.removeEventListener('abort', onAbort)
        this.#waiting.delete(id)
        if (outcome instanceof ClusterError) reject(outcome)
        else resolve(outcome)
      }
      const onAbort = (): void => settle(callAborted(subject, true))
      const timer = this.#options.clock.setTimeout(
        () => settle(timedOut(subject, timeoutMs)),
        Math.min(timeoutMs, MAX_DELAY_MS),
      )
      options.signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.set(id, { destination, settle })
      if (!this.#send('request', id, destination, subject, encoded, trace)) settle(this.#noRoute(destination))
    })
  }

  /** An envelope of `peer` came, over its link or a relay. */
  receive(peer: string, envelope: Envelope): void {
    const { self, generation, count } = this.#options
    if (envelope.source !== peer || envelope.destination !== self) {
      count('envelope-misrouted')
      return
    }
    const isForEarlierLife = envelope.destinationGeneration !== 0 && envelope.destinationGeneration !== generation
    if (isForEarlierLife) {
      count('envelope-earlier-life')
      return
    }
    if (envelope.kind === 'request') return void this.#serve(peer, envelope)
    if (envelope.kind === 'message' || envelope.kind === 'ack') {
      count('envelope-no-handler')
      return
    }
    const waiting = this.#waiting.get(envelope.id)
    if (waiting?.destination !== peer) {
      count('reply-unexpected')
      return
    }
    try {
      waiting.settle(envelope.kind === 'error' ? decodeFailure(envelope) : decodePayload(envelope))
    } catch {
      // What cannot be read is no answer: the request runs into its own deadline.
      count('reply-malformed')
    }
  }

  /** An envelope that was taken found no way: it has not left this node. */
  undeliverable({ id, kind, destination }: Envelope): void {
    if (kind === 'request') this.#waiting.get(id)?.settle(this.#noRoute(destination))
    else this.#options.count('reply-no-route')
  }

  /** The link to `peer` is gone: what was asked of it may have happened, and no answer will come. */
  lost(peer: string): void {
    const member = this.#options.nameOf(peer)
    const error = new ClusterError(
      'ERR_MEMBER_DOWN',
      `the link to ${member} was lost before it answered`,
      { member },
      { mayHaveHappened: true },
    )
    for (const { destination, settle } of [...this.#waiting.values()]) if (destination === peer) settle(error)
  }

  close(): void {
    this.#isClosed = true
    this.#handlers.clear()
    for (const { settle } of [...this.#waiting.values()]) settle(nodeStopping(true))
  }

  async #serve(peer: string, request: Envelope): Promise<void> {
    const subject = request.subject ?? ''
    this.#running += 1
    let kind: 'reply' | 'error' = 'reply'
    let encoded: EncodedPayload
    try {
      if (this.#running > MAX_RUNNING_HANDLERS) throw overloaded()
      const attributes = { 'trellis.source': peer, 'trellis.subject': subject }
      const answer = await traced(
        'trellis.handle',
        { kind: SpanKind.SERVER, attributes, from: request.trace ?? '' },
        () => this.#answer({ from: peer, subject, payload: decodePayload(request) }),
      )
      encoded = encodeAnswer(answer)
    } catch (error) {
      kind = 'error'
      encoded = encodeFailure(error, this.#options.nameOf(this.#options.self), subject)
    } finally {
      this.#running -= 1
    }
    if (!this.#isClosed && !this.#send(kind, request.id, peer, undefined, encoded))
      this.#options.count('reply-no-route')
  }

  async #answer(request: IncomingRequest): Promise<Payload> {
    const handler = this.#handlers.get(request.subject)
    // A handler in plain JavaScript that returns nothing has answered all the same.
    if (handler) return (await handler(request)) ?? null
    const member = this.#options.nameOf(this.#options.self)
    throw new ClusterError('ERR_NO_HANDLER', `${member} has no handler for '${request.subject}'`, {
      member,
      subject: request.subject,
    })
  }

  #send(
    kind: Envelope['kind'],
    id: number,
    destination: string,
    subject: string | undefined,
    encoded: EncodedPayload,
    trace?: string,
  ): boolean {
    const { self, generation, send } = this.#options
    const envelope: Envelope = {
      kind,
      id,
      source: self,
      sourceGeneration: generation,
      destination,
      destinationGeneration: 0,
      channel: 'coordination',
      sequence: id,
      floor: id,
      key: undefined,
      epoch: 0,
      hops: 0,
      trace,
      deadlineMs: undefined,
      subject,
      topic: undefined,
      ...encoded,
    }
    if (destination !== self) return send(envelope)
    // Copied, as on any other way: a handler owns what it gets (design rule 21).
    queueMicrotask(() => this.receive(self, { ...envelope, payload: new Uint8Array(envelope.payload) }))
    return true
  }

  #noRoute(destination: string): ClusterError {
    const member = this.#options.nameOf(destination)
    return new ClusterError('ERR_NO_ROUTE', `there is no link to ${member}`, { member })
  }
}

function overloaded(): ClusterError {
  return new ClusterError('ERR_BUFFER_FULL', `${MAX_RUNNING_HANDLERS} requests are running already`, {
    queue: 'handlers',
    limit: MAX_RUNNING_HANDLERS,
  })
}

function timedOut(operation: string, leftMs: number): ClusterError {
  const timeoutMs = Math.round(leftMs)
  return new ClusterError(
    'ERR_TIMEOUT',
    `'${operation}' was not answered within ${timeoutMs} ms`,
    { operation, timeoutMs },
    { mayHaveHappened: true },
  )
}
