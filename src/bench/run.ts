// All benchmarks, and how they are run: one after the other, so that none disturbs another. One that fails is reported
// with its reason, and the next one is run all the same.

import { isClusterError } from '../errors.ts'
import { broadcasts } from './benches/broadcasts.ts'
import { connections } from './benches/connections.ts'
import { flushes, healed, keys, watchers } from './benches/data.ts'
import { detection } from './benches/detection.ts'
import { elections } from './benches/elections.ts'
import { etcd, etcdSlow } from './benches/etcd.ts'
import { crash, planned, silence } from './benches/failover.ts'
import { footprint } from './benches/footprint.ts'
import { hol } from './benches/hol.ts'
import { log } from './benches/log.ts'
import { loopDelay } from './benches/loop-delay.ts'
import { members } from './benches/members.ts'
import { messages } from './benches/messages.ts'
import { rtt } from './benches/rtt.ts'
import { services } from './benches/services.ts'
import { simulator } from './benches/simulator.ts'
import { stalled } from './benches/stalled.ts'
import { stalls } from './benches/stalls.ts'
import { formation, up } from './benches/start.ts'
import { switching } from './benches/switching.ts'
import { telemetry } from './benches/telemetry.ts'
import { testCluster } from './benches/test-cluster.ts'
import { transports } from './benches/transports.ts'
import type { Bench, BenchContext, Figure } from './figure.ts'

/** The cheap ones first. */
export const benches: readonly Bench[] = [
  log,
  loopDelay,
  telemetry,
  messages,
  rtt,
  hol,
  connections,
  transports,
  services,
  simulator,
  stalls,
  testCluster,
  footprint,
  up,
  crash,
  silence,
  planned,
  elections,
  detection,
  stalled,
  formation,
  switching,
  broadcasts,
  members,
  watchers,
  healed,
  keys,
  flushes,
  etcd,
  etcdSlow,
]

export interface BenchResult {
  readonly name: string
  readonly figures: readonly Figure[]
  /** Why there are no figures, on one line. */
  readonly problem: string | undefined
}

/** Runs `wanted` in order. Rejects with `ERR_ABORTED` when the user wants no more; what was measured has been told. */
export async function runBenches(
  wanted: readonly Bench[],
  context: BenchContext,
  onResult: (result: BenchResult) => void,
): Promise<void> {
  for (const bench of wanted) onResult(await attempt(bench, context))
}

async function attempt(bench: Bench, context: BenchContext): Promise<BenchResult> {
  const { name } = bench
  try {
    return { name, figures: await bench.run(context), problem: undefined }
  } catch (error) {
    if (isClusterError(error, 'ERR_ABORTED') && context.signal.aborted) throw error
    // What processes said when a wait failed is many lines; the first one says what was waited for.
    const [problem = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    return { name, figures: [], problem }
  }
}
