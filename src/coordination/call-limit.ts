// The end of a caller's patience with one attempt, without an AbortSignal of its own: one for each write and read, with
// its listeners, cost as much as Raft itself.

import type { ClusterError } from '../errors.ts'
import { MAX_DELAY_MS, type Time, type Timer } from '../runtime/clock.ts'
import { callAborted } from '../wait.ts'
import { timedOut } from './leader-calls.ts'

/** What ends a wait: an `AbortSignal`, or a {@link CallLimit}. */
export interface Ending {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * Ends with `ERR_TIMEOUT` after `ms`, or with `ERR_ABORTED` when `signal` aborts; what it stops may have happened. One
 * wait at a time hears of it.
 */
export class CallLimit implements Ending, Disposable {
  #reason: ClusterError | undefined
  #listener: (() => void) | undefined
  readonly #timer: Timer | undefined
  readonly #signal: AbortSignal | undefined
  readonly #onAbort: (() => void) | undefined

  constructor(clock: Time, operation: string, ms: number, signal: AbortSignal | undefined) {
    this.#timer = clock.setTimeout(() => this.#end(timedOut(operation, ms, true)), Math.min(ms, MAX_DELAY_MS))
    if (!signal) return
    this.#signal = signal
    this.#onAbort = () => this.#end(callAborted(operation, true))
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  get aborted(): boolean {
    return this.#reason !== undefined
  }

  get reason(): unknown {
    return this.#reason
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listener = listener
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listener === listener) this.#listener = undefined
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    if (this.#onAbort) this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  #end(reason: ClusterError): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    const listener = this.#listener
    this.#listener = undefined
    listener?.()
  }
}
