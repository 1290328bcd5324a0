// Keeps calling whoever should be linked and is not. One target, one attempt at a time; a bounded number of attempts at
// once over all targets. Eager targets (seeds before we joined, live members) are retried after 50 ms, doubling to one
// second; remembered ones (down, or seeds we no longer need) every four seconds, so that a partition that heals is noticed within eight (design
// rule 15): four to the next attempt, and two for an attempt that was under way and hangs.

import type { Random } from '../../topology/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'

export type Pace = 'eager' | 'remembered'

export interface DialerOptions {
  readonly clock: Time
  /** Makes one attempt. Resolves when it led to a link or found that none is needed, rejects otherwise. */
  readonly attempt: (address: string, expected: string | undefined, signal: AbortSignal) => Promise<void>
  /** An attempt to reach `expected` failed, and others follow. */
  readonly onFailed?: (expected: string) => void
  readonly random: Random
}

interface Target {
  readonly key: string
  readonly address: string
  /** Id that must answer; undefined for a seed, of which only the address is known. */
  readonly expected: string | undefined
  pace: Pace
  failures: number
  timer: Timer | undefined
  running: AbortController | undefined
}

const EAGER_FIRST_MS = 50
const EAGER_LAST_MS = 1_000
const REMEMBERED_MS = 4_000
export const ATTEMPT_TIMEOUT_MS = 2_000
const MAX_CONCURRENT_ATTEMPTS = 32

export class Dialer {
  readonly #options: DialerOptions
  readonly #targets = new Map<string, Target>()
  readonly #queue: Target[] = []
  #running = 0
  #isClosed = false

  constructor(options: DialerOptions) {
    this.#options = options
  }

  /** Begins to call `key` after `afterMs`; the same key with the same address only changes its pace. */
  want(key: string, address: string, expected: string | undefined, pace: Pace, afterMs = 0): void {
    if (this.#isClosed) return
    const known = this.#targets.get(key)
    if (known?.address === address) {
      const isHurried = known.pace === 'remembered' && pace === 'eager'
      known.pace = pace
      if (isHurried && known.timer) this.#schedule(known, afterMs)
      return
    }
    this.drop(key)
    const target: Target = { key, address, expected, pace, failures: 0, timer: undefined, running: undefined }
    this.#targets.set(key, target)
    this.#schedule(target, afterMs)
  }

  /** Stops calling `key`; an attempt under way is aborted. */
  drop(key: string): void {
    const target = this.#targets.get(key)
    if (!target) return
    this.#targets.delete(key)
    target.timer?.[Symbol.dispose]()
    target.running?.abort(new Error('the link is no longer wanted'))
  }

  wants(key: string): boolean {
    return this.#targets.has(key)
  }

  close(): void {
    this.#isClosed = true
    for (const key of [...this.#targets.keys()]) this.drop(key)
    this.#queue.length = 0
  }

  #schedule(target: Target, delay: number): void {
    target.timer?.[Symbol.dispose]()
    target.timer = this.#options.clock.setTimeout(() => {
      target.timer = undefined
      this.#queue.push(target)
      this.#pump()
    }, delay)
  }

  #pump(): void {
    while (this.#running < MAX_CONCURRENT_ATTEMPTS) {
      const target = this.#queue.shift()
      if (!target) return
      if (this.#isWanted(target)) void this.#call(target)
    }
  }

  async #call(target: Target): Promise<void> {
    const running = new AbortController()
    const timeout = this.#options.clock.setTimeout(
      () => running.abort(new Error('no answer in time')),
      ATTEMPT_TIMEOUT_MS,
    )
    target.running = running
    this.#running += 1
    try {
      await this.#options.attempt(target.address, target.expected, running.signal)
      target.failures = 0
    } catch {
      // Why it failed is the attempt's to report; here it only means: later again.
      target.failures += 1
      if (target.expected !== undefined && this.#isWanted(target)) this.#options.onFailed?.(target.expected)
    } finally {
      timeout?.[Symbol.dispose]()
      target.running = undefined
      this.#running -= 1
      if (this.#isWanted(target)) this.#schedule(target, this.#pause(target))
      this.#pump()
    }
  }

  #isWanted(target: Target): boolean {
    return this.#targets.get(target.key) === target
  }

  /** Jittered by a quarter, so that nodes that lost the same peer do not call in step. */
  #pause(target: Target): number {
    const base =
      target.pace === 'remembered'
        ? REMEMBERED_MS
        : Math.min(EAGER_FIRST_MS * 2 ** Math.min(Math.max(0, target.failures - 1), 10), EAGER_LAST_MS)
    return base * (0.75 + this.#options.random() * 0.25)
  }
}
