// Whole nodes in virtual time, one of which is cut off from all others: it need not be told that it is alone.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster } from '../../src/testing/index.ts'

/** What is promised: docs/guarantees-membership.md. */
const allDownWithinMs = 30_000
const settledMs = 5_000

const runs = [
  { topology: 'hyparview', members: 5, seeds: [4, 6] },
  { topology: 'hyparview', members: 8, seeds: [1] },
  { topology: 'hyparview', members: 12, seeds: [1] },
  { topology: 'full-mesh', members: 12, seeds: [1] },
]

describe('a member that is cut off from all others', () => {
  for (const { topology, members, seeds } of runs) {
    it(`of ${members} in ${topology} holds all of them for down within ${allDownWithinMs / 1_000} s`, async () => {
      for (const seed of seeds) {
        await using cluster = await createTestCluster(members, { seed, node: { topology } })
        await cluster.advance(settledMs)
        const alone = cluster.nodes[seed % members]
        assert.ok(alone)
        await cluster.partition([alone])
        const others = () => alone.members().filter(({ name }) => name !== alone.name)
        const areDown = () => others().every(({ state }) => state === 'down')
        await cluster.until(`seed ${seed}: all are down`, areDown, { timeoutMs: allDownWithinMs })
        assert.equal(others().length, members - 1)
      }
    })
  }
})
