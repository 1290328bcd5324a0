// What is said of a handful of measurements: never a mean, for one slow run in twenty vanishes in it, and the slow ones
// are what people remember.

export interface Summary {
  readonly count: number
  readonly min: number
  readonly median: number
  readonly p99: number
  readonly max: number
}

/** The summary of `samples`, in their unit; undefined when there are none. */
export function summarize(samples: readonly number[]): Summary | undefined {
  if (samples.length === 0) return undefined
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    count: sorted.length,
    min: sorted[0]!,
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1)!,
  }
}

/**
 * The sample that a share `of` of all do not exceed (nearest rank): always one that was measured. Of fewer than 100
 * samples the 99th percentile is the largest one. `sorted` is ascending and not empty.
 */
function quantile(sorted: readonly number[], of: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * of) - 1)]!
}
