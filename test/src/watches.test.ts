// Every watch of a node: whoever stops reading while nothing happens is not kept waiting.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster, type TestNode } from '../../src/testing/index.ts'

const watches: Readonly<Record<string, (node: TestNode) => AsyncIterable<unknown>>> = {
  'config.watch': (node) => node.config.watch('quiet.'),
  'elections.observe': (node) => node.elections.observe('nobody'),
  'services.watch': (node) => node.services.watch('nothing'),
  watchMembers: (node) => node.watchMembers(),
  'channel.messages': (node) => node.channel('events').messages({ topic: 'quiet' }),
}

describe('a watch of which nothing happens', () => {
  it('ends at once when its reader returns, with the read that is pending', async () => {
    await using cluster = await createTestCluster(1)
    const [node] = cluster.nodes
    assert.ok(node)
    for (const [name, watch] of Object.entries(watches)) {
      const words = watch(node)[Symbol.asyncIterator]()
      // What an election begins with is that nobody leads.
      if (name === 'elections.observe') await words.next()
      let pending: unknown
      void words.next().then((result) => (pending = result))
      await cluster.advance(1_000)
      assert.equal(pending, undefined, name)
      let returned: unknown
      void words.return?.().then((result) => (returned = result))
      await cluster.advance(10)
      const over = { done: true, value: undefined }
      assert.deepEqual([pending, returned], [over, over], name)
    }
  })
})
