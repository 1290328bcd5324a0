// Waits for a condition with a deadline and a way out. Used where a call of the API waits for the state of the node, which
// changes for many reasons; none of them is worth an event of its own.

import { ClusterError } from './errors.ts'

const LOOK_AGAIN_MS = 10

export interface WaitForOptions {
  readonly signal?: AbortSignal | undefined
  /** `Infinity` waits for ever. */
  readonly timeoutMs: number
}

/** Resolves once `condition` holds; rejects with what it throws, `ERR_ABORTED`, or `ERR_TIMEOUT`. */
export function waitFor(operation: string, condition: () => boolean, options: WaitForOptions): Promise<void> {
  const { signal, timeoutMs } = options
  const deadline = performance.now() + timeoutMs
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      act()
    }
    const onAbort = (): void => {
      settle(() => reject(new ClusterError('ERR_ABORTED', `'${operation}' was aborted`, { operation })))
    }
    const look = (): void => {
      try {
        if (condition()) return settle(resolve)
      } catch (error) {
        return settle(() => reject(error))
      }
      const message = `'${operation}' was not done within ${timeoutMs} ms`
      if (performance.now() >= deadline) return settle(() => reject(new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs })))
      timer = setTimeout(look, LOOK_AGAIN_MS)
    }
    if (signal?.aborted) return onAbort()
    signal?.addEventListener('abort', onAbort, { once: true })
    look()
  })
}
