// How long a call may take and who may end it: what its caller said, and what is left to the handler that it is made
// in.

import { ClusterError } from '../errors.ts'
import type { Time } from '../runtime/clock.ts'
import { type RunningCall, runningCall } from './running-call.ts'

export class CallLimits {
  /** The call whose handler makes this one, if any. */
  readonly parent: RunningCall | undefined
  /** On the node's clock, as all times here. */
  readonly begun: number
  readonly deadline: number
  readonly #clock: Time
  readonly #signal: AbortSignal | undefined
  readonly #isTimeout: boolean

  /** `timeoutMs`: how long the caller itself waits, when that is less. */
  constructor(clock: Time, deadlineMs: number, signal: AbortSignal | undefined, timeoutMs = Number.POSITIVE_INFINITY) {
    this.#clock = clock
    this.begun = clock.now()
    this.parent = runningCall()
    this.#signal = signal
    this.#isTimeout = timeoutMs < deadlineMs
    const own = this.begun + Math.min(deadlineMs, timeoutMs)
    this.deadline = Math.min(own, this.parent?.deadline ?? own)
  }

  get isAborted(): boolean {
    return this.#signal?.aborted === true || this.parent?.isCancelled === true
  }

  get isOver(): boolean {
    return this.#clock.now() >= this.deadline
  }

  /** Calls `listener` when the caller gives up, until the result is called. Undefined: it cannot give up. */
  onAborted(listener: () => void): (() => void) | undefined {
    const signal = this.#signal
    if (!signal && !this.parent) return undefined
    const release = this.parent?.onCancelled(listener)
    signal?.addEventListener('abort', listener, { once: true })
    return () => {
      release?.()
      signal?.removeEventListener('abort', listener)
    }
  }

  exceeded(operation: string, cause: unknown): ClusterError {
    const mayHaveHappened = !(cause instanceof ClusterError) || cause.mayHaveHappened
    const deadlineMs = Math.round(this.deadline - this.begun)
    const message = `'${operation}' was not answered within its ${deadlineMs} ms`
    const options = { cause, mayHaveHappened }
    if (this.#isTimeout) return new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs: deadlineMs }, options)
    return new ClusterError('ERR_DEADLINE_EXCEEDED', message, { operation, deadlineMs }, options)
  }
}
