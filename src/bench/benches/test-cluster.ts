// What an hour costs in a test: three whole nodes in virtual time, which have nothing to do but to watch each other,
// beat and look after their leases.

import { createTestCluster } from '../../testing/virtual/test-cluster.ts'
import { type Bench, repeat } from '../figure.ts'

const nodes = 3
const hourMs = 3_600_000

export const testCluster: Bench = {
  name: 'hour',
  description: 'an hour of three nodes in virtual time, as in tests',
  async run(context) {
    const elapsed: number[] = []
    const processor: number[] = []
    await repeat(context, 'hours', async (seed) => {
      await using cluster = await createTestCluster(nodes, { seed })
      const began = performance.now()
      const used = process.cpuUsage()
      await cluster.advance(hourMs, { signal: context.signal })
      const { user, system } = process.cpuUsage(used)
      elapsed.push(performance.now() - began)
      processor.push((user + system) / 1_000)
    })
    return [
      { name: `an hour of ${nodes} nodes`, unit: 'ms', samples: elapsed },
      { name: `an hour of ${nodes} nodes, processor time`, unit: 'ms', samples: processor },
    ]
  },
}
