// What a client has asked for: calls with one answer, and streams. Both outlive connections; when the session is lost
// calls fail, for nobody knows what became of them, and streams begin anew.

import { ClusterError } from '../errors.ts'
import { jsonText } from '../json-text.ts'
import { fitsIn, utf8Bytes } from '../text-bytes.ts'
import { callAborted, type Wait } from '../wait.ts'
import { OpenCall } from './open-call.ts'
import { type ClientRequest, MAX_CLIENT_FRAME_BYTES, type NodeItem } from './protocol.ts'
import { type ClientSession, errorOf } from './session.ts'

/** How a stream begins, asked each time it does. */
export interface StreamSource {
  readonly op: string
  readonly fields: object
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
/** A frame, but for what is around a call that travels alone in it. */
const MAX_CALL_BYTES = MAX_CLIENT_FRAME_BYTES - 1024
/** setTimeout's longest delay, some 25 days; what is longer is never over. */
export const MAX_DELAY_MS = 2 ** 31 - 1

export class Calls {
  readonly #session: ClientSession
  readonly #timeoutMs: number
  readonly #calls = new Map<number, OpenCall>()
  /** Of those who wait for a connection. */
  readonly #waiting = new Set<(error: ClusterError) => void>()
  readonly #streams = new Map<number, OpenStream>()
  #lastId = 0
  #closed: ClusterError | undefined

  constructor(session: ClientSession, timeoutMs: number) {
    this.#session = session
    this.#timeoutMs = timeoutMs
    session.start({ take: (item) => this.#take(item as NodeItem), begun: (lost) => this.#begun(lost) })
  }

  async ready({ signal, timeoutMs = this.#timeoutMs }: Wait): Promise<void> {
    if (signal?.aborted) throw callAborted('ready')
    if (this.#closed) throw this.#closed
    if (this.#session.node !== undefined) return
    const connected = Promise.withResolvers<void>()
    const listening = this.#session.onEvent((event) => {
      if (event.type === 'connected') connected.resolve()
      else if (event.type === 'refused' && event.error.code !== 'ERR_BUFFER_FULL') connected.reject(event.error)
    })
    this.#waiting.add(connected.reject)
    try {
      await within('ready', connected.promise, timeoutMs, signal, () => false)
    } finally {
      this.#waiting.delete(connected.reject)
      // Not `using`: not every browser has it.
      listening[Symbol.dispose]()
    }
  }

  /** Resolves to the answer. Waits while there is no connection, for the time that it has. */
  async call(op: string, fields: object, { signal, timeoutMs = this.#timeoutMs }: Wait): Promise<unknown> {
    if (signal?.aborted) throw callAborted(op)
    if (this.#closed) throw this.#closed
    const id = ++this.#lastId
    const text = jsonText({ id, op, ...fields }, 'the call')
    if (!fitsIn(text, MAX_CALL_BYTES)) throw tooLarge(text)
    const call = new OpenCall(op)
    this.#calls.set(id, call)
    const { conversation } = this.#session
    if (!conversation.isFull) call.put(conversation, text)
    // What ends the conversation fails the call, too.
    else conversation.room().then(() => call.put(conversation, text), ignored)
    try {
      return await within(op, call.answer, timeoutMs, signal, () => call.giveUp())
    } finally {
      this.#calls.delete(id)
    }
  }

  /** Calls `take` with each item until disposed; begins anew with each session. */
  subscribe(source: StreamSource, take: (item: unknown) => void | Promise<void>): Disposable {
    const id = this.#add({
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
  async *stream(source: () => StreamSource, signal: AbortSignal | undefined): AsyncGenerator<unknown, void, undefined> {
    if (signal?.aborted) return
    const unread: { readonly item: unknown; readonly done: () => void }[] = []
    let [wake, isEnded, failure] = [() => {}, false, undefined as ClusterError | undefined]
    const stop = (): void => {
      isEnded = true
      wake()
    }
    const id = this.#add({
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
    for (const reject of this.#waiting) reject(this.#closed)
    for (const { end } of [...this.#streams.values()]) end(this.#closed)
    this.#streams.clear()
  }

  #add(stream: OpenStream): number {
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
    const call = this.#calls.get(item.id)
    this.#calls.delete(item.id)
    if ('ok' in item) call?.resolve(item.ok)
    else call?.reject(errorOf(item.error))
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
    for (const call of this.#calls.values()) call.fail(error)
    this.#calls.clear()
  }
}

function ignored(): void {}

/** The node would end the connection that it comes over, and each one after that. */
function tooLarge(text: string): ClusterError {
  const details = { bytes: utf8Bytes(text), limit: MAX_CALL_BYTES }
  const message = `the call has ${details.bytes} bytes; ${MAX_CALL_BYTES} are allowed`
  return new ClusterError('ERR_PAYLOAD_TOO_LARGE', message, details)
}

/**
 * What `work` resolves to; rejects when its time is over or it is aborted, and tells `giveUp`, which answers whether it
 * may happen all the same.
 */
async function within<Value>(
  operation: string,
  work: Promise<Value>,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  giveUp: () => boolean,
): Promise<Value> {
  const over = Promise.withResolvers<never>()
  const late = (): void => {
    const message = `'${operation}' had no answer within ${timeoutMs} ms`
    const details = { operation, timeoutMs }
    over.reject(new ClusterError('ERR_TIMEOUT', message, details, { mayHaveHappened: giveUp() }))
  }
  const timer = timeoutMs > MAX_DELAY_MS ? undefined : setTimeout(late, timeoutMs)
  const abort = (): void => over.reject(callAborted(operation, giveUp()))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, over.promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}
