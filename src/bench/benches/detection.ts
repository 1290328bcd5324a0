// How long until everybody knows that a member is down: of a process that dies, whose port then refuses, and of one
// that merely says nothing any more, as behind a cable that was cut.

import type { ClusterProcess } from '../../testing/process-member.ts'
import type { ProcessCluster } from '../../testing/processes.ts'
import { patience, startMembers } from '../cluster.ts'
import { type Bench, repeat } from '../figure.ts'
import { clock, recorded } from '../recorded.ts'

const nodes = 10

export const detection: Bench = {
  name: 'detection',
  description: 'a member of ten that dies or falls silent, to down everywhere',
  async run(context) {
    const crashes: number[] = []
    const silences: number[] = []
    await using cluster = await startMembers(nodes)
    await repeat(context, 'members killed', async (run) => {
      const victim = await follower(cluster, run)
      crashes.push(await downEverywhere(cluster, victim, () => void victim.kill()))
      await victim.exited
      await victim.restart()
    })
    await repeat(context, 'members silenced', async (run) => {
      const victim = await follower(cluster, run)
      silences.push(await downEverywhere(cluster, victim, () => victim.pause()))
      victim.resume()
    })
    return [
      { name: 'SIGKILL to down at all 9 others', unit: 'ms', samples: crashes, goal: 'median <= 300' },
      { name: 'SIGSTOP to down at all 9 others', unit: 'ms', samples: silences, goal: 'median <= 3000' },
    ]
  },
}

/** Each time another one, and never the leader: its election is a figure of its own. */
async function follower(cluster: ProcessCluster, run: number): Promise<ClusterProcess> {
  const { leader } = await cluster.ready(patience)
  const followers = cluster.nodes.filter((node) => node !== leader)
  return followers[run % followers.length]!
}

async function downEverywhere(cluster: ProcessCluster, victim: ClusterProcess, end: () => void): Promise<number> {
  const others = cluster.nodes.filter((node) => node !== victim)
  const from = clock()
  end()
  const times = await cluster.until(
    `everybody sees ${victim.name} down`,
    () => {
      const seen = others.map((node) =>
        recorded(node, 'state', from).find(({ name, state }) => name === victim.name && state === 'down'),
      )
      return seen.every((event) => event !== undefined) && seen.map(({ at }) => at - from)
    },
    patience,
  )
  return Math.max(...times)
}
