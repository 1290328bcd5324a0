import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'

interface Case {
  readonly nodes: number
  readonly expect: number
  readonly voters: number
  readonly times: number
}

const cases: readonly Case[] = [
  { nodes: 5, expect: 5, voters: 5, times: 2 },
  { nodes: 4, expect: 4, voters: 3, times: 1 },
  { nodes: 2, expect: 2, voters: 1, times: 1 },
  { nodes: 6, expect: 5, voters: 5, times: 1 },
]

async function isOneCluster(cluster: ProcessCluster, size: number, voters: number): Promise<void> {
  await cluster.ready()
  // On a busy machine they may disagree again for a moment.
  const statuses = await cluster.until('all say the same', async () => {
    const said = await Promise.all(cluster.nodes.map((node) => node.status()))
    const same = new Set(
      said.map(({ cluster, consensus, s5 }) =>
        JSON.stringify([cluster, consensus.leader, [...consensus.voters].sort(), s5.host, s5.fencingToken, s5.phase]),
      ),
    )
    return same.size === 1 && said
  })
  assert.deepEqual([statuses[0]!.cluster.size, statuses[0]!.cluster.alive], [size, size])
  assert.equal(statuses[0]!.consensus.voters.length, voters)
  assert.deepEqual([statuses[0]!.s5.host, statuses[0]!.s5.phase], [statuses[0]!.consensus.leader, 'active'])
  assert.equal(statuses.filter(({ consensus }) => consensus.role === 'leader').length, 1)
  assert.equal(statuses.filter(({ consensus }) => consensus.role === 'none').length, size - voters)
}

describe('fresh nodes that are started at once', () => {
  for (const { nodes, expect, voters, times } of cases)
    for (let time = 1; time <= times; time++)
      it(`form one cluster: ${nodes} nodes, expect ${expect}, ${voters} voters${time > 1 ? ` (${time})` : ''}`, async () => {
        await using cluster = await startProcesses(nodes, { expect })
        await isOneCluster(cluster, nodes, voters)
      })

  it('form one cluster though some of them are killed meanwhile and come back', async () => {
    await using cluster = await startProcesses(5, { untilReady: false })
    // Whoever has found one other is in the middle of it.
    for (const node of [cluster.nodes[1]!, cluster.nodes[3]!]) {
      await cluster.until(`${node.name} listens`, async () => (await node.logTail(1)).length > 0)
      await node.kill()
      await node.restart({ introduce: true })
    }
    await isOneCluster(cluster, 5, 5)
  })

  it('do not form a cluster before enough of them are there', async () => {
    await using cluster = await startProcesses(3, { untilReady: false })
    const [first, second, third] = cluster.nodes
    await third!.kill()
    const two = [first!, second!]
    await cluster.until(
      'the two answer',
      async () => (await Promise.all(two.map((node) => node.status()))).length === 2,
    )
    for (const node of two) assert.equal((await node.status()).cluster.id, null)
    await third!.restart({ introduce: true })
    await isOneCluster(cluster, 3, 3)
  })
})
