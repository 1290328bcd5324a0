// Calls on their way between members, both ends: what is said to a member is gathered into messages (`call-outbox.ts`),
// and what comes is given to the caller that waits, or to the host. Messages travel acknowledged on the data channel,
// so a call survives that links are changed under it; it ends by its answer, at its deadline, or when its owner is
// down.

import type { CarriedFrom, Carrier } from '../channels/carrier.ts'
import { failureFrom, type JsonValue, unsendable } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import { sayable } from '../json-text.ts'
import type { Time } from '../runtime/clock.ts'
import { WaitingById } from '../runtime/waiting-by-id.ts'
import { nodeStopping } from '../wait.ts'
import { type CallMessage, callText, MAX_CALL_BYTES, type OutgoingBatch, parseCallMessage } from './call-messages.ts'
import { CallOutbox } from './call-outbox.ts'
import { Deadlines } from './deadlines.ts'

/** The other end: runs what others ask for. */
export interface CallServer {
  serve(from: CarriedFrom, message: Pick<CallMessage, 'calls' | 'pulls' | 'cancels'>): void
}

/**
 * How a call ended without an answer. `refused`: its host did not run it. `failed`: its handler threw. `lost`: whether
 * it arrived is told by `mayHaveHappened` of the error.
 */
export type CallEnd = 'refused' | 'failed' | 'lost'

/** Told once. `retriesUsed`: of those that the call carried; of what is lost nobody knows. */
export interface CallListener {
  answered(value: JsonValue, retriesUsed: number): void
  ended(how: CallEnd, error: ClusterError, retriesUsed: number): void
}

/** What waits for an answer. */
interface Waiting extends CallListener {
  /** Given when it is asked; to abandon it by. */
  id: number
  readonly to: string
  /** On the node's clock. */
  readonly deadline: number
  /** It may happen twice: without a way to its owner it is not waited for. */
  readonly failsFast: boolean
}

/** A call, which is told of its end itself. */
export interface OutgoingCall extends Waiting {
  readonly number: number
  readonly method: string
  /** As {@link encodeValue} gives it. */
  readonly argument: string
  readonly isStream: boolean
  readonly trace: string | undefined
  /** How often what is called may be asked again, by whatever it leads to. */
  readonly retries: number
}

/** More of the stream that a call began. */
export interface OutgoingPull extends Waiting {
  /** Id of that call. */
  readonly call: number
}

/** A message that came. */
interface Heard {
  readonly from: CarriedFrom
  readonly message: CallMessage
  readonly handled: () => void
  /** Calls of it that were given to the host. */
  served: number
}

export interface CallExchangeOptions {
  readonly clock: Time
  readonly carrier: Carrier
  readonly server: () => CallServer
  /** Counts what was dropped, by reason. */
  readonly count: (reason: string) => void
}

/** What is said without anybody waiting for it is tried for so long. */
const UNAWAITED_MS = 30_000
/**
 * Calls are given to the host so many at a time, and no more in a turn of the loop once they have taken this long: what
 * they gave leaves first.
 */
const SERVED_TOGETHER = 8
const TURN_MS = 1

export class CallExchange implements Disposable {
  readonly #options: CallExchangeOptions
  readonly #waiting = new WaitingById<OutgoingCall | OutgoingPull>()
  #nextId = 1
  readonly #outbox: CallOutbox
  /** Messages that came and whose turn has not: no more than the channel grants. */
  readonly #inbox: Heard[] = []
  /** Of messages that came and are not acknowledged yet. */
  readonly #handled: (() => void)[] = []
  readonly #deadlines: Deadlines<OutgoingCall | OutgoingPull>
  readonly #handler: Disposable
  #isReading = false
  #isClosed = false

