// What a member that is cut off cannot give back at once: whoever asked is told that it may have happened, and it is
// given back as soon as there is a majority.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'
import { failureOf } from '../local-nodes.ts'

/** Far longer than any of these tests: what is gone before was given back. */
const leaseMs = 3_600_000

/** A cluster of three, one of the two that do not lead, and the other one. */
async function three(): Promise<{ cluster: TestCluster; away: TestNode; here: TestNode }> {
  const cluster = await createTestCluster(3)
  const leader = cluster.leader()
  const [away, here] = cluster.nodes.filter((node) => node !== leader)
  return { cluster, away: away!, here: here! }
}

describe('a claim that cannot be given back at once', () => {
  it('and that waits: says so, and leaves the queue once there is a majority', async () => {
    const { cluster, away, here } = await three()
    await using _ = cluster
    await using _held = await here.locks.acquire('l', { leaseMs })
    await using _permit = await here.semaphores.acquire('l', { leaseMs, permits: 1 })
    const calls = [
      away.locks.acquire('l', { leaseMs, waitMs: 4_000 }),
      away.locks.grant('l', { owner: 'x', leaseMs, waitMs: 4_000 }),
      away.locks.acquire('l', { leaseMs, waitMs: 60_000, timeoutMs: 4_000 }),
      away.semaphores.acquire('l', { leaseMs, permits: 1, waitMs: 4_000 }),
      away.barriers.enter('l', { leaseMs, parties: 2, waitMs: 4_000 }),
    ].map(failureOf)
    const queued = async () => (await here.locks.list()).reduce((sum, { waiting }) => sum + waiting.length, 0)
    await cluster.until('the queue', async () => (await queued()) === 5)
    await cluster.partition([away])
    for (const { code, mayHaveHappened } of await Promise.all(calls))
      assert.deepEqual([code, mayHaveHappened], ['ERR_NO_QUORUM', true])
    assert.equal(await queued(), 5)
    await cluster.heal()
    await cluster.until('the queue', async () => (await queued()) === 0)
  })

  it('and that was granted meanwhile: is free again once there is a majority', async () => {
    const { cluster, away, here } = await three()
    await using _ = cluster
    const held = await here.locks.acquire('l', { leaseMs })
    const abort = new AbortController()
    const wait = failureOf(away.locks.acquire('l', { leaseMs, waitMs: 60_000, signal: abort.signal }))
    const first = async () => (await here.locks.list()).find(({ name }) => name === 'l')
    await cluster.until('the queue', async () => (await first())?.waiting.length === 1)
    await cluster.partition([away])
    await cluster.until('it knows', () => !away.status().consensus.quorum)
    abort.abort()
    const { code, mayHaveHappened } = await wait
    assert.deepEqual([code, mayHaveHappened], ['ERR_ABORTED', true])
    await held[Symbol.asyncDispose]()
    await cluster.until('the queue', async () => (await first())?.holders[0]?.owner.startsWith(away.name) === true)
    await cluster.heal()
    await using again = await here.locks.acquire('l', { leaseMs, waitMs: 600_000 })
    assert.ok(again.token > 0)
  })

  it('and that is held: is given back once there is a majority', async () => {
    const { cluster, away, here } = await three()
    await using _ = cluster
    const held = await away.locks.acquire('l', { leaseMs })
    await cluster.partition([away])
    await cluster.until('it knows', () => !away.status().consensus.quorum)
    await held[Symbol.asyncDispose]()
    const next = here.locks.acquire('l', { leaseMs, waitMs: 600_000 })
    await cluster.heal()
    await using again = await next
    assert.ok(again.token > 0)
  })

  it('and a call whose claim took long waits for its turn no longer than its own time', async () => {
    await using cluster = await createTestCluster(3, { latencyMs: 150 })
    const [away, here] = cluster.nodes.filter((node) => node !== cluster.leader()) as [TestNode, TestNode]
    await using _held = await here.locks.acquire('l', { leaseMs })
    const began = cluster.now
    const calls = [
      away.locks.acquire('l', { leaseMs, waitMs: 60_000, timeoutMs: 2_000 }),
      away.barriers.enter('l', { leaseMs, parties: 2, waitMs: 60_000, timeoutMs: 2_000 }),
    ].map(async (call) => [(await failureOf(call)).code, cluster.now - began] as const)
    for (const [code, ms] of await Promise.all(calls)) {
      assert.equal(code, 'ERR_TIMEOUT')
      // There, to the other voter and both ways back, once to give it back.
      assert.ok(ms >= 2_000 && ms < 2_700, `after ${ms} ms`)
    }
  })
})
