// The bound on healing, in virtual time, for partitions of any length and many seeds: whole nodes in every overlay are
// parted until all connections have broken, isolated, restarted all at once, and moved to another address; printed is
// how long each took to be whole again, at most.
//
//   node scripts/healing.ts [--hours 24] [--seeds 1] [--members 5] [--topology NAME]

import { parseArgs } from 'node:util'
import { summarize } from '../src/bench/statistics.ts'
import { topologies } from '../test/multinode/story/story.ts'
import { type HealedMs, heal } from '../test/simulation/healing.ts'

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '24' },
    seeds: { type: 'string', default: '1' },
    members: { type: 'string', default: '5' },
    topology: { type: 'string' },
  },
})
const partedMs = Number(values.hours) * 3_600_000
for (const topology of topologies.filter((name) => name === (values.topology ?? name))) {
  const all: HealedMs[] = []
  for (let seed = 1; seed <= Number(values.seeds); seed++)
    all.push(await heal({ topology, seed, members: Number(values.members), partedMs }))
  for (const hardship of Object.keys(all[0]!) as (keyof HealedMs)[]) {
    const { median, max } = summarize(all.map((healed) => healed[hardship]))!
    console.log(`${topology}, ${hardship}: p50 ${median.toFixed(0)} ms, max ${max.toFixed(0)} ms of ${all.length}`)
  }
}
