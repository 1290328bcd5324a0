// Instances that fail much more often than the others of their service get no calls for a while (outlier ejection).
// Unlike a breaker it counts what handlers throw, too: but only in comparison, for what all of them throw is the
// callers' doing. Pure: time is handed in.

/** Weight of the newest call in an instance's share of failures. */
const NEWEST = 0.1
/** An instance is judged after so many calls. */
const MIN_CALLS = 20
/** It is ejected above this share of failures, if the others' mean is below a half of its own. */
const MIN_SHARE = 0.5
const EJECTED_MS = 10_000
/** Of the instances of a service, this share may be ejected at once. */
const MAX_EJECTED = 1 / 3

export class FailureShare {
  #calls = 0
  #share = 0
  #ejectedUntil = 0

  ended(hasFailed: boolean): void {
    this.#calls += 1
    this.#share += NEWEST * ((hasFailed ? 1 : 0) - this.#share)
  }

  get share(): number {
    return this.#share
  }

  isEjected(now: number): boolean {
    return now < this.#ejectedUntil
  }

  /** Compares it with the others of its service. */
  judge(others: readonly FailureShare[], now: number): void {
    if (this.#calls < MIN_CALLS || this.#share < MIN_SHARE || others.length === 0 || this.isEjected(now)) return
    const ejected = others.filter((other) => other.isEjected(now)).length
    if (ejected + 1 > (others.length + 1) * MAX_EJECTED && ejected > 0) return
    const mean = others.reduce((sum, { share }) => sum + share, 0) / others.length
    if (mean >= this.#share / 2) return
    this.#ejectedUntil = now + EJECTED_MS
    // It begins again with what it does then.
    this.#calls = 0
    this.#share = 0
  }
}
