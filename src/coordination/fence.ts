// A guard before an outside resource, for holders of leases. Between the check of a lease and the act after it a
// process can be stopped for any time (SIGSTOP, a long collection of garbage, a suspended machine); meanwhile another
// one may have got the lease, and acted. Only the resource can notice: it keeps the largest token it has seen and
// refuses smaller ones.

import { checkedOptions, isFunction, type OptionChecks } from '../call-options.ts'
import { ClusterError } from '../errors.ts'

export interface FenceOptions {
  /** The largest token that the resource has seen in earlier lives. Default 0: none. */
  readonly highest?: number | undefined
  /**
   * Keeps a larger token with the resource, before what came with it takes effect. Default: it is kept in memory alone.
   */
  readonly keep?: ((token: number) => void | Promise<void>) | undefined
}

const fenceChecks: OptionChecks<FenceOptions> = { highest: isToken, keep: isFunction }
const passChecks = { token: isToken, effect: isFunction }

/** Made by {@link fence}. */
export interface ResourceFence {
  /** The largest token that has passed. */
  readonly highest: number
  /**
   * Runs `effect` when no larger token than `token` has passed, one effect after the other; else rejects with
   * `ERR_STALE_TOKEN`, and nothing has happened. `ERR_BAD_OPTIONS` for what is no token.
   */
  pass<Result>(token: number, effect: () => Result | Promise<Result>): Promise<Result>
}

/**
 * Guards one resource where its effects are made: `await guard.pass(lock.token, () => file.write(bytes))`. It has to
 * stand at the resource itself, once: two guards before one resource know nothing of each other. Throws
 * `ERR_BAD_OPTIONS`: a largest token that is no number would let everything through.
 */
export function fence(options: FenceOptions = {}): ResourceFence {
  const { highest: first = 0, keep } = checkedOptions(options, fenceChecks)
  let highest = first
  let kept = first
  let last: Promise<unknown> = Promise.resolve()
  return {
    get highest() {
      return highest
    },
    async pass(token, effect) {
      checkedOptions({ token, effect }, passChecks, ['token', 'effect'])
      const passed = last.then(async () => {
        if (token < highest) throw stale(token, highest)
        // Refused from now on, even when it cannot be kept; and until it is kept, nothing takes effect with it.
        highest = token
        if (token > kept) {
          await keep?.(token)
          kept = token
        }
        return effect()
      })
      last = passed.catch(() => {})
      return passed
    },
  }
}

function stale(token: number, current: number): ClusterError {
  const message = `fencing token ${token} is stale: ${current} has been seen`
  return new ClusterError('ERR_STALE_TOKEN', message, { token, current })
}

function isToken(value: unknown): string | undefined {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return undefined
  return `(${typeof value === 'string' ? JSON.stringify(value) : String(value)}) must be a token: a whole number from 0`
}
