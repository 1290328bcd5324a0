// Many trials, one after the other: what `trellis simulate overlay` runs.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { OverlayFailure, runOverlayTrial } from './trial.ts'

export interface SimulateOverlayOptions {
  /** How many worlds, 1 or more. */
  readonly seeds: number
  /** The first seed; the others follow it. Default 1. */
  readonly seed?: number | undefined
  /** Plants one of `overlayBugs` in each. Default: none. */
  readonly bug?: string | undefined
  /** Stops between two worlds. */
  readonly signal?: AbortSignal | undefined
}

export interface SimulateOverlayResult {
  readonly done: number
  /** The first that broke a property; after it nothing more was run. */
  readonly failure: OverlayFailure | undefined
}

/** Runs the worlds until one breaks a property. Rejects with `RangeError` for an unknown bug. */
export async function simulateOverlay(options: SimulateOverlayOptions): Promise<SimulateOverlayResult> {
  const { seeds, seed = 1, bug, signal } = options
  let done = 0
  while (done < seeds && signal?.aborted !== true) {
    try {
      runOverlayTrial({ seed: seed + done, bug })
    } catch (error) {
      if (error instanceof OverlayFailure) return { done: done + 1, failure: error }
      throw error
    }
    done++
    // Lets signals and timers of the caller through.
    await nextTurn()
  }
  return { done, failure: undefined }
}
