// The instances of this node at work: runs their handlers for calls from anywhere, as many at once as each allows, and lets a caller
// cancel what it no longer wants. A handler's own calls inherit what is left of its deadline.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { JsonValue } from '../channels/payload.ts'
import type { Requests } from '../channels/requests.ts'
import { ClusterError } from '../errors.ts'
import { MAX_DELAY_MS, type Time } from '../runtime/clock.ts'
import type { ServiceHandler } from './service-interface.ts'

export const CALL_SUBJECT = 'trellis.service'
export const CANCEL_SUBJECT = 'trellis.service.cancel'
const DEFAULT_CONCURRENCY = 256
/** What is left to whoever runs inside a handler. */
export interface Inherited {
  readonly deadline: number
  readonly signal: AbortSignal
}

export interface ServiceCall {
  readonly number: number
  readonly method: string
  readonly argument: JsonValue
  readonly deadlineMs: number
  /** Unique with the caller; it cancels by it. */
  readonly call: number
}

interface Hosted {
  readonly name: string
  readonly handlers: Readonly<Record<string, ServiceHandler>>
  readonly concurrency: number
  running: number
}

const inherited = new AsyncLocalStorage<Inherited>()

/** The deadline and the signal of the handler that runs here, if any. */
export function inheritedLimits(): Inherited | undefined {
  return inherited.getStore()
}

export interface ServiceHostOptions {
  readonly clock: Time
  readonly self: string
  readonly requests: Requests
  readonly nameOf: (id: string) => string
}

export class ServiceHost implements Disposable {
  readonly #options: ServiceHostOptions
  readonly #hosted = new Map<number, Hosted>()
  readonly #running = new Map<string, AbortController>()
  readonly #handlers: readonly Disposable[]

  constructor(options: ServiceHostOptions) {
    this.#options = options
    const { requests } = options
    this.#handlers = [
      requests.handle(CALL_SUBJECT, ({ from, payload }) => this.#serve(from, parseCall(payload))),
      requests.handle(CANCEL_SUBJECT, ({ from, payload }) => {
        this.#running.get(`${from} ${String(payload)}`)?.abort(cancelled())
        return null
      }),
    ]
  }

  add(number: number, name: string, handlers: Hosted['handlers'], concurrency = DEFAULT_CONCURRENCY): void {
    this.#hosted.set(number, { name, handlers, concurrency, running: 0 })
  }

  /** Takes no new calls; those that run are finished. */
  remove(number: number): void {
    this.#hosted.delete(number)
  }

  [Symbol.dispose](): void {
    for (const handler of this.#handlers) handler[Symbol.dispose]()
    this.#hosted.clear()
    for (const running of this.#running.values()) running.abort(cancelled())
  }

  async #serve(from: string, call: ServiceCall): Promise<JsonValue> {
    const member = this.#options.nameOf(this.#options.self)
    const hosted = this.#hosted.get(call.number)
    const subject = `${hosted?.name ?? call.number}.${call.method}`
    if (!hosted) throw new ClusterError('ERR_UNKNOWN_SERVICE', `${member} no longer offers that`, { service: subject })
    const handler = Object.hasOwn(hosted.handlers, call.method) ? hosted.handlers[call.method] : undefined
    if (!handler) throw new ClusterError('ERR_NO_HANDLER', `${member} has no '${subject}'`, { member, subject })
    if (hosted.running >= hosted.concurrency) {
      const limit = hosted.concurrency
      throw new ClusterError('ERR_BUFFER_FULL', `'${hosted.name}' runs ${limit} calls already`, {
        queue: subject,
        limit,
      })
    }
    hosted.running += 1
    try {
      return await this.#run(handler, from, call)
    } finally {
      hosted.running -= 1
    }
  }

  async #run(handler: ServiceHandler, from: string, { argument, deadlineMs, call }: ServiceCall): Promise<JsonValue> {
    const key = `${from} ${call}`
    const abort = new AbortController()
    const timer = this.#options.clock.setTimeout(() => abort.abort(cancelled()), Math.min(deadlineMs, MAX_DELAY_MS))
    this.#running.set(key, abort)
    try {
      const { signal } = abort
      const context = { from: this.#options.nameOf(from), signal, deadlineMs }
      const limits = { deadline: this.#options.clock.now() + deadlineMs, signal }
      const answer = await inherited.run(limits, async () => handler(argument, context))
      return (answer ?? null) as JsonValue
    } finally {
      timer?.[Symbol.dispose]()
      this.#running.delete(key)
    }
  }
}

function parseCall(payload: unknown): ServiceCall {
  const call = (payload ?? {}) as Partial<ServiceCall>
  const { number, method, deadlineMs } = call
  const isCall = Number.isSafeInteger(number) && Number.isSafeInteger(call.call) && typeof method === 'string'
  if (isCall && typeof deadlineMs === 'number' && deadlineMs > 0) return { argument: null, ...call } as ServiceCall
  throw new ClusterError('ERR_BAD_REQUEST', 'that is no call of a service', { problem: 'malformed call' })
}

function cancelled(): ClusterError {
  return new ClusterError('ERR_ABORTED', 'the caller gave up', { operation: 'services.call' })
}
