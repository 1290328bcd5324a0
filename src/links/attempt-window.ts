// How many calls of live members may be under way at once. A handshake costs both ends a millisecond or two of
// processor: when all members of a large cluster start together and each calls as many as it can, none of the
// handshakes ends in time, and all of that work is for nothing. So the window is halved as soon as calls take long, and
// grows by one with each that does not: the slow start of TCP (Jacobson 1988), for handshakes. Peers that are silent
// must keep nobody from calling those that answer: so a call that takes long gives its place to another one; but not
// after one that took long to its end: then all may be busy, and more calls would only be more to do.

/** How many begin at once before anything is known. */
const FIRST_ATTEMPTS = 2
const FEWEST_ATTEMPTS = 1
const MOST_ATTEMPTS = 32
/**
 * A call takes long after this time, or after twice what the quickest took, if the way is far; but sooner than it is
 * given up.
 */
const SLOW_MS = 500
const SLOWEST_MS = 1_500

/** A call under way. */
export interface Attempt {
  readonly since: number
  isSlow: boolean
}

export class AttemptWindow {
  #size = FIRST_ATTEMPTS
  readonly #running = new Set<Attempt>()
  #slow = 0
  /** The last one that ended took long, or led to no link in all that time. */
  #areAllBusy = false
  /** What the quickest call took that led to a link. */
  #quickestMs = Number.POSITIVE_INFINITY
  #shrunkAt = Number.NEGATIVE_INFINITY

  /** Another call may begin. */
  get hasRoom(): boolean {
    const places = this.#areAllBusy ? this.#running.size : this.#running.size - this.#slow
    return this.#running.size < MOST_ATTEMPTS && places < Math.floor(this.#size)
  }

  /** Milliseconds after which a call takes long. */
  get slowAfterMs(): number {
    return Number.isFinite(this.#quickestMs) ? Math.min(Math.max(SLOW_MS, 2 * this.#quickestMs), SLOWEST_MS) : SLOW_MS
  }

  begin(now: number): Attempt {
    const attempt = { since: now, isSlow: false }
    this.#running.add(attempt)
    return attempt
  }

  /** The call takes long. Of those that were begun before the window was last made smaller nothing new is learnt. */
  slow(attempt: Attempt, now: number): void {
    if (attempt.isSlow || !this.#running.has(attempt)) return
    attempt.isSlow = true
    this.#slow += 1
    if (attempt.since < this.#shrunkAt) return
    this.#size = Math.max(FEWEST_ATTEMPTS, this.#size / 2)
    this.#shrunkAt = now
  }

  /** `isLinked`: the peer answered and agreed. Otherwise it says nothing about how busy anyone is. */
  end(attempt: Attempt, now: number, isLinked: boolean): void {
    this.#running.delete(attempt)
    if (attempt.isSlow) this.#slow -= 1
    if (attempt.isSlow || isLinked) this.#areAllBusy = attempt.isSlow
    if (!isLinked) return
    this.#quickestMs = Math.min(this.#quickestMs, now - attempt.since)
    if (!attempt.isSlow) this.#size = Math.min(MOST_ATTEMPTS, this.#size + 1)
  }
}
