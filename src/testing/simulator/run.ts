// Many seeds, one after the other: what `trellis simulate` runs, and what the tests call.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Outcome, runSeed } from './cluster.ts'
import { SimulationFailure } from './failure.ts'

/** The seed that follows in a series begins at this one unless told otherwise. */
const FIRST_SEED = 1

export interface SimulateOptions {
  /** How many seeds to run, 1 or more. */
  readonly seeds: number
  /** The first seed, a whole number from 0 to 2^53 - 1; the others follow it. Default 1. */
  readonly seed?: number | undefined
  /** Plants one of {@link bugNames} in every run, to see it caught. Default: none. */
  readonly bug?: string | undefined
  /** Called after each seed. */
  readonly onProgress?: ((progress: SimulationProgress) => void) | undefined
  /** Gets every event of every run as a line of text; slow, for one seed. */
  readonly onTrace?: ((line: string) => void) | undefined
  /** Stops between two seeds; the result says how many were run. */
  readonly signal?: AbortSignal | undefined
}

export interface SimulationProgress {
  /** Seeds run so far, and how many there are to run. */
  readonly done: number
  readonly seeds: number
  /** Events of all runs so far, and how many a second of real time. */
  readonly events: number
  readonly eventsPerSecond: number
  /** The run that just ended; undefined when it failed. */
  readonly outcome: Outcome | undefined
}

export interface SimulationResult {
  readonly done: number
  readonly events: number
  readonly elapsedMs: number
  readonly eventsPerSecond: number
  /** The first seed that broke a property, after which nothing more was run; undefined when all are clean. */
  readonly failure: SimulationFailure | undefined
}

/**
 * Runs the real cores under virtual time, a world of faults for each seed, and stops at the first property that does
 * not hold. Rejects with `RangeError` for options out of range or an unknown bug.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationResult> {
  const { seeds, seed = FIRST_SEED, bug, onProgress, onTrace, signal } = options
  if (!Number.isSafeInteger(seeds) || seeds < 1) throw new RangeError(`seeds (${seeds}) must be a whole number above 0`)
  if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed (${seed}) must be a whole number, 0 or more`)
  const startedAt = performance.now()
  let events = 0
  let done = 0
  let failure: SimulationFailure | undefined
  const elapsedMs = (): number => performance.now() - startedAt
  const eventsPerSecond = (): number => Math.round((events / Math.max(1, elapsedMs())) * 1_000)
  while (done < seeds && failure === undefined && signal?.aborted !== true) {
    const result = attempt({ seed: seed + done, bug, onTrace })
    const outcome = result instanceof SimulationFailure ? undefined : result
    if (result instanceof SimulationFailure) failure = result
    events += result.events
    done++
    onProgress?.({ done, seeds, events, eventsPerSecond: eventsPerSecond(), outcome })
    // Lets signals and timers of the caller through.
    await nextTurn()
  }
  return { done, events, elapsedMs: elapsedMs(), eventsPerSecond: eventsPerSecond(), failure }
}

function attempt(options: Parameters<typeof runSeed>[0]): Outcome | SimulationFailure {
  try {
    return runSeed(options)
  } catch (error) {
    if (error instanceof SimulationFailure) return error
    throw error
  }
}
