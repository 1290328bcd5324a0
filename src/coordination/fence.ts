// A guard before an outside resource, for holders of leases. Between the check of a lease and the act after it a process can be stopped for any time (SIGSTOP, a long
// collection of garbage, a suspended machine); meanwhile another one may have got the lease, and acted. Only the resource can notice: it keeps the largest token it has seen
// and refuses smaller ones.

import { ClusterError } from '../errors.ts'

export interface FenceOptions {
  /** The largest token that the resource has seen in earlier lives. Default 0. */
  readonly highest?: number
  /** Keeps a larger token with the resource, before what came with it takes effect. Default: it is kept in memory alone. */
  readonly keep?: (token: number) => void | Promise<void>
}

/** Made by {@link fence}. */
export interface ResourceFence {
  /** The largest token that has passed. */
  readonly highest: number
  /**
   * Runs `effect` when no larger token than `token` has passed, one effect after the other; else rejects with `ERR_STALE_TOKEN`, and nothing has
   * happened.
   */
  pass<Result>(token: number, effect: () => Result | Promise<Result>): Promise<Result>
}

/**
 * Guards one resource where its effects are made: `await guard.pass(lock.token, () => file.write(bytes))`. It has to stand at the resource itself, once: two guards before
 * one resource know nothing of each other.
 */
export function fence({ highest: first = 0, keep }: FenceOptions = {}): ResourceFence {
  let highest = first
  let last: Promise<unknown> = Promise.resolve()
  return {
    get highest() {
      return highest
    },
    pass(token, effect) {
      const passed = last.then(async () => {
        if (!Number.isSafeInteger(token) || token < highest) throw stale(token, highest)
        if (token > highest) {
          // Refused from now on, even when it cannot be kept.
          highest = token
          await keep?.(token)
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
