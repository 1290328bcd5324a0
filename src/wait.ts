// Waits for a condition with a deadline and a way out. Used where a call of the API waits for the state of the node, which
// changes for many reasons; none of them is worth an event of its own.

import { ClusterError } from './errors.ts'
import type { Time } from './runtime/clock.ts'

const LOOK_AGAIN_MS = 10

export interface WaitForOptions {
  readonly clock: Time
  readonly signal?: AbortSignal | undefined
  /** `Infinity` waits for ever. */
  readonly timeoutMs: number
}

/** Resolves once `condition` holds; rejects with what it throws, `ERR_ABORTED`, or `ERR_TIMEOUT`. */
export async function waitFor(operation: string, condition: () => boolean, options: WaitForOptions): Promise<void> {
  const { signal, timeoutMs } = options
  const deadline = options.clock.now() + timeoutMs
  while (!condition()) {
    if (signal?.aborted) throw new ClusterError('ERR_ABORTED', `'${operation}' was aborted`, { operation })
    if (options.clock.now() >= deadline) {
      const message = `'${operation}' was not done within ${timeoutMs} ms`
      throw new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs })
    }
    await pause(options.clock, LOOK_AGAIN_MS, signal)
  }
}

/** Resolves after `ms`, or at once when `signal` aborts: whoever waits asks it why it woke. */
export function pause(clock: Time, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer[Symbol.dispose]()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = clock.setTimeout(done, ms)
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done, { once: true })
  })
}
