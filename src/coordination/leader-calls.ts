// Carries a call to whoever leads, and again to the next leader when that one is lost, within the caller's time. It
// says whether the call may have happened, and in a minority it says `ERR_NO_QUORUM` soon instead of late.
//
//   leader known? -- no --> majority in reach? -- no, for a moment --> ERR_NO_QUORUM
//        |                        | yes: wait for an election, at most `patienceMs`
//        yes --> attempt -- refused or lost --> again, until the time is over
//                   | answered
//                   done

import { ClusterError, type ErrorCode } from '../errors.ts'
import { MAX_DELAY_MS, type Time } from '../runtime/clock.ts'
import { beginWait, callAborted, nodeStopping } from '../wait.ts'
import type { Wakeups } from './wakeups.ts'

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up. Default 5,000. */
  readonly timeoutMs?: number | undefined
  /** Waits for a majority as long as it takes: neither `ERR_NO_QUORUM` nor `ERR_TIMEOUT`. */
  readonly isPatient?: boolean | undefined
}

/** What is known of leadership at a moment. */
export interface Leadership {
  readonly leader: string | undefined
  readonly voters: readonly string[]
  /**
   * False: this voter is linked to fewer than a majority of the voters; or this member without a log to nobody, and
   * hears of no leader.
   */
  readonly reachesMajority: boolean
  /**
   * For how long this voter has heard no leader and led no majority. Of a member without a log 0 while it has heard of
   * a leader lately.
   */
  readonly unledMs: number
}

export interface LeaderCallsOptions {
  readonly clock: Time
  readonly leadership: () => Leadership
  /** Woken when leadership may have changed. */
  readonly wakeups: Wakeups
  /** Without a leader for so long nobody will be elected: more than two election timeouts. */
  readonly patienceMs: number
  readonly isStopping: () => boolean
}

/**
 * One try. It must end by itself before `leftMs`; an error whose `mayHaveHappened` is false says that nothing happened.
 */
export type Attempt<Answer> = (leader: string, leftMs: number) => Promise<Answer>

export const DEFAULT_CALL_TIMEOUT_MS = 5_000
/** A link that is just being replaced is no minority. */
export const MINORITY_GRACE_MS = 250
const LOOK_AGAIN_MS = 20
/** The next leader, or the same one a little later, may do what this one could not. */
const passing: ReadonlySet<ErrorCode> = new Set([
  'ERR_NOT_LEADER',
  'ERR_NO_QUORUM',
  'ERR_NO_ROUTE',
  'ERR_MEMBER_DOWN',
  'ERR_TIMEOUT',
  'ERR_BUFFER_FULL',
  'ERR_NO_HANDLER',
  'ERR_SHUTTING_DOWN',
])

const absent: ReadonlySet<ErrorCode> = new Set(['ERR_NOT_LEADER', 'ERR_NO_QUORUM', 'ERR_NO_ROUTE', 'ERR_MEMBER_DOWN'])

export class LeaderCalls {
  readonly #options: LeaderCallsOptions

  constructor(options: LeaderCallsOptions) {
    this.#options = options
  }

  /**
   * Calls `attempt` until it answers. It must be safe to repeat. Rejects with `ERR_NO_QUORUM`, `ERR_TIMEOUT`,
   * `ERR_ABORTED`, `ERR_SHUTTING_DOWN`, or what `attempt` rejects with when trying again cannot help; `mayHaveHappened`
   * as all tries together.
   */
  async call<Answer>(operation: string, options: CallOptions, attempt: Attempt<Answer>): Promise<Answer> {
    const { isPatient = false } = options
    const { signal } = beginWait(operation, { signal: options.signal, timeoutMs: options.timeoutMs })
    const timeoutMs = isPatient ? Number.POSITIVE_INFINITY : (options.timeoutMs ?? DEFAULT_CALL_TIMEOUT_MS)
    const { leadership, wakeups, patienceMs, isStopping } = this.#options
    const deadline = this.#options.clock.now() + timeoutMs
    let mayHaveHappened = false
    let leaderlessSince: number | undefined
    let isToldOfMinority = false
    for (;;) {
      const now = this.#options.clock.now()
      const known = leadership()
      const { leader, reachesMajority } = known
      if (isStopping()) throw nodeStopping(mayHaveHappened)
      if (signal?.aborted) throw callAborted(operation, mayHaveHappened)
      const isLed = leader !== undefined && reachesMajority
      // Who was without a leader for long before the call need not wait for one as long again.
      if (!isLed) leaderlessSince ??= now - Math.max(0, Math.min(known.unledMs, patienceMs - MINORITY_GRACE_MS))
      const patience = reachesMajority && !isToldOfMinority ? patienceMs : MINORITY_GRACE_MS
      const isHopeless = !isPatient && leaderlessSince !== undefined && now - leaderlessSince >= patience
      if (isHopeless || (now >= deadline && !isLed)) throw noQuorum(known.voters, mayHaveHappened)
      if (now >= deadline) throw timedOut(operation, timeoutMs, mayHaveHappened)
      if (isLed) {
        try {
          return await attempt(leader, deadline - now)
        } catch (error) {
          if (!(error instanceof ClusterError)) throw error
          mayHaveHappened ||= error.mayHaveHappened
          isToldOfMinority = error.code === 'ERR_NO_QUORUM'
          // Whoever is not there, or is told that it does not lead, is no leader, whatever is known of it.
          if (absent.has(error.code)) leaderlessSince ??= now
          else leaderlessSince = undefined
          if (!passing.has(error.code)) throw withHistory(error, mayHaveHappened)
        }
      }
      await wakeups.next(Math.max(1, Math.min(LOOK_AGAIN_MS, deadline - this.#options.clock.now())), signal)
    }
  }
}

/** The same error, which says of all attempts what this one alone could not. */
function withHistory(error: ClusterError, mayHaveHappened: boolean): ClusterError {
  if (error.mayHaveHappened === mayHaveHappened) return error
  return new ClusterError(error.code, error.message, error.details, { cause: error, mayHaveHappened })
}

/** That no majority is in reach. */
export function noQuorum(voters: readonly string[], mayHaveHappened: boolean): ClusterError {
  const message = 'no leader with a majority of the voters is in reach'
  return new ClusterError('ERR_NO_QUORUM', message, { voters }, { mayHaveHappened })
}

/** That the time of a call, or of one attempt, is over: what was left of it, in whole milliseconds. */
export function timedOut(operation: string, leftMs: number, mayHaveHappened: boolean): ClusterError {
  const timeoutMs = Math.round(leftMs)
  const message = `'${operation}' was not done within ${timeoutMs} ms`
  return new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs }, { mayHaveHappened })
}

/**
 * A signal that aborts with `ERR_TIMEOUT` after `ms`, or with `ERR_ABORTED` when `signal` does; what it stops may have
 * happened.
 */
export function limited(
  clock: Time,
  operation: string,
  ms: number,
  signal: AbortSignal | undefined,
): { signal: AbortSignal } & Disposable {
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(callAborted(operation, true))
  const timer = clock.setTimeout(() => controller.abort(timedOut(operation, ms, true)), Math.min(ms, MAX_DELAY_MS))
  if (signal?.aborted) onAbort()
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      timer?.[Symbol.dispose]()
      signal?.removeEventListener('abort', onAbort)
    },
  }
}
