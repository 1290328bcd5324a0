// Iterations that wait for what is to come, such as watches. An async generator queues what it is asked: its `return`
// waits until a pending `next` has something to tell, and where nothing happens that is never. Of these `return`
// settles at once, what is pending with it, and what the generator holds is let go.

type Result<Value> = IteratorResult<Value, void>

const over = { done: true, value: undefined } as const

/**
 * What `begin` yields, until somebody ends it. The signal given to it aborts with any of `signals`, and with the end:
 * whatever the generator waits for is to end then. Nothing is begun before the first `next`. `onEnd` is called once,
 * however it ends.
 */
export function endable<Value>(
  begin: (signal: AbortSignal) => AsyncGenerator<Value, void, undefined>,
  signals: readonly (AbortSignal | undefined)[] = [],
  onEnd: () => void = () => {},
): EndableIteration<Value> {
  return new EndableIteration(begin, signals, onEnd)
}

export class EndableIteration<Value> implements AsyncIterableIterator<Value, void, undefined>, AsyncDisposable {
  readonly #begin: (signal: AbortSignal) => AsyncGenerator<Value, void, undefined>
  readonly #signals: readonly (AbortSignal | undefined)[]
  readonly #onEnd: () => void
  readonly #ending = new AbortController()
  /**
   * Settles each `next` that is under way. Not one promise of the end for all: whoever waits for it would be kept by
   * it.
   */
  readonly #pending = new Set<(result: Result<Value>) => void>()
  #values: AsyncGenerator<Value, void, undefined> | undefined
  #isOver = false

  constructor(
    begin: (signal: AbortSignal) => AsyncGenerator<Value, void, undefined>,
    signals: readonly (AbortSignal | undefined)[],
    onEnd: () => void,
  ) {
    this.#begin = begin
    this.#signals = signals
    this.#onEnd = onEnd
  }

  next(): Promise<Result<Value>> {
    if (this.#isOver) return Promise.resolve(over)
    this.#values ??= this.#started()
    const values = this.#values
    return new Promise((resolve, reject) => {
      this.#pending.add(resolve)
      values.next().then(
        (result) => {
          this.#pending.delete(resolve)
          if (result.done) this.#end()
          resolve(result)
        },
        (error: unknown) => {
          this.#pending.delete(resolve)
          this.#end()
          reject(error)
        },
      )
    })
  }

  return(): Promise<Result<Value>> {
    this.#end()
    return Promise.resolve(over)
  }

  throw(error: unknown): Promise<Result<Value>> {
    this.#end()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end()
  }

  #started(): AsyncGenerator<Value, void, undefined> {
    if (this.#signals.some((signal) => signal?.aborted)) this.#ending.abort()
    else for (const signal of this.#signals) signal?.addEventListener('abort', this.#abort, { once: true })
    return this.#begin(this.#ending.signal)
  }

  readonly #abort = (): void => this.#ending.abort()

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const signal of this.#signals) signal?.removeEventListener('abort', this.#abort)
    this.#ending.abort()
    // It ends behind what it is doing; nobody is left to hear how.
    this.#values?.return().catch(() => {})
    this.#onEnd()
    for (const resolve of this.#pending) resolve(over)
    this.#pending.clear()
  }
}
