// What fresh nodes wait for until they are one cluster, in virtual time: where a message takes a millisecond, all the
// rest is waiting.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestCluster } from '../../../src/testing/index.ts'
import { createTestCluster } from '../../../src/testing/virtual/test-cluster.ts'

function linksOf(cluster: TestCluster): number {
  return cluster.running.reduce((sum, node) => sum + node.links().length, 0) / 2
}

describe('fresh nodes that are started at once', () => {
  for (const size of [3, 10])
    it(`are one cluster within 150 ms when they are ${size}: a moment to agree in, and some round trips`, async () => {
      await using cluster = await createTestCluster(size)
      assert.ok(cluster.now < 150, `${cluster.now} ms`)
    })

  it('are linked to each other when all are members, as soon as their names are agreed', async () => {
    const size = 30
    await using cluster = await createTestCluster(size)
    await cluster.until(() => linksOf(cluster) === (size * (size - 1)) / 2)
    assert.ok(cluster.now < 500, `${cluster.now} ms`)
  })

  it('are linked to each other in the end though one of them dies before it is a member', async () => {
    await using cluster = await createTestCluster(8, { expect: 7, untilReady: false })
    await cluster.until(() => cluster.now >= 70)
    await cluster.kill('node-5')
    await cluster.until(() => linksOf(cluster) === (7 * 6) / 2)
  })

  it('do not wait for long for the first of them, whom all call first, when it is not there', async () => {
    await using cluster = await createTestCluster(8, { expect: 7, untilReady: false })
    await cluster.kill('node-1')
    await cluster.until(() => cluster.leader())
    assert.ok(cluster.now < 1_500, `${cluster.now} ms`)
  })

  it('are one cluster though it dies while they form', async () => {
    for (const ms of [10, 30, 50, 60, 70, 80]) {
      await using cluster = await createTestCluster(8, { expect: 7, untilReady: false })
      await cluster.until(() => cluster.now >= ms)
      await cluster.kill('node-1')
      const agreed = await cluster.until(() => cluster.leader(), { timeoutMs: 60_000 })
      assert.ok(agreed, `killed after ${ms} ms`)
    }
  })
})
