// How far this member trusts itself (Lifeguard section 4.1). Probes that fail for reasons of its own raise the score,
// answered ones lower it; the own probe times stretch with it. Beside that guess stands a measured cause: the delay of
// its own event loop, which is simply added, and twice to a period: whoever is to answer may be as late, as it often
// has the same processor.

import type { SwimOptions } from './options.ts'

export class LocalHealth {
  readonly #options: SwimOptions
  /** 0: well. Invariant: 0 <= score <= localHealthMax. */
  #score = 0
  #loopDelayMs = 0

  constructor(options: SwimOptions) {
    this.#options = options
  }

  get score(): number {
    return this.#score
  }

  /** Positive: this member had trouble of its own. Negative: it did well. */
  change(by: number): void {
    this.#score = Math.min(this.#options.localHealthMax, Math.max(0, this.#score + by))
  }

  measured(loopDelayMs: number): void {
    this.#loopDelayMs = Math.min(this.#options.maxLoopDelayMs, Math.max(0, loopDelayMs || 0))
  }

  get loopDelayMs(): number {
    return this.#loopDelayMs
  }

  probeIntervalMs(): number {
    return this.#options.probeIntervalMs * (this.#score + 1) + 2 * this.#loopDelayMs
  }

  probeTimeoutMs(): number {
    return this.#options.probeTimeoutMs * (this.#score + 1) + this.#loopDelayMs
  }
}
