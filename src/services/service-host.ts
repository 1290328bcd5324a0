// The instances of this node at work: runs their handlers for calls from anywhere, as many at once as each allows, and lets a caller
// cancel what it no longer wants. What a handler calls itself belongs to the call that it runs for.
//
//   call ──▶ no such instance or method, or too many running: refused, no handler has seen it
//     └──▶ handler ──▶ a value: answered          deadline, cancel, caller gone ──▶ `signal` aborts, nothing is answered
//                └──▶ a stream: its first items answer the call, each pull the next ones, until its end

import { SpanKind } from '@opentelemetry/api'
import type { CarriedFrom } from '../channels/carrier.ts'
import { encodeFailure } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { isTracing, passingOn, traced } from '../observability/tracing.ts'
import type { Time } from '../runtime/clock.ts'
import { type CallExchange, type CallServer, encodeValue } from './call-exchange.ts'
import type { CallMessage, IncomingCall, IncomingPull } from './call-messages.ts'
import { Deadlines } from './deadlines.ts'
import { NotServed, RunningCall } from './running-call.ts'
import type { ServiceHandler } from './service-interface.ts'
import { isStream, StreamSource } from './stream-source.ts'

const DEFAULT_CONCURRENCY = 256
/** Calls that were cancelled before they came are remembered: messages may overtake each other. */
const MAX_EARLY_CANCELS = 1_024

/** Finds what answers a method. Undefined: there is none. */
export type FindHandler = (method: string) => ServiceHandler | undefined

interface Hosted {
  readonly name: string
  readonly handler: FindHandler
  readonly concurrency: number
  running: number
}

/** One call that runs, or whose stream is open. */
interface Served {
  readonly key: string
  readonly from: string
  readonly id: number
  readonly deadline: number
  readonly hosted: Hosted
  readonly call: RunningCall
  /** It counts as running: its handler has not returned, or its stream is open. */
  isHeld: boolean
}

export interface ServiceHostOptions {
  readonly clock: Time
  readonly self: string
  readonly exchange: CallExchange
  readonly nameOf: (id: string) => string
}

export class ServiceHost implements CallServer, Disposable {
  readonly #options: ServiceHostOptions
  readonly #hosted = new Map<number, Hosted>()
  readonly #served = new Map<string, Served>()
  readonly #early = new Set<string>()
  readonly #deadlines: Deadlines<Served>

  constructor(options: ServiceHostOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(
      options.clock,
      () => this.#served.values(),
      (served) => this.#end(served),
    )
  }

  /** Calls that run here now. */
  get running(): number {
    return this.#served.size
  }

  add(number: number, name: string, handler: FindHandler, concurrency = DEFAULT_CONCURRENCY): void {
    this.#hosted.set(number, { name, handler, concurrency, running: 0 })
  }

  /** Takes no new calls; those that run are finished. */
  remove(number: number): void {
    this.#hosted.delete(number)
  }

