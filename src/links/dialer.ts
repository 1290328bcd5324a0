// Keeps calling whoever should be linked and is not. One target, one attempt at a time. Eager targets (seeds before we
// joined, live members) are retried after 50 ms, doubling to one second, as many at once as those that answer can bear,
// and in random order, so that nodes that learn of the same members do not all call the same ones. Remembered ones
// (down, or seeds we no longer need) are called every four seconds, a fixed number at once, so that a partition that
// heals is noticed within eight (design rule 15): four to the next attempt, and two for an attempt that was under way
// and hangs.

import type { Random } from '../../topology/index.ts'
import { patientTimer, type Time, type Timer } from '../runtime/clock.ts'
import { AttemptWindow } from './attempt-window.ts'

export type Pace = 'eager' | 'remembered'

export interface DialerOptions {
  readonly clock: Time
  /** Makes one attempt. Resolves when it led to a link or found that none is needed, rejects otherwise. */
  readonly attempt: (
    address: string,
    expected: string | undefined,
    signal: AbortSignal,
  ) => Promise<'linked' | 'unneeded'>
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
/** Calls of remembered targets at once. */
const MAX_REMEMBERED_ATTEMPTS = 32

export class Dialer {
  readonly #options: DialerOptions
  readonly #targets = new Map<string, Target>()
  /** Those that are to be called as soon as there is room. */
  readonly #queue: Target[] = []
  readonly #window = new AttemptWindow()
  #remembered = 0
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
    const at = this.#queue.indexOf(target)
    if (at >= 0) this.#queue.splice(at, 1)
    target.timer?.[Symbol.dispose]()
    target.running?.abort(new Error('the link is no longer wanted'))
  }

  wants(key: string): boolean {
    return this.#targets.has(key)
  }

  close(): void {
    this.#isClosed = true
    for (const key of [...this.#targets.keys()]) this.drop(key)
  }

  #schedule(target: Target, delay: number): void {
    target.timer?.[Symbol.dispose]()
    target.timer = this.#options.clock.setTimeout(() => {
      target.timer = undefined
      const { length } = this.#queue
      const at = target.pace === 'eager' ? Math.floor(this.#options.random() * (length + 1)) : length
      this.#queue.splice(at, 0, target)
      this.#pump()
    }, delay)
  }

  #pump(): void {
    for (let target = this.#next(); target; target = this.#next()) void this.#call(target)
  }

  /** Takes the first one for which there is room out of the queue. */
  #next(): Target | undefined {
    const at = this.#queue.findIndex(({ pace }) =>
      pace === 'eager' ? this.#window.hasRoom : this.#remembered < MAX_REMEMBERED_ATTEMPTS,
    )
    return at < 0 ? undefined : this.#queue.splice(at, 1)[0]
  }

  async #call(target: Target): Promise<void> {
    const { clock, attempt, onFailed } = this.#options
    const running = new AbortController()
    const timeout = patientTimer(clock, () => running.abort(new Error('no answer in time')), ATTEMPT_TIMEOUT_MS)
    target.running = running
    const end = this.#begin(target.pace)
    try {
      end(await attempt(target.address, target.expected, running.signal))
      target.failures = 0
    } catch {
      // Why it failed is the attempt's to report; here it only means: later again.
      end('failed')
      target.failures += 1
      if (target.expected !== undefined && this.#isWanted(target)) onFailed?.(target.expected)
    } finally {
      timeout[Symbol.dispose]()
      target.running = undefined
      if (this.#isWanted(target)) this.#schedule(target, this.#pause(target))
      this.#pump()
    }
  }

  /** Takes a place until what it returns is called. */
  #begin(pace: Pace): (outcome: 'linked' | 'unneeded' | 'failed') => void {
    const { clock } = this.#options
    if (pace === 'remembered') {
      this.#remembered += 1
      return () => {
        this.#remembered -= 1
      }
    }
    const attempt = this.#window.begin(clock.now())
    const slow = clock.setTimeout(() => {
      this.#window.slow(attempt, clock.now())
      this.#pump()
    }, this.#window.slowAfterMs)
    return (outcome) => {
      slow[Symbol.dispose]()
      this.#window.end(attempt, clock.now(), outcome === 'linked')
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
