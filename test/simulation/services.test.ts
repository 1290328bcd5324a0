// Whole clusters in virtual time, parted and healed at random: in the end every node finds what the owners offer, all
// of it and nothing else. More seeds: TRELLIS_SEEDS=50 node --test test/simulation/services.test.ts

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ServiceRegistration } from '../../src/index.ts'
import { Registry } from '../../src/services/registry.ts'
import { createTestCluster, type TestCluster, type TestNode } from '../../src/testing/index.ts'
import { Prng } from '../../src/testing/simulator/random.ts'

const seeds = Number(process.env.TRELLIS_SEEDS ?? 1)
const steps = 60
/** Of virtual time, from the moment when all are one cluster again. */
const convergedMs = 20_000

const offersOf = (node: TestNode): string[] =>
  node.services
    .find({ namespace: '*' })
    .map(({ id, name, version, health }) => `${id} ${name} ${version} ${health}`)
    .sort()

/** What each owner says of itself. */
const union = (cluster: TestCluster): string =>
  cluster.nodes
    .flatMap((node) => offersOf(node).filter((offer) => offer.startsWith(`${node.id}.`)))
    .sort()
    .join('\n')

async function disturb(cluster: TestCluster, random: () => number): Promise<void> {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
  const offered: { node: TestNode; registration: ServiceRegistration }[] = []
  for (let step = 0; step < steps; step++) {
    const node = pick(cluster.running)
    const own = offered.filter((offer) => offer.node === node)
    const choice = random()
    if (choice < 0.35) {
      const registration = node.services.register(`s${Math.floor(random() * 8)}`, {})
      offered.push({ node, registration })
    } else if (choice < 0.5 && own.length > 0) pick(own).registration.update({ version: `1.0.${step}` })
    else if (choice < 0.6 && own.length > 0) {
      const gone = pick(own)
      gone.registration.dispose()
      offered.splice(offered.indexOf(gone), 1)
    } else if (choice < 0.75) {
      const side = cluster.nodes.filter(() => random() < 0.5)
      await cluster.partition(
        side,
        cluster.nodes.filter((other) => !side.includes(other)),
      )
    } else if (choice < 0.8) await cluster.heal()
    else if (choice < 0.83 && cluster.running.length > 4) {
      await cluster.kill(node)
      for (const offer of own) offered.splice(offered.indexOf(offer), 1)
    } else await cluster.advance(random() * 8_000)
  }
}

/** Fails when not every node finds the union soon after everything was healed. */
async function converges(seed: number): Promise<void> {
  await using cluster = await createTestCluster(6, { seed })
  await disturb(cluster, new Prng(seed, 'services').next)
  await cluster.heal()
  for (const node of cluster.nodes) if (!node.isRunning) await cluster.restart(node)
  await cluster.ready()
  const isUnion = (): boolean => {
    const expected = union(cluster)
    return cluster.nodes.every((node) => offersOf(node).join('\n') === expected)
  }
  for (let waited = 0; waited < convergedMs && !isUnion(); waited += 1_000) await cluster.advance(1_000)
  assert.ok(isUnion(), 'every node finds the union of what the owners offer')
}

describe('the registry of whole clusters', () => {
  for (let seed = 1; seed <= seeds; seed++)
    it(`is the union of its owners after any mix of partitions (seed ${seed})`, () => converges(seed))

  it('is not when nobody gives what another lacks (the simulation can fail)', async (test) => {
    test.mock.method(Registry.prototype, 'lackedBy', () => [])
    await assert.rejects(converges(1), /the union/)
  })
})
