// One timer for the deadlines of many: armed for the first, looked through when it fires. Most of what waits is done
// long before, so a timer for each would be work for nothing.

import { MAX_DELAY_MS, type Time, type Timer } from '../runtime/clock.ts'

export interface HasDeadline {
  /** On the node's clock. */
  readonly deadline: number
}

export class Deadlines<Item extends HasDeadline> implements Disposable {
  readonly #clock: Time
  readonly #waiting: () => Iterable<Item>
  readonly #onPassed: (item: Item) => void
  #timer: Timer | undefined
  #armedFor = Number.POSITIVE_INFINITY

  /** `waiting`: all that waits now; `onPassed` takes out of it what it is told. */
  constructor(clock: Time, waiting: () => Iterable<Item>, onPassed: (item: Item) => void) {
    this.#clock = clock
    this.#waiting = waiting
    this.#onPassed = onPassed
  }

  /** Something begins to wait. */
  add(deadline: number): void {
    if (deadline >= this.#armedFor) return
    this.#timer?.[Symbol.dispose]()
    this.#armedFor = deadline
    const delay = Math.min(Math.max(1, Math.ceil(deadline - this.#clock.now())), MAX_DELAY_MS)
    this.#timer = this.#clock.setTimeout(() => this.#look(), delay)
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#armedFor = Number.NEGATIVE_INFINITY
  }

  #look(): void {
    this.#armedFor = Number.POSITIVE_INFINITY
    const now = this.#clock.now()
    let next = Number.POSITIVE_INFINITY
    for (const item of [...this.#waiting()])
      if (item.deadline <= now) this.#onPassed(item)
      else next = Math.min(next, item.deadline)
    if (next < Number.POSITIVE_INFINITY) this.add(next)
  }
}
