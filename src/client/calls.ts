// What a client has asked for: calls with one answer, and streams. Both outlive connections; when the session is lost calls fail, for
// nobody knows what became of them, and streams begin anew.

import { ClusterError } from '../errors.ts'
import { jsonText } from '../json-text.ts'
import type { ClientCallOptions } from './client.ts'
import type { ClientRequest, NodeItem } from './protocol.ts'
import { type ClientSession, errorOf } from './session.ts'

/** How a stream begins, asked each time it does. */
export interface StreamSource {
  readonly op: string
  readonly fields: object
}

interface Pending {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

interface OpenStream {
  readonly source: () => StreamSource
  readonly take: (item: unknown) => Promise<unknown> | undefined
  readonly end: (error: ClusterError) => void
  /** It is about to begin anew. */
  readonly restart: () => void
}

const MAX_STREAMS = 64
/** Items that a stream's reader may leave unread; a node stops long before, for none of them is done. */
const MAX_UNREAD = 65_536

export class Calls {
  readonly #session: ClientSession
  readonly #timeoutMs: number
  readonly #pending = new Map<number, Pending>()
  readonly #streams = new Map<number, OpenStream>()
  #lastId = 0
  #closed: ClusterError | undefined

  constructor(session: ClientSession, timeoutMs: number) {
    this.#session = session
    this.#timeoutMs = timeoutMs
    session.start({ take: (item) => this.#take(item as NodeItem), begun: (lost) => this.#begun(lost) })
  }

  async ready({ signal, timeoutMs = this.#timeoutMs }: ClientCallOptions = {}): Promise<void> {
    if (this.#closed) throw this.#closed
    if (this.#session.node !== undefined) return
    const connected = Promise.withResolvers<void>()
    const listening = this.#session.onEvent((event) => {
      if (event.type === 'connected') connected.resolve()
      else if (event.type === 'refused' && event.error.code !== 'ERR_BUFFER_FULL') connected.reject(event.error)
    })
    try {
      await within('ready', connected.promise, timeoutMs, signal, false)
    } finally {
      // Not `using`: not every browser has it.
      listening[Symbol.dispose]()
    }
  }

  /** Resolves to the answer. Waits while there is no connection, for the time that it has. */
  async call(op: string, fields: object, given: ClientCallOptions = {}): Promise<unknown> {
    const { signal, timeoutMs = this.#timeoutMs } = given
    if (this.#closed) throw this.#closed
    const id = ++this.#lastId
    const answer = Promise.withResolvers<unknown>()
    const asked = async (): Promise<unknown> => {
      await this.#session.conversation.room()
      this.#pending.set(id, answer)
      this.#session.conversation.put(jsonText({ id, op, ...fields }, 'the call'))
      return answer.promise
    }
    try {
      return await within(op, asked(), timeoutMs, signal, true)
    } finally {
      this.#pending.delete(id)
    }
  }

  /** Calls `take` with each item until disposed; begins anew with each session. */
  subscribe(source: StreamSource, take: (item: unknown) => void | Promise<void>): Disposable {
    const id = this.#open({
      source: () => source,
      take: async (item) => {
        try {
          await take(item)
        } catch (error) {
          this.#session.handlerFailed(error)
        }
      },
      restart: () => {},
      end: () => this.#streams.delete(id),
    })
    return { [Symbol.dispose]: () => this.#stop(id) }
  }

  /** The items as they come; what is read is done. */
  async *stream(source: () => StreamSource, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
    const unread: { readonly item: unknown; readonly done: () => void }[] = []
    let [wake, isEnded, failure] = [() => {}, signal?.aborted === true, undefined as ClusterError | undefined]
    const stop = (): void => {
      isEnded = true
      wake()
    }
    const id = this.#open({
      source,
      take: (item) => {
        if (unread.length >= MAX_UNREAD) {
          failure = new ClusterError('ERR_BUFFER_FULL', 'the node sent more than it may', {
            queue: 'unread',
            limit: MAX_UNREAD,
          })
          stop()
          return undefined
        }
        const { promise, resolve } = Promise.withResolvers<void>()
        unread.push({ item, done: resolve })
        wake()
        return promise
      },
      end: (error) => {
        failure = error
        stop()
      },
      // What was not read comes again.
      restart: () => unread.splice(0).map(({ done }) => done()),
    })
    signal?.addEventListener('abort', stop, { once: true })
    try {
      for (;;) {
        const next = unread.shift()
        if (next !== undefined && !signal?.aborted) {
          yield next.item
          next.done()
        } else if (isEnded) {
          if (failure !== undefined) throw failure
          return
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      signal?.removeEventListener('abort', stop)
      for (const { done } of unread) done()
      this.#stop(id)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = new ClusterError('ERR_SHUTTING_DOWN', 'the client is closed', {})
    this.#session.close(this.#closed)
    this.#fail(this.#closed)
    for (const { end } of [...this.#streams.values()]) end(this.#closed)
    this.#streams.clear()
  }

  #open(stream: OpenStream): number {
    if (this.#closed) throw this.#closed
    if (this.#streams.size >= MAX_STREAMS) {
      const details = { queue: 'streams', limit: MAX_STREAMS }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_STREAMS} streams are open already`, details)
    }
    const id = ++this.#lastId
    this.#streams.set(id, stream)
    // Before the first welcome it is `begun` that asks.
    if (this.#session.hasBegun) this.#begin(id, stream)
    return id
  }

  #begin(id: number, { source }: OpenStream): void {
    const { op, fields } = source()
    this.#put({ id, op, ...fields })
  }

  #stop(id: number): void {
    if (this.#streams.delete(id) && this.#session.hasBegun) this.#put({ id: ++this.#lastId, op: 'stop', stream: id })
  }

  #put(request: ClientRequest): void {
    this.#session.conversation.put(JSON.stringify(request))
  }

  #take(item: NodeItem): Promise<unknown> | undefined {
    if ('on' in item) {
      const stream = this.#streams.get(item.on)
      if ('item' in item) return stream?.take(item.item)
      this.#streams.delete(item.on)
      stream?.end(errorOf(item.end))
      return undefined
    }
    const pending = this.#pending.get(item.id)
    this.#pending.delete(item.id)
    if ('ok' in item) pending?.resolve(item.ok)
    else pending?.reject(errorOf(item.error))
    return undefined
  }

  #begun(lost: ClusterError | undefined): void {
    if (lost !== undefined) this.#fail(lost)
    for (const [id, stream] of this.#streams) {
      stream.restart()
      this.#begin(id, stream)
    }
  }

  #fail(error: ClusterError): void {
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }
}

/** What `work` resolves to; rejects when its time is over or it is aborted. */
async function within<Value>(
  operation: string,
  work: Promise<Value>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  mayHaveHappened: boolean,
): Promise<Value> {
  const over = Promise.withResolvers<never>()
  const late = new ClusterError(
    'ERR_TIMEOUT',
    `'${operation}' had no answer within ${timeoutMs} ms`,
    { operation, timeoutMs },
    { mayHaveHappened },
  )
  const timer = setTimeout(() => over.reject(late), timeoutMs)
  const abort = (): void =>
    over.reject(new ClusterError('ERR_ABORTED', `'${operation}' was aborted`, { operation }, { mayHaveHappened }))
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, over.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
