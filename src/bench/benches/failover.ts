// A leader that goes, in three ways: killed, silent, and in order. Measured by the survivors themselves, in clusters of
// five processes with the defaults: when another one leads and has committed an entry of its own, and when it hosts S5.

import type { ClusterProcess } from '../../testing/process-member.ts'
import type { ProcessCluster } from '../../testing/processes.ts'
import { patience, startElectorate } from '../cluster.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import { clock, earliest, recorded } from '../recorded.ts'

const nodes = 5

interface Takeover {
  /** From the end of the old leader. */
  readonly committedMs: number
  readonly hostedMs: number
  /** How long the winner was a candidate, the round before the vote included. */
  readonly campaignMs: number
}

export const crash: Bench = {
  name: 'crash',
  description: 'SIGKILL of the leader, to the next one and to S5 again',
  async run(context) {
    const takeovers = await measure(context, 'leaders killed', async (cluster, leader) => {
      const takeover = await takeoverAfter(cluster, leader, () => void leader.kill())
      await leader.exited
      await leader.restart()
      return takeover
    })
    return [
      {
        name: 'campaign to leader',
        unit: 'ms',
        samples: takeovers.map(({ campaignMs }) => campaignMs),
        goal: 'p99 <= 50',
      },
      {
        name: 'SIGKILL to first entry committed',
        unit: 'ms',
        samples: takeovers.map(({ committedMs }) => committedMs),
        goal: 'median <= 200, p99 <= 600',
      },
      {
        name: 'SIGKILL to S5 hosted again',
        unit: 'ms',
        samples: takeovers.map(({ hostedMs }) => hostedMs),
        goal: 'one lease more',
      },
    ]
  },
}

export const silence: Bench = {
  name: 'silence',
  description: 'SIGSTOP of the leader, to the next one and to S5 again',
  async run(context) {
    const takeovers = await measure(context, 'leaders stopped', async (cluster, leader) => {
      const takeover = await takeoverAfter(cluster, leader, () => leader.pause())
      leader.resume()
      return takeover
    })
    return [
      {
        name: 'SIGSTOP to first entry committed',
        unit: 'ms',
        samples: takeovers.map(({ committedMs }) => committedMs),
        goal: 'median <= 1200, p99 <= 2500',
      },
      {
        name: 'SIGSTOP to S5 hosted again',
        unit: 'ms',
        samples: takeovers.map(({ hostedMs }) => hostedMs),
        goal: 'one lease more',
      },
    ]
  },
}

export const planned: Bench = {
  name: 'planned',
  description: 'a leader that leaves in order: how long nobody hosts S5',
  async run(context) {
    const gaps: number[] = []
    const commits: number[] = []
    await measure(context, 'leaders leaving', async (cluster, leader) => {
      const from = clock()
      const takeover = await takeoverAfter(cluster, leader, () => void leader.stop())
      await leader.exited
      const stoppedAt = recorded(leader, 'stopped', from)[0]?.at
      if (stoppedAt !== undefined) gaps.push(takeover.from + takeover.hostedMs - stoppedAt)
      commits.push(takeover.committedMs)
      await leader.restart()
    })
    const figures: Figure[] = [
      { name: 'S5 stopped here to hosted there', unit: 'ms', samples: gaps, goal: 'no lease' },
      { name: 'SIGTERM to first entry committed', unit: 'ms', samples: commits },
    ]
    return figures
  },
}

async function measure<Result>(
  context: BenchContext,
  what: string,
  once: (cluster: ProcessCluster, leader: ClusterProcess) => Promise<Result>,
): Promise<Result[]> {
  await using cluster = await startElectorate(nodes)
  const results: Result[] = []
  await repeat(context, what, async () => {
    const { leader } = await cluster.ready(patience)
    results.push(await once(cluster, leader))
  })
  return results
}

async function takeoverAfter(
  cluster: ProcessCluster,
  leader: ClusterProcess,
  end: () => void,
): Promise<Takeover & { readonly from: number }> {
  const others = cluster.nodes.filter((node) => node !== leader)
  const from = clock()
  end()
  const { committed, hosting } = await cluster.until(
    'another one leads and hosts S5',
    () => {
      const committed = earliest(others, 'committed', from)
      const hosting = earliest(others, 'hosting', from)
      return committed && hosting && { committed, hosting }
    },
    patience,
  )
  return {
    from,
    committedMs: committed.at - from,
    hostedMs: hosting.at - from,
    campaignMs: campaign(committed.node, from, committed.at),
  }
}

/**
 * From the last look that found the winner a follower, to the first that found it the leader: at most two looks too
 * long.
 */
function campaign(winner: ClusterProcess, from: number, until: number): number {
  const roles = recorded(winner, 'role', from).filter(({ at }) => at <= until)
  const won = roles.findLastIndex(({ role }) => role === 'leader')
  let first = won
  while (first > 0 && roles[first - 1]!.role !== 'follower' && roles[first - 1]!.role !== 'leader') first--
  return roles[won]!.at - roles[first]!.since
}
