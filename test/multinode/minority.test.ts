import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { startProcesses } from '../../src/testing/processes.ts'

describe('two of five voters', () => {
  it('know no leader, host nothing and say so, until a third one is back; with the old leader or without', async () => {
    await using cluster = await startProcesses(5)
    for (const isLeaderLeft of [true, false]) {
      const { leader, fencingToken, clusterId } = await cluster.ready()
      const followers = cluster.nodes.filter((node) => node !== leader)
      const victims: ClusterProcess[] = isLeaderLeft ? followers.slice(0, 3) : [leader, ...followers.slice(0, 2)]
      await Promise.all(victims.map((node) => node.kill()))
      await cluster.until('both know that they are a minority', async () => {
        const statuses = await Promise.all(cluster.running.map((node) => node.status()))
        return statuses.every(({ consensus, s5 }) => {
          const isLost = consensus.leader === null && !consensus.quorum && consensus.role !== 'leader'
          return isLost && s5.host === null && s5.phase === 'inactive' && s5.fencingToken === null
        })
      })
      const terms = (await cluster.statuses()).map(({ status }) => status!.consensus.term)

      await victims[0]!.restart()
      const third = await cluster.until('three have a leader and S5', async () => {
        const statuses = await Promise.all(cluster.running.map((node) => node.status()))
        const views = new Set(statuses.map(({ s5 }) => JSON.stringify(s5)))
        return views.size === 1 && statuses.every(({ s5 }) => s5.phase === 'active') && statuses[0]
      })
      assert.ok(third.s5.fencingToken! > fencingToken)
      assert.ok(third.consensus.term > Math.max(...terms) - 1)
      assert.deepEqual([third.cluster.id, third.cluster.alive, third.cluster.size], [clusterId, 3, 5])
      await Promise.all(victims.slice(1).map((node) => node.restart()))
      await cluster.ready()
    }
  })
})
