// What a benchmark is, and what it answers: figures, each a list of samples with its unit, with what it is compared
// with.

import { ClusterError } from '../errors.ts'

export interface Figure {
  /** What is measured, from what to what. */
  readonly name: string
  readonly unit:
    | 'ms'
    | 'us'
    | 'MB'
    | '%'
    | 'records/s'
    | 'events/s'
    | 'elections'
    | 'verdicts'
    | 'messages'
    | 'calls'
    | 'messages/s'
    | 'links'
    | 'members'
    | 'requests/s'
    | 'MB/s'
    | 'bytes'
  /** In the order they were taken. */
  readonly samples: readonly number[]
  /** What it should reach, in words; nothing fails when it does not. */
  readonly goal?: string
  /** Name of a figure of the same benchmark, measured in the same run, that this one is a multiple of. */
  readonly baseline?: string
}

export interface BenchContext {
  /** How often each thing is done, 1 or more. */
  readonly runs: number
  /** Aborts when the user wants no more. */
  readonly signal: AbortSignal
  /** Tells whoever watches what is being done. */
  readonly say: (text: string) => void
}

export interface Bench {
  readonly name: string
  readonly description: string
  /** Resolves to what it measured. Leaves neither process nor file behind, whatever happens. */
  run(context: BenchContext): Promise<readonly Figure[]>
}

/**
 * Calls `work` `runs` times, one after the other. Rejects with `ERR_ABORTED` between two when the user wants no more.
 */
export async function repeat(
  { runs, signal, say }: BenchContext,
  what: string,
  work: (run: number) => Promise<void> | void,
): Promise<void> {
  for (let run = 1; run <= runs; run++) {
    if (signal.aborted) throw new ClusterError('ERR_ABORTED', 'the benchmark was ended', { operation: 'bench' })
    say(`${what}: ${run} of ${runs}`)
    await work(run)
  }
}
