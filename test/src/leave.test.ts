import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster } from '../../src/testing/index.ts'

describe('members that leave', () => {
  it('all at once wait for nobody to take their places, for nobody stays', async () => {
    await using cluster = await createTestCluster(5)
    const began = cluster.now
    await Promise.all(cluster.nodes.map((node) => node.leave()))
    assert.ok(cluster.now - began < 1_000, `it took ${cluster.now - began} ms of virtual time`)
  })

  it('one by one give their places to those that stay, to the last', async () => {
    await using cluster = await createTestCluster(3)
    const [a, b, c] = cluster.nodes
    await a!.leave()
    await b!.leave()
    await cluster.until('the last holds the log alone', () => {
      const { voters, leader } = c!.status().consensus
      return voters.join() === c!.name && leader === c!.name
    })
  })
})
