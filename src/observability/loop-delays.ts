// How late the event loop of this process was, as its metrics tell it; measured by `runtime/loop-delay.ts`.

import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

/** Delays in milliseconds. */
export interface LoopDelays {
  readonly last: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly stddev: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** Of the process, however many nodes it has; in microseconds, up to ten minutes. */
let delays: RecordableHistogram | undefined
/** Not yet in there: to record one costs a process that sleeps most of the time more than to be asked for it. */
const noted: number[] = []
const MOST_NOTED = 1_024
let last = 0
let told: LoopDelays = { last: 0, min: 0, max: 0, mean: 0, stddev: 0, p50: 0, p90: 0, p99: 0 }

/** It was so many milliseconds late. */
export function noteLoopDelay(late: number): void {
  last = late
  noted.push(late)
  if (noted.length >= MOST_NOTED) record()
}

function record(): void {
  if (noted.length === 0) return
  delays ??= createHistogram({ lowest: 1, highest: 600_000_000, figures: 2 })
  for (const late of noted) delays.record(Math.max(1, Math.round(late * 1_000)))
  noted.length = 0
}

/**
 * The delays since this was last asked, at first since a node was started; those told last while there are no others.
 */
export function takeLoopDelays(): LoopDelays {
  record()
  if (delays === undefined || delays.count === 0) return told
  const { min, max, mean, stddev } = delays
  const [p50, p90, p99] = [50, 90, 99].map((share) => delays!.percentile(share) / 1_000) as [number, number, number]
  told = { last, min: min / 1_000, max: max / 1_000, mean: mean / 1_000, stddev: stddev / 1_000, p50, p90, p99 }
  delays.reset()
  return told
}
