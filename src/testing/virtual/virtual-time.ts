// Time that is not real: it passes from one thing that is planned to the next, as fast as those can be done, while the
// program that waits for them has nothing to do itself. Between two of them the event loop goes round once, so that all
// that a promise leads to has happened before time goes on. Real timers, sockets and disks know nothing of it.

import type { Timer } from '../../runtime/clock.ts'
import { Schedule } from '../simulator/schedule.ts'

export interface VirtualTimeOptions {
  /**
   * Time stands still after so many milliseconds in which nobody {@link VirtualTime.touch}ed it: a test that hangs
   * ends.
   */
  readonly patienceMs: number
  /** It stands still for that reason. */
  readonly onForsaken: () => void
}

/**
 * Between two things planned all promises are followed; so often the event loop goes round besides, for what else the
 * program does.
 */
const STEPS_PER_ROUND = 32

export class VirtualTime implements Disposable {
  readonly #options: VirtualTimeOptions
  readonly #schedule = new Schedule()
  /** Plans that change something; looks do not. */
  #live = 0
  /** Whoever looks now and then, to be told that nothing can happen any more. */
  readonly #looking = new Set<(found: 'later' | 'nothing') => void>()
  #stopped = 0
  #touchedAt = 0
  #isArmed = false
  #steps = 0
  #isOver = false

  constructor(options: VirtualTimeOptions) {
    this.#options = options
  }

  /** Milliseconds since this time began. */
  get now(): number {
    return this.#schedule.now
  }

  /**
   * Runs `work` in `ms` milliseconds; what is planned for the same moment runs in the order in which it was planned.
   */
  plan(ms: number, work: () => void): Timer {
    let isDone = false
    this.#live += 1
    this.#schedule.after(ms > 0 ? ms : 0, () => {
      if (isDone) return
      isDone = true
      this.#live -= 1
      work()
    })
    this.#arm()
    return {
      unref: () => undefined,
      [Symbol.dispose]: () => {
        if (isDone) return
        isDone = true
        this.#live -= 1
      },
    }
  }

  /**
   * Resolves in `ms` milliseconds, or at once with `nothing` when nothing is planned any more: all that can happen has
   * happened.
   */
  look(ms: number, signal?: AbortSignal): Promise<'later' | 'nothing'> {
    return new Promise((resolve) => {
      const end = (found: 'later' | 'nothing'): void => {
        if (!this.#looking.delete(end)) return
        signal?.removeEventListener('abort', abort)
        resolve(found)
      }
      const abort = (): void => end('later')
      this.#looking.add(end)
      signal?.addEventListener('abort', abort, { once: true })
      this.#schedule.after(ms, () => end('later'))
      this.#arm()
    })
  }

  /** Somebody still wants it to pass. */
  touch(): void {
    this.#touchedAt = this.now
    this.#arm()
  }

  /** Stands still while `work` runs. */
  async standStill<Value>(work: () => Promise<Value> | Value): Promise<Value> {
    this.#stopped += 1
    try {
      return await work()
    } finally {
      this.#stopped -= 1
      this.#arm()
    }
  }

  /** Nothing that is planned happens any more. */
  [Symbol.dispose](): void {
    this.#isOver = true
    for (const end of [...this.#looking]) end('nothing')
  }

  #arm(): void {
    if (this.#isArmed || this.#isOver) return
    this.#isArmed = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#isArmed = false
    if (this.#isOver || this.#stopped > 0) return
    if (this.#live === 0) {
      // What was planned in a promise's aftermath is planned by now: nothing will.
      for (const end of [...this.#looking]) end('nothing')
      return
    }
    if (this.#looking.size > 0) this.#touchedAt = this.now
    if (this.now - this.#touchedAt > this.#options.patienceMs) {
      this.#options.onForsaken()
      return
    }
    this.#isArmed = true
    this.#steps += 1
    if (this.#steps % STEPS_PER_ROUND === 0) setImmediate(this.#turn)
    // A tick that a microtask asks for comes when all microtasks are through, without a round of the event loop.
    else queueMicrotask(this.#nextTick)
    this.#schedule.step()
  }

  readonly #nextTick = (): void => process.nextTick(this.#turn)
}