  constructor(options: CallExchangeOptions) {
    this.#options = options
    this.#deadlines = new Deadlines(
      options.clock,
      () => this.#waiting,
      (waiting) => this.#expired(waiting),
    )
    this.#outbox = new CallOutbox({
      clock: options.clock,
      beforeSending: () => this.#acknowledge(),
      send: (to, batch, settled) => this.#send(to, batch, settled),
    })
    this.#handler = options.carrier.handle((from, payload, handled) => this.#take(from, payload, handled))
  }

  /** `now` on the node's clock. */
  call(call: OutgoingCall, now: number): void {
    call.id = this.#nextId++
    this.#ask('calls', callText(call, call.deadline - now), call)
  }

  pull(pull: OutgoingPull): void {
    pull.id = this.#nextId++
    this.#ask('pulls', `[${pull.id},${pull.call}]`, pull)
  }

  /** Nobody waits for `call` any more, nor for the pull `id`; its owner learns it as soon as it can. */
  abandon(to: string, call: number, id: number = call): void {
    this.#waiting.delete(id)
    this.#outbox.say(to, 'cancels', String(call), 0)
  }

  /** `retriesUsed`: of those that the call carried. */
  answer(to: string, id: number, value: string, retriesUsed: number): void {
    this.#outbox.say(to, 'answers', retriesUsed === 0 ? `[${id},${value}]` : `[${id},${value},${retriesUsed}]`, 0)
  }

  /** `error` as `encodeFailure` writes it. */
  fail(to: string, id: number, error: string, isRefused: boolean, retriesUsed: number): void {
    this.#outbox.say(to, 'failures', `[${id},${error},${isRefused ? 1 : 0},${retriesUsed}]`, 0)
  }

  /** No way leads to a member any more: who can do better elsewhere is told at once, the others when it is down. */
  cut(member: string, error: () => ClusterError): void {
    for (const { id, to, failsFast } of this.#waiting) if (to === member && failsFast) this.#end(id, 'lost', error())
  }

  /** A member is gone: no answer of it will come. */
  lost(member: string, error: () => ClusterError): void {
    // To nobody: what was held back is told that it has not left.
    this.#outbox.sendTo(member)
    for (const { id, to } of this.#waiting) if (to === member) this.#end(id, 'lost', error())
  }

  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#handler[Symbol.dispose]()
    this.#deadlines[Symbol.dispose]()
    this.#outbox[Symbol.dispose]()
    for (const { id } of this.#waiting) this.#end(id, 'lost', nodeStopping(true))
  }

  #now(): number {
    return this.#options.clock.now()
  }

  // --- Out ---

  #ask(kind: 'calls' | 'pulls', text: string, waiting: OutgoingCall | OutgoingPull): void {
    const { id, to, deadline } = waiting
    if (this.#isClosed) return void waiting.ended('lost', nodeStopping(true), 0)
    this.#waiting.add(waiting)
    this.#deadlines.add(deadline)
    this.#outbox.say(to, kind, text, deadline).asked.push(id)
  }

  #send(to: string, batch: OutgoingBatch, done: () => void): void {
    const settled = (error: ClusterError | undefined): void => {
      done()
      if (error === undefined) return
      if (batch.asked.length === 0) this.#options.count('call-unsaid')
      for (const id of batch.asked) this.#end(id, 'lost', error)
    }
    try {
      const timeoutMs = batch.until === 0 ? UNAWAITED_MS : Math.max(1, batch.until - this.#now())
      this.#options.carrier.post(to, batch.encode(), timeoutMs, settled)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      settled(error)
    }
  }

  // --- In ---

  #take(from: CarriedFrom, payload: Uint8Array, handled: () => void): void {
    this.#inbox.push({ from, message: parsed(payload), handled, served: 0 })
    if (!this.#isReading) this.#readNext()
  }

  /**
   * One message in a turn of the loop, or as much of it as a turn may take: what follows from it is on its way before
   * the next is begun, so that both ends work at the same time and do not wait for each other in turns.
   */
  #readNext(): void {
    const heard = this.#isClosed ? undefined : this.#inbox.shift()
    this.#isReading = heard !== undefined
    if (!heard) return
    this.#options.clock.setImmediate(() => this.#readNext())
    if (heard.served === 0) this.#read(heard)
    if (!this.#serve(heard)) return void this.#inbox.unshift(heard)
    // Acknowledged when what follows from it is sent: that is one message less on the way.
    this.#handled.push(heard.handled)
    this.#outbox.schedule()
  }

  #acknowledge(): void {
    for (const handled of this.#handled.splice(0)) handled()
  }

  #read({ from, message }: Heard): void {
    for (const { id, value, retriesUsed } of message.answers) this.#of(id, from)?.answered(value, retriesUsed)
    for (const { id, error, isRefused, retriesUsed } of message.failures) {
      const waiting = this.#of(id, from)
      waiting?.ended(isRefused ? 'refused' : 'failed', failureOf(error), retriesUsed)
    }
    this.#options.server().serve(from, { calls: [], pulls: message.pulls, cancels: message.cancels })
  }

  /** False: some of its calls are left for the next turn. */
  #serve(heard: Heard): boolean {
    const { from, message } = heard
    const end = this.#now() + TURN_MS
    while (heard.served < message.calls.length) {
      if (heard.served > 0 && this.#now() >= end) return false
      const calls = message.calls.slice(heard.served, heard.served + SERVED_TOGETHER)
      heard.served += calls.length
      this.#options.server().serve(from, { calls, pulls: [], cancels: [] })
    }
    return true
  }

  /** Who waits for an answer to `id`, and does no more. */
  #of(id: number, { id: from }: CarriedFrom): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting?.to !== from) {
      // Often its caller has given up; a member that makes answers up gets no further than this.
      this.#options.count('call-answer-unexpected')
      return undefined
    }
    this.#waiting.delete(id)
    return waiting
  }

  #end(id: number, how: CallEnd, error: ClusterError): void {
    const waiting = this.#waiting.get(id)
    if (!this.#waiting.delete(id)) return
    waiting?.ended(how, error, 0)
  }

  #expired(waiting: OutgoingCall | OutgoingPull): void {
    const { id, to } = waiting
    this.#outbox.say(to, 'cancels', String('call' in waiting ? waiting.call : id), 0)
    this.#end(id, 'lost', timedOut())
  }
}

