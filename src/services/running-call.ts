// A call while its handler runs: what the handler is told, and what the calls that it makes inherit. The signal is made
// when somebody asks for it, for most handlers do not.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { JsonValue } from '../channels/payload.ts'
import { ClusterError } from '../errors.ts'
import type { IncomingCall } from './call-messages.ts'
import { RetryAllowance } from './retry-allowance.ts'
import type { ServiceCallContext, ServiceHandler } from './service-interface.ts'
import type { StreamSource } from './stream-source.ts'

export class RunningCall implements ServiceCallContext {
  readonly from: string
  /** The service whose handler this is. */
  readonly service: string
  readonly deadlineMs: number
  /** Its caller reads a stream. */
  readonly isStream: boolean
  readonly trace: string | undefined
  /** On the node's clock. */
  readonly deadline: number
  /** For the calls that its handler makes. */
  readonly retries: RetryAllowance
  readonly #retries: number
  /** Once its handler has answered with one. */
  stream: StreamSource | undefined
  #abort: AbortController | undefined
  #isCancelled = false
  #listeners: Set<() => void> | undefined

  /** `now` on the node's clock. */
  constructor(
    from: string,
    service: string,
    call: Pick<IncomingCall, 'deadlineMs' | 'isStream' | 'trace' | 'retries'>,
    now: number,
  ) {
    const { deadlineMs, isStream, trace, retries } = call
    this.from = from
    this.service = service
    this.deadlineMs = deadlineMs
    this.isStream = isStream
    this.trace = trace
    this.deadline = now + deadlineMs
    this.retries = new RetryAllowance(retries)
    this.#retries = retries
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new AbortController()
      if (this.#isCancelled) this.#abort.abort(cancelled())
    }
    return this.#abort.signal
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** Nobody waits for it any more. Idempotent. */
  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#abort?.abort(cancelled())
    for (const listener of this.#listeners ?? []) listener()
    this.stream?.close()
  }

  /** Calls `listener` when it is cancelled, until the result is called. */
  onCancelled(listener: () => void): () => void {
    this.#listeners ??= new Set()
    this.#listeners.add(listener)
    return () => void this.#listeners?.delete(listener)
  }

  /** Runs a piece of its handler: what that calls belongs to this call. */
  run<Result>(work: () => Result): Result {
    return running.run(this, work)
  }

  /** Runs its handler. */
  handle(handler: ServiceHandler, argument: JsonValue): unknown {
    return running.run(this, handler, argument, this)
  }

  /**
   * It is answered: what its handler still does may retry nothing more, unless it is a stream that goes on. Gives how
   * many retries it has used.
   */
  retriesUsed(): number {
    return this.isStream ? this.#retries : this.#retries - this.retries.close()
  }
}

const running = new AsyncLocalStorage<RunningCall>()

/** The call whose handler runs here, if any. */
export function runningCall(): RunningCall | undefined {
  return running.getStore()
}

/** Thrown by what passes calls on: it was not done here, and `error` says why; somebody else may do it. */
export class NotServed extends Error {
  override readonly name = 'NotServed'
  readonly error: ClusterError

  constructor(error: ClusterError) {
    super(error.message)
    this.error = error
  }
}

function cancelled(): ClusterError {
  return new ClusterError('ERR_ABORTED', 'the caller gave up', { operation: 'services.call' })
}
