// The instances of this node at work: runs their handlers for calls from anywhere, as many at once as each allows, and
// lets a caller cancel what it no longer wants. What a handler calls itself belongs to the call that it runs for.
//
//   call ──▶ no such instance or method, or too many running: refused, no handler has seen it
//     └──▶ handler ──▶ a value: answered         deadline, cancel, caller gone ──▶ `signal` aborts, nothing is answered
//                └──▶ a stream: its first items answer the call, each pull the next ones, until its end

import { SpanKind } from '@opentelemetry/api'
import type { CarriedFrom } from '../channels/carrier.ts'
import { encodeFailure } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { isTracing, passingOn, traced } from '../observability/tracing.ts'
import type { Time } from '../runtime/clock.ts'
import { type CallExchange, type CallServer, encodeAnswer } from './call-exchange.ts'
import type { CallMessage, IncomingCall, IncomingPull } from './call-messages.ts'
import { Deadlines } from './deadlines.ts'
import { NotServed, RunningCall } from './running-call.ts'
import type { ServiceHandler } from './service-interface.ts'
import { isStream, StreamSource } from './stream-source.ts'

const DEFAULT_CONCURRENCY = 256
/** Calls that were cancelled before they came are remembered: messages may overtake each other. */
const MAX_EARLY_CANCELS = 1_024
/** Characters that are repeated to a caller of what it called. */
const MAX_SUBJECT = 256

/** Finds what answers a method. Undefined: there is none. */
export type FindHandler = (method: string) => ServiceHandler | undefined

interface Hosted {
  readonly name: string
  readonly handler: FindHandler
  readonly concurrency: number
  running: number
}

/** One life of a member that calls, and what runs here for it. Known while something does. */
interface Caller {
  readonly id: string
  readonly name: string
  readonly key: string
  /** By their ids. */
  readonly served: Map<number, Served>
}

/** What whoever traces a call is told of its end, once. */
interface Told {
  answered(): void
  failed(error: unknown): void
}

/** One call that runs, or whose stream is open. */
interface Served {
  readonly caller: Caller
  readonly id: number
  readonly method: string
  readonly deadline: number
  readonly hosted: Hosted
  readonly call: RunningCall
  /** It counts as running: its handler has not returned, or its stream is open. */
  isHeld: boolean
  /** It is not answered to its end. */
  isOpen: boolean
}

export interface ServiceHostOptions {
  readonly clock: Time
  readonly self: string
  readonly exchange: CallExchange
  readonly nameOf: (id: string) => string
  /** Why nothing more is done for a caller now. Default: there is nothing against it. */
  readonly refusal?: (caller: string) => ClusterError | undefined
}

export class ServiceHost implements CallServer, Disposable {
  readonly #options: ServiceHostOptions
  readonly #hosted = new Map<number, Hosted>()
  readonly #callers = new Map<string, Caller>()
  readonly #early = new Set<string>()
  readonly #deadlines: Deadlines<Served>

  constructor(options: ServiceHostOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(
      options.clock,
      () => this.#served(),
      (served) => this.#end(served),
    )
  }

