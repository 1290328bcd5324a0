// How long something took, many times over: counts in fixed buckets, so that it costs two additions a time and the same
// few numbers however long the node runs. Read only when somebody asks.

/** Upper bounds in seconds: from a write that stays in a disk's cache to one that would cost a leader its office. */
const bounds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1] as const

export interface DistributionView {
  /** How many were at most `le` seconds; cumulative, without the one that has no bound: that is `count`. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
  /** Seconds. */
  readonly sum: number
  readonly count: number
}

export class Distribution {
  readonly #counts = new Array<number>(bounds.length).fill(0)
  #sum = 0
  #count = 0

  record(seconds: number): void {
    let bucket = 0
    while (seconds > bounds[bucket]!) bucket += 1
    if (bucket < bounds.length) this.#counts[bucket]! += 1
    this.#sum += seconds
    this.#count += 1
  }

  view(): DistributionView {
    let below = 0
    const buckets = bounds.map((le, i) => {
      below += this.#counts[i]!
      return { le, count: below }
    })
    return { buckets, sum: this.#sum, count: this.#count }
  }
}
