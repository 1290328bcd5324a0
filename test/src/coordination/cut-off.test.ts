import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'

/** What a call ends with, whether it may have happened, and after how many milliseconds. */
async function ending(cluster: TestCluster, call: Promise<unknown>): Promise<[string, boolean, number]> {
  const began = cluster.now
  const error = await call.then(
    () => assert.fail('it was answered'),
    (reason) => reason,
  )
  return [error.code, error.mayHaveHappened, cluster.now - began]
}

/** Voters, and further members without the log. */
async function formed(
  topology: string,
  size: number,
  voters: number,
): Promise<{ cluster: TestCluster; others: TestNode[] }> {
  const cluster = await createTestCluster(size, { node: { voters, topology } })
  const { leader } = await cluster.ready()
  await leader.config.set('limits.rate', 1)
  await cluster.advance(3_000)
  const held = leader.status().consensus.voters
  return { cluster, others: cluster.nodes.filter(({ name }) => !held.includes(name)) }
}

const stale = { consistency: 'stale' } as const

for (const topology of ['full-mesh', 'hyparview']) {
  describe(`a member without the log that reaches nobody, in a ${topology}`, () => {
    it('refuses writes, locks and reads of either kind at once, and none of it may have happened', async () => {
      const { cluster, others } = await formed(topology, 4, 3)
      await using _ = cluster
      const [alone] = others as [TestNode]
      await cluster.partition([alone])
      await cluster.until('it knows', () => !alone.status().consensus.quorum, { timeoutMs: 10_000 })
      await cluster.until('links are given up', () => alone.topology.view().links.length === 0, { timeoutMs: 10_000 })
      for (const call of [
        () => alone.config.set('limits.rate', 2),
        () => alone.locks.acquire('x'),
        () => alone.config.get('limits.rate'),
        () => alone.config.get('limits.rate', stale),
        () => alone.config.list('limits.', stale),
        () => alone.config.history('limits.rate'),
      ]) {
        const [code, mayHaveHappened, ms] = await ending(cluster, call())
        assert.deepEqual([code, mayHaveHappened], ['ERR_NO_QUORUM', false])
        assert.ok(ms <= 20, `${call} took ${ms} ms`)
      }
      const names = [...alone.status().consensus.voters].sort()
      for (const options of [{}, stale]) {
        const { details } = await alone.config.get('limits.rate', options).catch((error) => error)
        assert.deepEqual([...details.voters].sort(), names)
      }
      await cluster.heal()
      await cluster.until('it hears of a leader', () => alone.status().consensus.quorum, { timeoutMs: 20_000 })
      assert.equal((await alone.config.set('limits.rate', 3)).revision > 1, true)
    })

    it('refuses at the very first with ERR_NO_QUORUM, too, stale reads as well, within the time of the call', async () => {
      const { cluster, others } = await formed(topology, 4, 3)
      await using _ = cluster
      const [alone] = others as [TestNode]
      await cluster.partition([alone])
      const endings = await Promise.all([
        ending(cluster, alone.config.get('limits.rate', stale)),
        ending(cluster, alone.config.get('limits.rate')),
      ])
      for (const [code, , ms] of endings) {
        assert.equal(code, 'ERR_NO_QUORUM')
        assert.ok(ms <= 5_000, `${ms} ms`)
      }
    })
  })
}

it('members without the log that reach only each other refuse soon', async () => {
  const { cluster, others } = await formed('full-mesh', 7, 5)
  await using _ = cluster
  const [one] = others as [TestNode]
  await cluster.partition(others)
  await cluster.until('it knows', () => !one.status().consensus.quorum, { timeoutMs: 10_000 })
  const [code, , ms] = await ending(cluster, one.config.set('limits.rate', 2))
  assert.deepEqual([code, ms <= 300], ['ERR_NO_QUORUM', true], `${ms} ms`)
})

it('a call at a member without the log waits for the next leader', async () => {
  const { cluster, others } = await formed('full-mesh', 4, 3)
  await using _ = cluster
  const [asked] = others as [TestNode]
  const { leader } = await cluster.ready()
  await cluster.kill(leader.name)
  assert.ok((await asked.config.set('limits.rate', 2)).revision > 1)
})
