import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster } from '../../../src/testing/index.ts'

describe('a node without seeds', () => {
  it('whose directory knows others that it has joined nobody with looks for them, and does not form a cluster of its own', async () => {
    await using cluster = await createTestCluster(3)
    const leader = cluster.leader()!
    const [lost, other] = cluster.nodes.filter((node) => node !== leader)
    const clusterId = leader.status().cluster.id
    await cluster.partition([leader], [lost!, other!])
    await cluster.kill(lost!)
    await cluster.restart(lost!, { wipe: true })
    // One voter of three is left here: nobody can bind its name.
    await cluster.until('it has met the other one', () => lost!.status().cluster.id === clusterId)
    await cluster.kill(lost!)
    await cluster.restart(lost!, { introduce: false })
    await cluster.until('it has found the other one', () => lost!.status().cluster.id === clusterId)
    await cluster.heal()
    const agreed = await cluster.ready()
    assert.equal(agreed.clusterId, clusterId)
  })
})
