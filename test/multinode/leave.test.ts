import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcesses } from '../../src/testing/processes.ts'
import { clock, recorded, recordedByAll } from './recorded.ts'

const host = fileURLToPath(new URL('fixtures/host.ts', import.meta.url))
const rounds = 3
/** Well below the lease that a successor must wait out when the old host did not say that it stops. */
const handOverMs = 400

describe('nodes that are stopped', () => {
  it('are seen as left by all and as nothing else; S5 is handed over at once, under a larger token; they come back as the same members', async () => {
    await using cluster = await startProcesses(3, { program: host })
    const gaps: number[] = []
    const { clusterId } = await cluster.ready()
    for (let round = 1; round <= rounds; round++) {
      const { leader, fencingToken } = await cluster.ready()
      const before = await leader.status()
      const { incarnation } = (await leader.members()).find(({ id }) => id === before.node.id)!
      const others = cluster.nodes.filter((node) => node !== leader)
      const started = recordedByAll(others, 'hosting').length
      const since = clock()

      assert.deepEqual(await leader.stop(), { code: 0, signal: null }, 'nothing keeps it once it has left')
      assert.equal(recorded(leader, 'left').filter(({ at }) => at > since).length, 1)
      await cluster.until('another one hosts S5', async () => {
        const statuses = await Promise.all(others.map((node) => node.status()))
        return statuses.every(({ s5 }) => s5.phase === 'active' && s5.fencingToken! > fencingToken)
      })
      const stopped = recorded(leader, 'aborted').filter(({ token }) => token === fencingToken)
      assert.equal(stopped.length, 1)
      const hosting = recordedByAll(others, 'hosting').sort((one, other) => one.at - other.at)
      assert.equal(hosting.length, started + 1)
      assert.ok(hosting.at(-1)!.token > fencingToken)
      gaps.push((hosting.at(-1)!.at - stopped[0]!.at) / 1_000)
      assert.ok(gaps.at(-1)! > 0, 'the old one stops first')

      await cluster.until('all see that it left', async () => {
        const views = await Promise.all(others.map((node) => node.members()))
        return views.every((members) => members.find(({ name }) => name === leader.name)?.state === 'left')
      })
      for (const node of others) {
        const seen = recorded(node, 'member').filter(({ name, at }) => name === leader.name && at > since)
        const states = new Set(seen.map(({ state }) => state))
        // It drains first, while it gives its vote up.
        states.delete('alive')
        assert.deepEqual([...states], ['left'], `${node.name} saw ${JSON.stringify(seen)}`)
      }

      await leader.restart()
      await cluster.ready()
      const after = await leader.status()
      assert.deepEqual([after.node.id, after.node.name, after.cluster.id], [before.node.id, leader.name, clusterId])
      assert.ok(after.consensus.term > before.consensus.term)
      for (const node of cluster.nodes) {
        const [its, ...more] = (await node.members()).filter(({ name }) => name === leader.name)
        assert.deepEqual([its!.id, its!.state, more.length], [before.node.id, 'alive', 0])
        assert.ok(its!.incarnation > incarnation)
      }
    }
    // Votes may be split once in a while, or the machine be busy; waiting for a lease each time is another matter.
    const slow = gaps.filter((gap) => gap >= handOverMs)
    assert.ok(slow.length <= 1, `hand-overs took ${gaps.map(Math.round)} ms`)
  })

  it('all at once, none after the other, end in order', async () => {
    await using cluster = await startProcesses(5)
    const exits = await Promise.all(cluster.nodes.map((node) => node.stop()))
    assert.deepEqual(
      exits,
      exits.map(() => ({ code: 0, signal: null })),
    )
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    await cluster.ready()
  })
})
