// Whether a busy event loop topples a leader: one member after the other stands still for 0.4 s, longer than several
// heartbeats and shorter than every election timeout, and the elections are counted. There should be none.

import { patience, startElectorate } from '../cluster.ts'
import { type Bench, repeat } from '../figure.ts'
import { clock, recorded } from '../recorded.ts'
import { electionsInAnHour } from './virtual-hour.ts'

const nodes = 5

export const elections: Bench = {
  name: 'elections',
  description: 'elections while event loops stand still for 0.4 s',
  async run(context) {
    const real: number[] = []
    const virtual: number[] = []
    await using cluster = await startElectorate(nodes)
    await repeat(context, 'rounds of blocks, one in each of five processes', async () => {
      await cluster.ready(patience)
      const from = clock()
      for (const node of cluster.nodes) {
        const sent = clock()
        process.kill(node.pid, 'SIGUSR2')
        await cluster.until(`${node.name} was blocked`, () => recorded(node, 'blocked', sent).length > 0, patience)
      }
      const won = cluster.nodes.flatMap((node) => recorded(node, 'role', from).filter(({ role }) => role === 'leader'))
      real.push(won.length)
    })
    await repeat(context, 'virtual hours', (run) => void virtual.push(electionsInAnHour(run)))
    return [
      { name: 'in 5 blocks one after the other, 5 processes', unit: 'elections', samples: real, goal: '0' },
      { name: 'in a simulated hour, a block every 2 s, 5 nodes', unit: 'elections', samples: virtual, goal: '0' },
    ]
  },
}
