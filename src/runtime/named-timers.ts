// The timers of one core, by name. A core only says "call me with this name at that time"; here are the real timers.

import { MAX_DELAY_MS, type Time, type Timer } from './clock.ts'

interface Armed {
  readonly at: number
  readonly handle: Timer
}

export class NamedTimers {
  readonly #clock: Time
  readonly #fire: (name: string) => void
  readonly #armed = new Map<string, Armed>()

  constructor(clock: Time, fire: (name: string) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  /** Arms `name` for the monotonic time `at`; one of the same name is replaced. */
  set(name: string, at: number): void {
    this.clear(name)
    const delay = Math.min(Math.max(0, Math.ceil(at - this.#clock.now())), MAX_DELAY_MS)
    this.#armed.set(name, { at, handle: this.#clock.setTimeout(() => this.#due(name, at), delay) })
  }

  has(name: string): boolean {
    return this.#armed.has(name)
  }

  clear(name: string): void {
    this.#armed.get(name)?.handle[Symbol.dispose]()
    this.#armed.delete(name)
  }

  clearAll(): void {
    for (const { handle } of this.#armed.values()) handle?.[Symbol.dispose]()
    this.#armed.clear()
  }

  #due(name: string, at: number): void {
    // Node rounds to whole milliseconds and may be a little early; a core's "not before" is kept to the letter.
    if (this.#clock.now() < at) {
      this.set(name, at)
      return
    }
    this.#armed.delete(name)
    this.#fire(name)
  }
}
