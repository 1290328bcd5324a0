// Keeps calls away from an instance that fails, and retries from making things worse. Pure: time is handed in.
//
//   closed ── FAILURES in a row ──> open ── its pause is over ──> trial: one call ── success ──> closed
//                                    └──────────── failure: twice the pause, up to the longest ──┘

/** Failures in a row after which an instance gets no calls. */
export const FAILURES = 5
const FIRST_PAUSE_MS = 1_000
const LAST_PAUSE_MS = 30_000

export class Breaker {
  #failures = 0
  #pauseMs = FIRST_PAUSE_MS
  #openUntil = 0
  #isTrying = false

  /** It may be called now. */
  admits(now: number): boolean {
    return this.#failures < FAILURES || (now >= this.#openUntil && !this.#isTrying)
  }

  /** A call begins that {@link admits} allowed. */
  begin(): void {
    this.#isTrying = this.#failures >= FAILURES
  }

  succeeded(): void {
    this.#failures = 0
    this.#pauseMs = FIRST_PAUSE_MS
    this.#isTrying = false
  }

  failed(now: number): void {
    this.#failures += 1
    if (this.#failures < FAILURES) return
    if (this.#isTrying) this.#pauseMs = Math.min(this.#pauseMs * 2, LAST_PAUSE_MS)
    this.#isTrying = false
    this.#openUntil = now + this.#pauseMs
  }

  /** The call ended without telling anything of the instance. */
  released(): void {
    this.#isTrying = false
  }
}

/**
 * Retries may be a tenth of the calls, so that an outage is not answered with a storm; what is not used is saved up to
 * a bound.
 */
const RETRY_SHARE = 0.1
const FIRST_RETRIES = 10
const MAX_SAVED_RETRIES = 500

export class RetryBudget {
  #tokens = FIRST_RETRIES

  called(): void {
    this.#tokens = Math.min(this.#tokens + RETRY_SHARE, MAX_SAVED_RETRIES)
  }

  /** False: no more retries for now. */
  take(): boolean {
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}
