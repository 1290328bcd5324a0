import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createTestCluster } from '../../../src/testing/index.ts'

it('services in a sparse overlay are known everywhere, also to who was away, and no link is opened for that', async () => {
  await using cluster = await createTestCluster(9, { expect: 5, node: { topology: 'hyparview' } })
  const [first, second] = cluster.nodes
  const onDemand = (): number =>
    cluster.running.flatMap(({ topology }) => topology.view().links).filter(({ kind }) => kind === 'on-demand').length
  const none = () => onDemand() === 0
  // Members that meet, or meet again, look for each other.
  await cluster.until('links on demand have ended', none, { timeoutMs: 60_000 })
  const knows = (name: string) => () =>
    cluster.running.every((node) => node.services.find({ name }).some((instance) => instance.name === name))

  first!.services.register('billing', { charge: () => 1 })
  await cluster.until('all know billing', knows('billing'), { timeoutMs: 3_000 })

  const away = cluster.nodes.slice(-2)
  await cluster.partition(away)
  second!.services.register('shipping', { ship: () => 1 })
  await cluster.advance(20_000)
  await cluster.heal()
  await cluster.until('those that were away know shipping', knows('shipping'), { timeoutMs: 20_000 })

  await cluster.until('links on demand have ended', none, { timeoutMs: 60_000 })
  await cluster.advance(5_000)
  assert.equal(onDemand(), 0, 'registries are compared over links that there are')
})
