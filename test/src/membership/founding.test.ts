// What fresh nodes wait for until they are one cluster, in virtual time: where a message takes a millisecond, all the
// rest is waiting.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster } from '../../../src/testing/virtual/test-cluster.ts'

describe('fresh nodes that are started at once', () => {
  for (const size of [3, 10])
    it(`are one cluster within 200 ms when they are ${size}: a moment to agree in, and some round trips`, async () => {
      await using cluster = await createTestCluster(size)
      assert.ok(cluster.now < 200, `${cluster.now} ms`)
    })
})
