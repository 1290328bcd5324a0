// Whether a member that is only slow is taken for down, in virtual time: a fifth of ten members stand still again and
// again, and wrong verdicts are counted, one for each member that comes to believe one. What stands still is the event
// loop, with a liveness worker that answers for it, or the whole process, with none. Beside both plain SWIM with the
// times of its widest implementation, and how long each takes to notice a member that falls silent for good.

import { resolveSwimOptions } from '../../../topology/index.ts'
import { runStalls, type StallScenario } from '../../testing/simulator/stalled-members.ts'
import { type Bench, type Figure, repeat } from '../figure.ts'
import { plainSwim } from '../plain-swim.ts'

const ranges = [
  [500, 1_000],
  [1_000, 2_000],
  [2_000, 5_000],
  [5_000, 10_000],
] as const

export const stalls: Bench = {
  name: 'stalls',
  description: 'wrong verdicts on members that stand still for a while, in virtual time',
  async run(context) {
    const ours = { options: resolveSwimOptions(), noticesAbsence: true, hasWorkers: true }
    const stopped = { ...ours, hasWorkers: false }
    const theirs = { options: plainSwim, noticesAbsence: false, hasWorkers: false }
    const figures: Figure[] = []
    for (const stallMs of ranges) {
      const wrong: number[] = []
      const stoppedWrong: number[] = []
      const plainWrong: number[] = []
      await repeat(context, `stalls of ${spell(stallMs)}`, (seed) => {
        wrong.push(runStalls({ ...base, ...ours, seed, stallMs }).falseVerdicts)
        stoppedWrong.push(runStalls({ ...base, ...stopped, seed, stallMs }).falseVerdicts)
        plainWrong.push(runStalls({ ...base, ...theirs, seed, stallMs }).falseVerdicts)
      })
      const baseline = `plain SWIM, stalls of ${spell(stallMs)}`
      const name = `of ${spell(stallMs)}`
      figures.push(
        { name: `blocked event loops ${name}`, unit: 'verdicts', samples: wrong, baseline, goal: '0' },
        { name: `stopped processes ${name}`, unit: 'verdicts', samples: stoppedWrong, baseline },
        { name: baseline, unit: 'verdicts', samples: plainWrong },
      )
    }
    return [...figures, ...(await silence(context, ours, theirs)), ...(await crowd(context, ours))]
  },
}

type Manner = Pick<StallScenario, 'options' | 'noticesAbsence' | 'hasWorkers'>

const base = { members: 10, stalling: 0.2, pauseMs: 5_000, durationMs: 60_000 }

async function silence(context: Parameters<Bench['run']>[0], ours: Manner, theirs: Manner): Promise<Figure[]> {
  const samples: number[] = []
  const plainSamples: number[] = []
  const detect = (manner: Manner, seed: number): number =>
    runStalls({ ...base, ...manner, seed, stalling: 0, stallMs: [0, 0] }).detectedMs ?? Number.POSITIVE_INFINITY
  await repeat(context, 'silent members', (seed) => {
    samples.push(detect(ours, seed))
    plainSamples.push(detect(theirs, seed))
  })
  const baseline = 'plain SWIM, silence to down everywhere'
  return [
    { name: 'silence to down everywhere', unit: 'ms', samples, goal: 'median <= 3000', baseline },
    { name: baseline, unit: 'ms', samples: plainSamples },
  ]
}

/**
 * One in a hundred ends, or falls silent, while a fifth of them stands still for one to three seconds, again and again.
 */
async function crowd(context: Parameters<Bench['run']>[0], ours: Manner): Promise<Figure[]> {
  const [crashed, silent, wrong]: [number[], number[], number[]] = [[], [], []]
  const crowded = { ...base, ...ours, members: 100, stallMs: [1_000, 3_000] as const, durationMs: 20_000 }
  await repeat(context, 'a crash among a hundred', (seed) => {
    const crash = runStalls({ ...crowded, seed, isCrash: true })
    const silence = runStalls({ ...crowded, seed })
    crashed.push(crash.detectedMs ?? Number.POSITIVE_INFINITY)
    silent.push(silence.detectedMs ?? Number.POSITIVE_INFINITY)
    wrong.push(crash.falseVerdicts + silence.falseVerdicts)
  })
  return [
    { name: 'crash to down everywhere, 100 members', unit: 'ms', samples: crashed, goal: 'median <= 3000' },
    { name: 'silence to down everywhere, 100 members', unit: 'ms', samples: silent, goal: 'median <= 3000' },
    { name: 'wrong verdicts meanwhile, 100 members', unit: 'verdicts', samples: wrong, goal: '0' },
  ]
}

function spell([least, most]: readonly [number, number]): string {
  return `${least / 1_000} to ${most / 1_000} s`
}
