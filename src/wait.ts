// Waits for a condition with a deadline and a way out. Used where a call of the API waits for the state of the node,
// which changes for many reasons; none of them is worth an event of its own. And how every such call begins.

import { checkedOptions, type OptionCheck, waitChecks } from './call-options.ts'
import { ClusterError } from './errors.ts'
import type { Time } from './runtime/clock.ts'

const LOOK_AGAIN_MS = 10

export interface WaitForOptions {
  readonly clock: Time
  readonly signal?: AbortSignal | undefined
  /** `Infinity` waits for ever. */
  readonly timeoutMs: number
}

/** What every call of the API that waits is given, as users write it. */
export interface Wait {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

/**
 * Every call of the API that waits begins with it. Throws `ERR_BAD_OPTIONS` for a signal that is none, a time that is
 * none, and what is no option of the call, which may have `further` ones, all at once; and `ERR_ABORTED` when the
 * signal has aborted before: then nothing is begun, whatever the answer would have been.
 */
export function beginWait<Options extends Wait>(
  operation: string,
  options: Options,
  further?: Readonly<Record<string, OptionCheck>>,
): Options {
  const { signal } = checkedOptions(options, further ? { ...waitChecks, ...further } : waitChecks)
  if (signal?.aborted) throw callAborted(operation)
  return options
}

/** Checks the options alone: for what may go on although its signal has aborted, such as the stop of a node. */
export function checkedWait(options: Wait): Wait {
  return checkedOptions(options, waitChecks)
}

/** What is begun on a node that stops, or has stopped, is refused with it, and what is under way ends with it. */
export function nodeStopping(mayHaveHappened = false): ClusterError {
  return new ClusterError('ERR_SHUTTING_DOWN', 'the node is stopping', {}, { mayHaveHappened })
}

/** What a call ends with when its signal aborts. Of one that only asks nothing has happened. */
export function callAborted(operation: string, mayHaveHappened = false): ClusterError {
  return new ClusterError('ERR_ABORTED', `'${operation}' was aborted`, { operation }, { mayHaveHappened })
}

/** A question may have been answered, but nothing has happened by it, whatever is said of requests. */
export async function withoutEffect<Answer>(read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ClusterError) || !error.mayHaveHappened) throw error
    throw new ClusterError(error.code, error.message, error.details, { cause: error })
  }
}

/** Resolves once `condition` holds; rejects with what it throws, `ERR_ABORTED`, or `ERR_TIMEOUT`. */
export async function waitFor(operation: string, condition: () => boolean, options: WaitForOptions): Promise<void> {
  const { signal, timeoutMs } = options
  const deadline = options.clock.now() + timeoutMs
  while (!condition()) {
    if (signal?.aborted) throw callAborted(operation)
    if (options.clock.now() >= deadline) {
      const message = `'${operation}' was not done within ${timeoutMs} ms`
      throw new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs })
    }
    await pause(options.clock, LOOK_AGAIN_MS, signal)
  }
}

/**
 * Rejects with the reason of `signal` once that aborts, or at once if it has; never resolves. What is waited for races
 * against it.
 */
export function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/**
 * Resolves with true once `work` has ended, whether it failed or not; with false after `ms`, or when `signal` aborts:
 * then it goes on by itself. Never rejects.
 */
export async function endsWithin(
  clock: Time,
  ms: number,
  work: Promise<unknown>,
  signal?: AbortSignal,
): Promise<boolean> {
  const ended = new AbortController()
  const end = (): void => ended.abort()
  work.then(end, end)
  await pause(clock, ms, signal ? AbortSignal.any([ended.signal, signal]) : ended.signal)
  return ended.signal.aborted
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
