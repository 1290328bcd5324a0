// A process whose event loop stands still is not dead: its liveness worker says so. One that is stopped as a whole is
// silent.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { askAdmin } from '../../src/cli/admin-client.ts'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { startProcesses } from '../../src/testing/processes.ts'

const viewOf = async (observer: ClusterProcess, name: string) =>
  (await observer.members()).find((member) => member.name === name)

describe('three processes', { timeout: 120_000 }, () => {
  it('call one stalled whose event loop stands still, and down only when it is stopped', async () => {
    await using cluster = await startProcesses(3)
    const { leader } = await cluster.ready()
    const [victim, observer] = cluster.nodes.filter((node) => node !== leader)
    assert.ok(victim && observer)
    const before = await viewOf(observer, victim.name)

    const works = async (): Promise<boolean> =>
      (await victim.logTail(100)).some((line) => line.includes('the liveness worker runs'))
    await cluster.until('its liveness worker runs', works)
    await victim.faults.set({ stallMs: 6_000 })
    const stalled = await cluster.until('it is seen stalled', async () => {
      const view = await viewOf(observer, victim.name)
      return view?.condition === 'stalled' && view
    })
    assert.notEqual(stalled.state, 'down')
    const healed = await cluster.until('it is seen well again', async () => {
      const view = await viewOf(observer, victim.name)
      return view?.condition === 'ok' && view.state === 'alive' && view
    })
    assert.ok(healed.incarnation > (before?.incarnation ?? 0), 'it said itself that it is well')
    const why = (await askAdmin(`/v1/members/${victim.name}/why`, { url: observer.admin })) as {
      evidence: readonly { type: string; state?: string }[]
    }
    assert.ok(!why.evidence.some(({ type, state }) => type === 'verdict' && state === 'down'), JSON.stringify(why))

    const { fencingToken } = await cluster.ready()
    await leader.faults.set({ stallMs: 3_000 })
    await cluster.until(
      'a leader whose event loop stands still is followed by another, and S5 goes with it',
      async () => {
        const { consensus, s5 } = await observer.status()
        return consensus.leader !== null && consensus.leader !== leader.name && (s5.fencingToken ?? 0) > fencingToken
      },
    )
    await cluster.ready()

    victim.pause()
    await cluster.until('it is seen down', async () => (await viewOf(observer, victim.name))?.state === 'down')
    victim.resume()
    await cluster.ready()
  })
})
