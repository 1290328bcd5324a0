// The timers of one core, by name. A core only says "call me with this name at that time"; here are the real timers.

import { type Alarm, MAX_DELAY_MS, type Time, type Timer } from './clock.ts'

export class NamedTimers {
  readonly #clock: Time
  readonly #fire: (name: string) => void
  readonly #isPatient: (name: string) => boolean
  readonly #armed = new Map<string, Alarm>()

  /** `isPatient`: timers of that name may be late by one beat of the process, and need not wake it up. Default: none. */
  constructor(clock: Time, fire: (name: string) => void, isPatient: (name: string) => boolean = () => false) {
    this.#clock = clock
    this.#fire = fire
    this.#isPatient = isPatient
  }

  /** Arms `name` for the monotonic time `at`; one of the same name is replaced. */
  set(name: string, at: number): void {
    let alarm = this.#armed.get(name)
    if (alarm === undefined) {
      const ring = (): void => {
        this.#armed.delete(name)
        this.#fire(name)
      }
      alarm = this.#clock.alarm?.(ring, this.#isPatient(name)) ?? new TimeoutAlarm(this.#clock, ring)
      this.#armed.set(name, alarm)
    }
    alarm.set(at)
  }

  has(name: string): boolean {
    return this.#armed.has(name)
  }

  clear(name: string): void {
    this.#armed.get(name)?.clear()
    this.#armed.delete(name)
  }

  clearAll(): void {
    for (const alarm of this.#armed.values()) alarm.clear()
    this.#armed.clear()
  }
}

/** With a clock that has no alarms of its own. */
class TimeoutAlarm implements Alarm {
  readonly #clock: Time
  readonly #ring: () => void
  #handle: Timer | undefined

  constructor(clock: Time, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  set(at: number): void {
    this.clear()
    const delay = Math.min(Math.max(0, Math.ceil(at - this.#clock.now())), MAX_DELAY_MS)
    // A timer may be a little early; "not before" is kept to the letter.
    this.#handle = this.#clock.setTimeout(() => (this.#clock.now() < at ? this.set(at) : this.#ring()), delay)
  }

  clear(): void {
    this.#handle?.[Symbol.dispose]()
  }
}
