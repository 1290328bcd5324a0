import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createTestCluster } from '../../../src/testing/index.ts'

it('the lease of a holder that died ends in time, though the leader changes more often than leases last', async () => {
  await using cluster = await createTestCluster(5)
  const [a, , , , holder] = cluster.nodes
  const leaseMs = 4_000
  await holder!.locks.acquire('one', { leaseMs })
  await cluster.kill(holder!)
  const died = cluster.now

  const next = a!.locks.acquire('one', { leaseMs, waitMs: 60_000 })
  let isHeld = false
  next.then(() => (isHeld = true))
  while (!isHeld && cluster.now - died < 30_000) {
    await a!.leadership.transfer()
    const moved = cluster.now
    await cluster.until('the leader has led for a while', () => isHeld || cluster.now - moved > 1_500)
  }
  await next
  // A lease, the drift of clocks, and a look of whoever keeps the log.
  assert.ok(cluster.now - died < leaseMs * 1.05 + 2_500, `${cluster.now - died} ms`)
})
