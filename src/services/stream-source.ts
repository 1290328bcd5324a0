// What a handler yields, at its owner: taken from its iterator only when the caller has asked, so a slow reader slows
// the generator. What is ready when one is asked for goes along with it.

import type { JsonValue } from '../channels/payload.ts'
import type { Time } from '../runtime/clock.ts'
import { encodeAnswer } from './call-exchange.ts'

/** Items in one answer at most; the generator is one further, and the reader asks for one answer ahead. */
export const MAX_STREAM_ITEMS = 64
/** An answer is closed when it has so many bytes. */
const MAX_STREAM_BYTES = 64 * 1024

type Items = Iterator<unknown> | AsyncIterator<unknown>

/** One answer of a stream, as it travels. */
export interface StreamBatch {
  readonly items: readonly JsonValue[]
  readonly isDone: boolean
}

/** What can be read item by item. A text is one item. */
export function isStream(value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value)
}

export class StreamSource {
  readonly #clock: Time
  readonly #iterator: Items
  /** Runs what the handler wrote in its call. */
  readonly #run: <Result>(work: () => Result) => Result
  /** Asked of the iterator and not yet given. */
  #next: Promise<IteratorResult<unknown>> | undefined
  #isTaking = false
  #isClosed = false

  constructor(
    clock: Time,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    run: <Result>(work: () => Result) => Result,
  ) {
    this.#clock = clock
    this.#run = run
    const stream = items as Partial<AsyncIterable<unknown>> & Iterable<unknown>
    this.#iterator = run(() => stream[Symbol.asyncIterator]?.() ?? stream[Symbol.iterator]())
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /**
   * The next answer, as JSON: at least one item, or the end. Rejects with what the handler throws, after the items
   * before it.
   */
  async take(): Promise<string> {
    if (this.#isTaking) throw new TypeError('one answer of a stream at a time')
    this.#isTaking = true
    try {
      const texts: string[] = []
      let bytes = 0
      let result = await (this.#next ?? this.#advance())
      this.#next = undefined
      const over = turnOver(this.#clock)
      while (!result.done) {
        let text: string
        try {
          text = encodeAnswer(result.value)
        } catch (error) {
          if (texts.length === 0) throw error
          // It is told with the next answer: what was there before goes first.
          this.#next = Promise.reject(error)
          this.#next.catch(() => {})
          return batch(texts, false)
        }
        texts.push(text)
        bytes += text.length
        if (texts.length >= MAX_STREAM_ITEMS || bytes >= MAX_STREAM_BYTES) return batch(texts, false)
        const next = this.#advance()
        const ready = await Promise.race([settled(next), over])
        if (ready !== true) {
          // It comes with the next answer, and so does what it may fail with.
          this.#next = next
          next.catch(() => {})
          return batch(texts, false)
        }
        result = await next
      }
      this.#isClosed = true
      return batch(texts, true)
    } catch (error) {
      this.close()
      throw error
    } finally {
      this.#isTaking = false
    }
  }

  /** Nobody reads any further: the handler's `finally` runs. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      // What a handler throws while it is ended is heard by nobody: the reader is gone.
      void Promise.resolve(this.#run(() => this.#iterator.return?.())).catch(() => {})
    } catch {
      // The same of one that is not asynchronous.
    }
  }

  async #advance(): Promise<IteratorResult<unknown>> {
    const result: unknown = await this.#run(() => this.#iterator.next())
    // As a loop of the language would.
    if (typeof result !== 'object' || result === null)
      throw new TypeError(`Iterator result ${String(result)} is not an object`)
    return result as IteratorResult<unknown>
  }
}

/** True when it succeeds; failures are of the next answer. */
const settled = (next: Promise<unknown>): Promise<boolean> =>
  next.then(
    () => true,
    () => false,
  )

/** What resolves in this turn of the event loop was ready. */
const turnOver = (clock: Time): Promise<undefined> =>
  new Promise((resolve) => clock.setImmediate(() => resolve(undefined)))

function batch(texts: readonly string[], isDone: boolean): string {
  return `{"items":[${texts.join(',')}],"isDone":${isDone}}`
}