  /** A member is down: nobody waits for what it asked. */
  lost(member: string): void {
    for (const served of [...this.#served.values()]) if (served.from === member) this.#end(served)
  }

  serve(from: CarriedFrom, { calls, pulls, cancels }: Pick<CallMessage, 'calls' | 'pulls' | 'cancels'>): void {
    if (calls.length + pulls.length + cancels.length === 0) return
    const caller = `${from.id} ${from.generation}`
    for (const call of calls) this.#call(from.id, `${caller} ${call.id}`, call)
    for (const pull of pulls) this.#pull(from.id, `${caller} ${pull.call}`, pull)
    for (const id of cancels) this.#cancel(`${caller} ${id}`)
  }

  [Symbol.dispose](): void {
    this.#hosted.clear()
    for (const served of [...this.#served.values()]) this.#end(served)
    this.#deadlines[Symbol.dispose]()
  }

  #call(from: string, key: string, call: IncomingCall): void {
    if (this.#early.delete(key)) return
    const { id, number, method, trace } = call
    const hosted = this.#hosted.get(number)
    const handler = hosted?.handler(method)
    if (!hosted || !handler || hosted.running >= hosted.concurrency) {
      const error = this.#refusal(hosted, handler, call)
      this.#options.exchange.fail(from, id, this.#failure(error, method), true)
      return
    }
    const now = this.#options.clock.now()
    const running = new RunningCall(this.#options.nameOf(from), hosted.name, call, now)
    const served: Served = { key, from, id, deadline: running.deadline, hosted, call: running, isHeld: true }
    hosted.running += 1
    this.#served.set(key, served)
    this.#deadlines.add(served.deadline)
    if (isTracing()) {
      const attributes = { 'trellis.source': from, 'trellis.service': hosted.name, 'trellis.method': method }
      const options = { kind: SpanKind.SERVER, attributes, from: trace ?? '' }
      // Its failure is told to the caller by then.
      traced('trellis.serve', options, () => this.#run(served, handler, call)).catch(() => {})
    } else passingOn(trace, () => this.#run(served, handler, call)).catch(() => {})
  }

  /** Rejects with what the handler threw, which the caller has been told. */
  async #run(served: Served, handler: ServiceHandler, { method, argument, isStream: isWanted }: IncomingCall) {
    const { call } = served
    try {
      const answer = await call.run(() => handler(argument, call))
      const stream = isStream(answer) && (isWanted || Symbol.asyncIterator in answer) ? answer : undefined
      if (isWanted !== (stream !== undefined)) throw mismatch(isWanted)
      if (!stream) this.#answer(served, encodeValue(answer))
      else {
        call.stream = new StreamSource(this.#options.clock, stream, (work) => call.run(work))
        if (call.isCancelled) call.stream.close()
        else await this.#take(served, call.stream, served.id)
      }
    } catch (error) {
      const isRefused = error instanceof NotServed
      const failure = this.#failure(isRefused ? error.error : error, method)
      if (this.#over(served)) this.#options.exchange.fail(served.from, served.id, failure, isRefused)
      throw error
    } finally {
      if (!call.stream || call.stream.isClosed) release(served)
    }
  }

  #answer(served: Served, value: string): void {
    if (this.#over(served)) this.#options.exchange.answer(served.from, served.id, value)
  }

  #pull(from: string, key: string, { id }: IncomingPull): void {
    const served = this.#served.get(key)
    const stream = served?.call.stream
    if (!served || !stream) {
      const error = new ClusterError('ERR_ABORTED', 'the stream is over', { operation: 'services.stream' })
      this.#options.exchange.fail(from, id, this.#failure(error, 'stream'), false)
      return
    }
    this.#take(served, stream, id).catch((error: unknown) => {
      this.#over(served)
      this.#options.exchange.fail(from, id, this.#failure(error, served.hosted.name), false)
    })
  }

  async #take(served: Served, stream: StreamSource, id: number): Promise<void> {
    const value = await stream.take()
    if (!this.#served.has(served.key)) return
    if (stream.isClosed) this.#over(served)
    this.#options.exchange.answer(served.from, id, value)
  }

  #cancel(key: string): void {
    const served = this.#served.get(key)
    if (served) this.#end(served)
    else {
      this.#early.add(key)
      const [oldest] = this.#early
      if (this.#early.size > MAX_EARLY_CANCELS && oldest !== undefined) this.#early.delete(oldest)
    }
  }

  /** Nobody waits for it any more, and whatever of it still runs learns that. */
  #end(served: Served): void {
    if (this.#over(served)) served.call.cancel()
  }

  /** False: it was over before. */
  #over(served: Served): boolean {
    if (served.call.stream) release(served)
    return this.#served.delete(served.key)
  }

  #refusal(hosted: Hosted | undefined, handler: ServiceHandler | undefined, call: IncomingCall): ClusterError {
    const member = this.#options.nameOf(this.#options.self)
    const subject = `${hosted?.name ?? call.number}.${call.method}`.slice(0, 256)
    if (!hosted) return new ClusterError('ERR_UNKNOWN_SERVICE', `${member} no longer offers that`, { service: subject })
    if (!handler) return new ClusterError('ERR_NO_HANDLER', `${member} has no '${subject}'`, { member, subject })
    const limit = hosted.concurrency
    const details = { queue: subject, limit }
    return new ClusterError('ERR_BUFFER_FULL', `'${hosted.name}' runs ${limit} calls already`, details)
  }

  #failure(error: unknown, subject: string): string {
    const { payload } = encodeFailure(error, this.#options.nameOf(this.#options.self), subject)
    return Buffer.from(payload).toString('utf8')
  }
}

function release(served: Served): void {
  if (served.isHeld) served.hosted.running -= 1
  served.isHeld = false
}

function mismatch(isWanted: boolean): TypeError {
  return new TypeError(isWanted ? 'it answers with no stream; use call' : 'it answers with a stream; use stream')
}
