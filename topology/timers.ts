// Timers by name, as the cores keep them: what was asked for, so that one that fires late, early or after it was
// cleared is told from one that is due. The real ones are the driver's.

import type { Effect } from './core.ts'

type TimerEffect = Extract<Effect<never, never>, { type: 'set-timer' | 'clear-timer' }>

export class Timers {
  readonly #due = new Map<string, number>()
  readonly #ask: (effect: TimerEffect) => void

  /** `ask` takes the effects. */
  constructor(ask: (effect: TimerEffect) => void) {
    this.#ask = ask
  }

  /** Asks for `timer` at `at`, in place of what was asked for before. */
  set(timer: string, at: number): void {
    if (this.#due.get(timer) === at) return
    this.#due.set(timer, at)
    this.#ask({ type: 'set-timer', timer, at })
  }

  /** Asks for `timer` so much later, if it is set. */
  postpone(timer: string, ms: number): void {
    const due = this.#due.get(timer)
    if (due !== undefined) this.set(timer, due + ms)
  }

  clear(timer: string): void {
    if (this.#due.delete(timer)) this.#ask({ type: 'clear-timer', timer })
  }

  clearAll(): void {
    for (const timer of [...this.#due.keys()]) this.clear(timer)
  }

  isSet(timer: string): boolean {
    return this.#due.has(timer)
  }

  /**
   * Whether `timer` is due; then it is no longer set. One that was moved or cleared is not; one that fires early is
   * asked for again.
   */
  expires(timer: string, now: number): boolean {
    const due = this.#due.get(timer)
    if (due === undefined) return false
    if (now < due) {
      this.#ask({ type: 'set-timer', timer, at: due })
      return false
    }
    this.#due.delete(timer)
    return true
  }
}
