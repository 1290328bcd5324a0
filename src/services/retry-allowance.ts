// How often the work for one user's call may be done again, over all members that it leads to. An attempt carries half
// of what is left, and its answer says how much of that was used; the rest comes back. So it is divided and never
// multiplied: a callee that calls on cannot make more of it, however deep the calls go (Beyer et al., "Site Reliability
// Engineering", 2016, chapter 22). Pure.

/**
 * Of one call by a program that serves no call itself: so often everything that it leads to is done again, taken
 * together.
 */
export const CALL_RETRIES = 3

export class RetryAllowance {
  #left: number

  constructor(left: number) {
    this.#left = left
  }

  get left(): number {
    return this.#left
  }

  /** One retry. False: there is none left. */
  take(): boolean {
    if (this.#left < 1) return false
    this.#left -= 1
    return true
  }

  /** What goes along with an attempt: it is not here until it comes back. */
  lend(): number {
    const lent = Math.floor(this.#left / 2)
    this.#left -= lent
    return lent
  }

  /** `count` of what was lent was not used. */
  returned(count: number): void {
    this.#left += count
  }

  /** Whatever still runs may retry no more. Gives what was left. */
  close(): number {
    const left = this.#left
    this.#left = 0
    return left
  }
}
