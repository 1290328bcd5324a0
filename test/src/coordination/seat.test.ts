import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster } from '../../../src/testing/index.ts'

describe('a seat among those who hold the log', () => {
  it('is kept by those who have just come to vote, when all start again before any was told so by a record', async () => {
    // Two founders have one voter.
    await using cluster = await createTestCluster(3, { expect: 2 })
    await cluster.until('all vote by their logs', () =>
      cluster.nodes.every((node) => node.status().consensus.voters.length === 3),
    )
    for (const node of cluster.nodes) await cluster.kill(node)
    for (const node of cluster.nodes) await cluster.restart(node)
    await cluster.ready()
    await cluster.nodes[0]!.config.set('limits.rate', 7)
    assert.equal((await cluster.nodes[2]!.config.get('limits.rate'))?.value, 7)
  })
})
