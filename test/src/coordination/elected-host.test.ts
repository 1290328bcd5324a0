import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ElectedHost } from '../../../src/coordination/elected-host.ts'
import type { HeldLease } from '../../../src/coordination/held-lease.ts'
import type { Leases } from '../../../src/coordination/leases.ts'
import { LEADER, type OpenEngine } from '../../../src/coordination/store.ts'
import { isClusterError } from '../../../src/errors.ts'
import type { NodeContext } from '../../../src/node-part.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

/** The host of a cluster whose engine hands over when `handOver` says so; `b` stands for election. */
async function hosting(handOver: (lease: AbortController) => boolean) {
  const end = new AbortController()
  const lease = { token: 7, signal: end.signal, leftMs: () => 1_000, end: async () => {} } as object as HeldLease
  let token = 7
  const engine = {
    isReached: true,
    revision: 1,
    holder: () => ({ token, value: JSON.stringify({ id: token === 7 ? 'a' : 'b' }) }),
    enter: async () => {},
    linearizable: async () => ({ things: [{ kind: 'singleton', name: LEADER, waiting: ['b'] }] }),
    handOver: async () => {
      const isDone = handOver(end)
      if (isDone) token = 8
      return isDone
    },
  } as object as OpenEngine
  let taken = 0
  const leases = { take: () => (taken++ === 0 ? Promise.resolve(lease) : new Promise(() => {})) } as object as Leases
  const context = {
    self: { id: 'a', name: 'a' },
    nameOf: (id: string) => id,
    route: (to: string) => to,
    toolbox: { clock: systemClock },
    options: {},
  } as object as NodeContext
  const host = new ElectedHost(context, () => engine, leases, 1_000)
  host.begin('c')
  await waitUntil(() => host.holds(7))
  return host
}

describe('the host of S5, when an engine keeps what the cluster agrees on', () => {
  it('hands over to a successor that lost its place for a moment, and stands again', async () => {
    let asked = 0
    const host = await hosting(() => ++asked === 3)
    const { from, to } = await host.transfer({ to: 'b' })
    assert.deepEqual([from, to, asked], ['a', 'b', 3])
  })

  it('says that it hosts no longer, when its own place is lost in the hand-over', async () => {
    const host = await hosting((lease) => {
      lease.abort()
      return false
    })
    await assert.rejects(host.transfer({ to: 'b' }), (error) => isClusterError(error, 'ERR_NOT_LEADER'))
  })
})