/** As JSON. Throws `ERR_PAYLOAD_TOO_LARGE`, and a TypeError for what JSON cannot say. */
export function encodeValue(value: unknown): string {
  const text = sayable(value ?? null)
  // UTF-8 takes at most three bytes for what UTF-16 says with one unit.
  if (text.length * 3 <= MAX_CALL_BYTES) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_CALL_BYTES) return text
  const message = `the payload has ${bytes} bytes; ${MAX_CALL_BYTES} are allowed`
  throw new ClusterError('ERR_PAYLOAD_TOO_LARGE', message, { bytes, limit: MAX_CALL_BYTES })
}

/** What a handler answers with, as JSON. Throws a TypeError for what cannot be sent. */
export function encodeAnswer(answer: unknown): string {
  try {
    return encodeValue(answer)
  } catch (error) {
    throw unsendable(error)
  }
}

function parsed(payload: Uint8Array): CallMessage {
  try {
    return parseCallMessage(payload)
  } catch (cause) {
    const problem = 'that is no message of calls'
    throw new ClusterError('ERR_BAD_REQUEST', problem, { problem }, { cause })
  }
}

/** Of what cannot be read only so much is known. */
function failureOf(said: unknown): ClusterError {
  try {
    return failureFrom(said)
  } catch (cause) {
    const details = { member: '', subject: 'services.call', reason: 'its error cannot be read' }
    const options = { cause, mayHaveHappened: true }
    return new ClusterError('ERR_HANDLER_FAILED', 'the handler failed with what is no error', details, options)
  }
}

function timedOut(): ClusterError {
  const details = { operation: 'services.call', timeoutMs: 0 }
  return new ClusterError('ERR_TIMEOUT', 'the call was not answered in time', details, { mayHaveHappened: true })
}
