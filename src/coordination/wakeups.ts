// Whoever waits for the replicated state to change. A change wakes all; each looks for itself whether it is what it
// waits for.

import type { Time } from '../runtime/clock.ts'

export class Wakeups {
  readonly #clock: Time
  readonly #waiting = new Set<() => void>()
  #count = 0

  /** Changes until now: whoever looks for longer than one turn sees by it whether there was one meanwhile. */
  get count(): number {
    return this.#count
  }

  constructor(clock: Time) {
    this.#clock = clock
  }

  /** Somebody waits. */
  get areAwaited(): boolean {
    return this.#waiting.size > 0
  }

  /** Something may have changed. */
  wake(): void {
    this.#count += 1
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next change, after `ms`, or when `signal` aborts: whoever waited asks why it woke. */
  next(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer?.[Symbol.dispose]()
        signal?.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = this.#clock.setTimeout(wake, ms)
      this.#waiting.add(wake)
      if (signal?.aborted) wake()
      else signal?.addEventListener('abort', wake, { once: true })
    })
  }
}
