import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { it } from 'node:test'
import { createTestCluster, type TestNode } from '../../../src/testing/index.ts'

it('a stale read that a voter does not answer is asked of another one', async () => {
  await using cluster = await createTestCluster(4, { node: { voters: 3 } })
  const { leader } = await cluster.ready()
  await leader.config.set('limits.rate', 1)
  await cluster.advance(1_000)
  const { voters } = leader.status().consensus
  const asking = cluster.nodes.find(({ name }) => !voters.includes(name)) as TestNode
  await cluster.pause(voters.find((name) => name !== leader.name) as string)
  const options = { consistency: 'stale', timeoutMs: 4_000 } as const
  const found = await Promise.all(Array.from({ length: 10 }, () => asking.config.get('limits.rate', options)))
  assert.deepEqual(new Set(found.map((entry) => entry?.value)), new Set([1]))
})

it('a read of a voter leaves no listener at the signal of its caller', async () => {
  await using cluster = await createTestCluster(3)
  const { leader } = await cluster.ready()
  const { signal } = new AbortController()
  for (const node of cluster.nodes) await node.config.get('limits.rate', { signal })
  await leader.config.set('limits.rate', 1, { signal })
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})
