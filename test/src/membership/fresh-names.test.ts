import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster } from '../../../src/testing/index.ts'

describe('the name of a fresh node', () => {
  it('is free again when its machine was lost without a word, so that the cluster forms', async () => {
    await using cluster = await createTestCluster(3, { untilReady: false, latencyMs: 10, node: { timeoutMs: 1 } })
    const lost = cluster.node('node-3')
    await cluster.advance(60)
    assert.deepEqual(
      cluster.nodes.map((node) => node.status().cluster.id),
      [null, null, null],
    )
    // Nobody hears that its connections end.
    await cluster.partition([lost])
    await cluster.kill(lost)
    const { id } = lost
    await cluster.advance(10_000)
    await cluster.restart(lost, { wipe: true })
    assert.ok(id < lost.id, 'of two nodes the lower id keeps the name')
    await cluster.heal()
    await cluster.ready()
  })
})
