// The same stalls twice: of real processes whose event loops are blocked, and of members in virtual time. Each with the
// membership that nodes have and with plain SWIM: ten members, two of which stand still again and again for half a
// minute; wrong verdicts are counted, one for each member that comes to believe one.

import { resolveSwimOptions } from '../../../topology/index.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { ClusterProcess } from '../../testing/process-member.ts'
import type { ProcessCluster } from '../../testing/processes.ts'
import { Prng } from '../../testing/simulator/random.ts'
import { runStalls } from '../../testing/simulator/stalled-members.ts'
import { pause } from '../../wait.ts'
import { patience, startMembers, startPlainMembers } from '../cluster.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import { plainSwim } from '../plain-swim.ts'
import { clock, recorded } from '../recorded.ts'

const lengthsMs = [500, 2_000, 6_000, 10_000] as const
const scenario = { members: 10, stalling: 0.2, pauseMs: 5_000, durationMs: 30_000 }
/** Half a minute of real time for each: so much fewer runs than of others. */
const runsPerRun = 20

type Counts = Map<number, number[]>

export const stalled: Bench = {
  name: 'stalled',
  description: 'wrong verdicts on members that stand still for a while, of processes and in virtual time',
  async run(context) {
    const long = { ...context, runs: Math.ceil(context.runs / runsPerRun) }
    const ours = await ofProcesses(long, 'processes', await startMembers(scenario.members))
    const plain = await ofProcesses(long, 'processes with plain SWIM', await startPlainMembers(scenario.members))
    return lengthsMs.flatMap((stallMs) => {
      const length = `${stallMs / 1_000} s`
      return [
        ...beside(`${length}, of processes`, ours.get(stallMs)!, plain.get(stallMs)!),
        ...beside(`${length}, in virtual time`, ...inVirtualTime(context.runs, stallMs)),
      ]
    })
  },
}

function beside(what: string, samples: readonly number[], plain: readonly number[]): Figure[] {
  const baseline = `plain SWIM, stalls of ${what}`
  return [
    { name: `stalls of ${what}`, unit: 'verdicts', samples, baseline, goal: '<= 0.02 x' },
    { name: baseline, unit: 'verdicts', samples: plain },
  ]
}

function inVirtualTime(runs: number, stallMs: number): [number[], number[]] {
  const base = { ...scenario, stallMs: [stallMs, stallMs] as const }
  const seeds = Array.from({ length: runs }, (_, i) => i + 1)
  const ours = { ...base, options: resolveSwimOptions(), noticesAbsence: true, hasWorkers: true }
  const plain = { ...base, options: plainSwim, noticesAbsence: false, hasWorkers: false }
  const count = (manner: typeof ours): number[] => seeds.map((seed) => runStalls({ ...manner, seed }).falseVerdicts)
  return [count(ours), count(plain)]
}

async function ofProcesses(context: BenchContext, what: string, started: ProcessCluster): Promise<Counts> {
  await using cluster = started
  const counts: Counts = new Map(lengthsMs.map((stallMs) => [stallMs, []]))
  for (const stallMs of lengthsMs)
    await repeat(context, `${what}, stalls of ${stallMs} ms`, async (run) => {
      const { leader } = await cluster.ready(patience)
      const followers = cluster.nodes.filter((node) => node !== leader)
      const victims = followers.slice(0, Math.round(scenario.members * scenario.stalling))
      const from = clock()
      await Promise.all(victims.map((victim, i) => standStillAgain(victim, stallMs, new Prng(run, `victim ${i}`))))
      await cluster.ready(patience)
      const verdicts = cluster.nodes.flatMap((node) => recorded(node, 'state', from))
      counts.get(stallMs)!.push(verdicts.filter(({ state }) => state === 'down').length)
    })
  return counts
}

/** As in virtual time: stalls with pauses between them, drawn from the same distribution. */
async function standStillAgain(victim: ClusterProcess, stallMs: number, random: Prng): Promise<void> {
  const until = clock() + scenario.durationMs
  for (;;) {
    await pause(systemClock, random.exponential(scenario.pauseMs))
    if (clock() >= until) return
    await victim.faults.set({ stallMs })
    await pause(systemClock, stallMs)
  }
}