  /** Calls that run here now. */
  get running(): number {
    return this.#served().length
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
    for (const served of this.#served()) if (served.caller.id === member) this.#end(served)
  }

  serve(from: CarriedFrom, { calls, pulls, cancels }: Pick<CallMessage, 'calls' | 'pulls' | 'cancels'>): void {
    if (calls.length + pulls.length + cancels.length === 0) return
    const caller = this.#callerOf(from)
    for (const call of calls) this.#call(caller, call)
    for (const pull of pulls) this.#pull(caller, pull)
    for (const id of cancels) this.#cancel(caller, id)
  }

  [Symbol.dispose](): void {
    this.#hosted.clear()
    for (const served of this.#served()) this.#end(served)
    this.#deadlines[Symbol.dispose]()
  }

  #served(): Served[] {
    return [...this.#callers.values()].flatMap(({ served }) => [...served.values()])
  }

  #callerOf({ id, generation }: CarriedFrom): Caller {
    const key = `${id} ${generation}`
    const known = this.#callers.get(key)
    if (known) return known
    return { id, key, name: this.#options.nameOf(id), served: new Map<number, Served>() }
  }

  #call(caller: Caller, call: IncomingCall): void {
    const { id, number, method, trace } = call
    if (this.#early.size > 0 && this.#early.delete(`${caller.key} ${id}`)) return
    const hosted = this.#hosted.get(number)
    const handler = hosted?.handler(method)
    const refusal = this.#options.refusal?.(caller.id)
    if (refusal || !hosted || !handler || hosted.running >= hosted.concurrency) {
      const error = refusal ?? this.#refusal(hosted, handler, call)
      this.#options.exchange.fail(caller.id, id, this.#failure(error, method), true, 0)
      return
    }
    const running = new RunningCall(caller.name, hosted.name, call, this.#options.clock.now())
    const { deadline } = running
    const served: Served = { caller, id, method, deadline, hosted, call: running, isHeld: true, isOpen: true }
    hosted.running += 1
    if (isTracing()) {
      const attributes = { 'trellis.source': caller.id, 'trellis.service': hosted.name, 'trellis.method': method }
      const options = { kind: SpanKind.SERVER, attributes, from: trace ?? '' }
      const run = (): Promise<void> =>
        new Promise((answered, failed) => this.#run(served, handler, call, { answered, failed }))
      // Its failure is told to the caller by then.
      traced('trellis.serve', options, run).catch(() => {})
    } else passingOn(trace, () => this.#run(served, handler, call, undefined))
  }

  /** What is answered at once costs no promise. */
  #run(served: Served, handler: ServiceHandler, call: IncomingCall, told: Told | undefined): void {
    let answer: unknown
    let isLater: boolean
    try {
      answer = served.call.handle(handler, call.argument)
      // What it is may be the handler's own code: a getter, a proxy.
      isLater = call.isStream || isThenable(answer)
    } catch (error) {
      return void this.#threw(served, call, error, told)
    }
    if (!isLater) return void this.#returned(served, call, answer, told)
    this.#keep(served)
    Promise.resolve(answer).then(
      (value) => this.#returned(served, call, value, told),
      (error: unknown) => this.#threw(served, call, error, told),
    )
  }

  /** It goes on after this turn: it can be cancelled, and its deadline can pass. */
  #keep(served: Served): void {
    const { caller, id, deadline } = served
    if (caller.served.size === 0) this.#callers.set(caller.key, caller)
    caller.served.set(id, served)
    this.#deadlines.add(deadline)
  }

  #returned(served: Served, call: IncomingCall, answer: unknown, told: Told | undefined): void {
    try {
      const stream = isStream(answer) && (call.isStream || Symbol.asyncIterator in answer) ? answer : undefined
      if (call.isStream !== (stream !== undefined)) throw mismatch(call.isStream)
      if (stream) return void this.#stream(served, call, stream, told)
      const value = encodeAnswer(answer)
      if (this.#over(served))
        this.#options.exchange.answer(served.caller.id, served.id, value, served.call.retriesUsed())
    } catch (error) {
      return void this.#threw(served, call, error, told)
    }
    release(served)
    told?.answered()
  }

  #threw(served: Served, { method }: IncomingCall, error: unknown, told: Told | undefined): void {
    const { call, caller, hosted, id } = served
    const isRefused = error instanceof NotServed
    const failure = this.#failure(isRefused ? error.error : error, subjectOf(hosted.name, method))
    if (this.#over(served)) this.#options.exchange.fail(caller.id, id, failure, isRefused, call.retriesUsed())
    if (!call.stream || call.stream.isClosed) release(served)
    told?.failed(error)
  }

  #stream(
    served: Served,
    call: IncomingCall,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    told: Told | undefined,
  ): void {
    const running = served.call
    const stream = new StreamSource(this.#options.clock, items, (work) => running.run(work))
    running.stream = stream
    if (running.isCancelled) {
      stream.close()
      release(served)
      told?.answered()
      return
    }
    this.#take(served, stream, served.id).then(
      () => {
        if (stream.isClosed) release(served)
        told?.answered()
      },
      (error: unknown) => this.#threw(served, call, error, told),
    )
  }

  #pull(caller: Caller, { id, call }: IncomingPull): void {
    const served = caller.served.get(call)
    const stream = served?.call.stream
    const { exchange } = this.#options
    if (!served || !stream) {
      const error = new ClusterError('ERR_ABORTED', 'the stream is over', { operation: 'services.stream' })
      exchange.fail(caller.id, id, this.#failure(error, 'stream'), false, 0)
      return
    }
    this.#take(served, stream, id).catch((error: unknown) => {
      this.#over(served)
      exchange.fail(caller.id, id, this.#failure(error, subjectOf(served.hosted.name, served.method)), false, 0)
    })
  }

  async #take(served: Served, stream: StreamSource, id: number): Promise<void> {
    const value = await stream.take()
    if (!served.isOpen) return
    if (stream.isClosed) this.#over(served)
    this.#options.exchange.answer(served.caller.id, id, value, served.call.retriesUsed())
  }

  #cancel(caller: Caller, id: number): void {
    const served = caller.served.get(id)
    if (served) this.#end(served)
    else this.#early.add(`${caller.key} ${id}`)
    if (this.#early.size > MAX_EARLY_CANCELS) this.#early.delete(this.#early.keys().next().value ?? '')
  }

  /** Nobody waits for it any more, and whatever of it still runs learns that. */
  #end(served: Served): void {
    if (this.#over(served)) served.call.cancel()
  }

  /** False: it was over before. */
  #over(served: Served): boolean {
    if (served.call.stream) release(served)
    if (!served.isOpen) return false
    served.isOpen = false
    const { key, served: kept } = served.caller
    if (kept.delete(served.id) && kept.size === 0) this.#callers.delete(key)
    return true
  }

  #refusal(hosted: Hosted | undefined, handler: ServiceHandler | undefined, call: IncomingCall): ClusterError {
    const member = this.#options.nameOf(this.#options.self)
    const subject = subjectOf(hosted?.name ?? call.number, call.method)
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

/** As refusals and failures name it; a caller may ask for a method of any length. */
function subjectOf(service: string | number, method: string): string {
  return `${service}.${method}`.slice(0, MAX_SUBJECT)
}

function release(served: Served): void {
  if (served.isHeld) served.hosted.running -= 1
  served.isHeld = false
}

function mismatch(isWanted: boolean): TypeError {
  return new TypeError(isWanted ? 'it answers with no stream; use call' : 'it answers with a stream; use stream')
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
