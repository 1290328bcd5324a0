import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'

/** Nobody needs a link to one of those who hold the log. */
function isFar(node: TestNode): boolean {
  const { voters } = node.status().consensus
  return !voters.includes(node.name) && node.topology.view().links.every(({ peer }) => !voters.includes(peer))
}

async function formed(): Promise<{ cluster: TestCluster; far: TestNode; leader: TestNode }> {
  // Who neighbors whom is chance: with this seed not everybody neighbors a voter.
  const cluster = await createTestCluster(11, {
    seed: 4,
    node: { topology: 'hyparview', overlayOptions: { hyparview: { activeSize: 2 } } },
  })
  await cluster.until('links that only served to join are gone', () => cluster.nodes.some(isFar))
  const far = cluster.nodes.find(isFar) as TestNode
  const { leader } = await cluster.ready()
  return { cluster, far, leader }
}

describe('members without a link to any voter', () => {
  it('read stale values, over relays', async () => {
    const { cluster, far, leader } = await formed()
    await using _ = cluster
    await leader.config.set('limits.rate', 1)
    assert.equal((await far.config.get('limits.rate', { consistency: 'stale' }))?.value, 1)
  })

  it('watch, over relays, and ask again when the answer was lost on its way', async () => {
    const { cluster, far, leader } = await formed()
    await using _ = cluster
    let isTold = false
    const watching = (async () => {
      for await (const _change of far.config.watch('limits.')) break
      isTold = true
    })()
    await cluster.advance(500)
    await cluster.partition([far])
    await cluster.breakConnections()
    await leader.config.set('limits.rate', 2)
    await cluster.advance(1_000)
    assert.equal(isTold, false)
    await cluster.heal()
    await cluster.until('the watch tells', () => isTold, { timeoutMs: 10_000 })
    await watching
  })
})
