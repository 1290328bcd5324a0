// How fast the simulator runs the real cores under virtual time, on one core: it decides how many seeds a night has.
// By CPU time as well, which others on the machine take less of away.

import { simulate } from '../../testing/simulator/run.ts'
import { type Bench, repeat } from '../figure.ts'

const seedsPerRun = 20

export const simulator: Bench = {
  name: 'simulator',
  description: 'events of the simulator a second',
  async run(context) {
    const byWall: number[] = []
    const byCpu: number[] = []
    const once = (seed: number) => simulate({ seeds: seedsPerRun, seed, signal: context.signal })
    // The first run compiles.
    await once(1)
    await repeat(context, 'rounds of 20 seeds', async (run) => {
      const before = process.cpuUsage()
      const { events, eventsPerSecond, failure } = await once(run * seedsPerRun + 1)
      if (failure !== undefined) throw failure
      const { user, system } = process.cpuUsage(before)
      byWall.push(eventsPerSecond)
      byCpu.push(events / ((user + system) / 1e6))
    })
    return [
      { name: 'simulated events, a second of CPU time', unit: 'events/s', samples: byCpu, goal: '>= 200000' },
      { name: 'simulated events, a second of time', unit: 'events/s', samples: byWall },
    ]
  },
}
