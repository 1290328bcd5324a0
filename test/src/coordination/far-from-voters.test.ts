import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createTestCluster, type TestNode } from '../../../src/testing/index.ts'

/** Nobody needs a link to one of those who hold the log. */
function isFar(node: TestNode): boolean {
  const { voters } = node.status().consensus
  return !voters.includes(node.name) && node.topology.view().links.every(({ peer }) => !voters.includes(peer))
}

it('members without a link to any voter read stale values, over relays', async () => {
  await using cluster = await createTestCluster(11, {
    node: { topology: 'hyparview', overlayOptions: { hyparview: { activeSize: 2 } } },
  })
  await cluster.until('links that only served to join are gone', () => cluster.nodes.some(isFar))
  const far = cluster.nodes.find(isFar) as TestNode
  const { leader } = await cluster.ready()
  await leader.config.set('limits.rate', 1)
  assert.equal((await far.config.get('limits.rate', { consistency: 'stale' }))?.value, 1)
})
