import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'
import { clock, recorded, recordedByAll } from './recorded.ts'

const host = fileURLToPath(new URL('fixtures/host.ts', import.meta.url))
/** Below every election timeout. */
const shortMs = 400
/** Above the lease and every election timeout. */
const longMs = 1_500

const rounds = 2

/** SIGSTOP for `ms`, and until `condition` holds. */
async function pauseFor(
  cluster: ProcessCluster,
  node: ClusterProcess,
  ms: number,
  condition: () => boolean | Promise<boolean> = () => true,
): Promise<number> {
  const start = performance.now()
  node.pause()
  await cluster.until(`${node.name} was stopped for ${ms} ms and the others have gone on`, async () => {
    return performance.now() - start >= ms && (await condition())
  })
  const at = clock()
  node.resume()
  return at
}

/** From the first to the last moment at which the lease certainly held, by host and token. */
function spells(cluster: ProcessCluster) {
  const spells = new Map<string, { token: number; node: string; from: number; to: number }>()
  for (const { node, token, from, to } of recordedByAll(cluster.nodes, 'held')) {
    const key = `${node} ${token}`
    const spell = spells.get(key) ?? { token, node, from: to, to: from }
    spells.set(key, { ...spell, to: Math.max(spell.to, from) })
  }
  return [...spells.values()].sort((a, b) => a.token - b.token)
}

describe('a leader that is stopped for longer than its lease and every election timeout', () => {
  it('knows it before it acts; S5 is never active twice; its old token is refused by everybody', async () => {
    await using cluster = await startProcesses(5, { program: host })
    for (let round = 1; round <= rounds; round++) {
      const { leader, fencingToken } = await cluster.ready()
      const others = cluster.nodes.filter((node) => node !== leader)
      const resumedAt = await pauseFor(cluster, leader, longMs, async () => {
        const statuses = await Promise.all(others.map((node) => node.status()))
        return statuses.every(({ s5 }) => s5.phase === 'active' && s5.fencingToken! > fencingToken)
      })
      const lost = await cluster.until('the old host has read its token', () =>
        recorded(leader, 'lost').find(({ token }) => token === fencingToken),
      )
      assert.equal(lost.code, 'ERR_LEASE_LOST')
      assert.ok(lost.at >= resumedAt)
      const late = recorded(leader, 'held').filter(({ token, from }) => token === fencingToken && from > resumedAt)
      assert.deepEqual(late, [], 'it never had the token again')

      await cluster.until('the others have answered its commands', () => {
        return recorded(leader, 'answer').filter(({ token }) => token === fencingToken).length === others.length
      })
      for (const { token, code, member } of recorded(leader, 'answer'))
        if (token === fencingToken) assert.equal(code, 'ERR_STALE_TOKEN', `${member} answered`)
      assert.deepEqual(recordedByAll(cluster.nodes, 'command'), [])
    }
    await cluster.ready()
    const all = spells(cluster)
    assert.ok(all.length > rounds)
    for (const [at, spell] of all.entries()) {
      const before = all[at - 1]
      if (before) assert.ok(before.to < spell.from, `${JSON.stringify(before)} overlaps ${JSON.stringify(spell)}`)
    }
    // What an old host was told to be decided stands before the activation of the next one.
    const tokens = all.map(({ token }) => token)
    for (const { token, index } of recordedByAll(cluster.nodes, 'decided')) {
      const next = tokens.find((other) => other > token) ?? Number.POSITIVE_INFINITY
      assert.ok(index > token && index < next, `index ${index} under ${token}, and ${next} was next`)
    }
  })
})

describe('a follower that is stopped for a moment', () => {
  it('causes no election, and nobody holds it for down', async () => {
    await using cluster = await startProcesses(3, { program: host })
    const { leader, fencingToken } = await cluster.ready()
    const { term } = (await leader.status()).consensus
    for (const follower of cluster.nodes.filter((node) => node !== leader)) {
      await pauseFor(cluster, follower, shortMs)
      const last = recorded(leader, 'decided').at(-1)!.index
      await cluster.until('it has caught up with what was decided meanwhile', () => {
        return (recorded(follower, 'decision').at(-1)?.index ?? 0) > last
      })
    }
    const after = await cluster.ready()
    assert.deepEqual([after.leader.name, after.fencingToken], [leader.name, fencingToken])
    for (const node of cluster.nodes) {
      assert.equal((await node.status()).consensus.term, term)
      assert.deepEqual(
        recorded(node, 'member').filter(({ state }) => state === 'down'),
        [],
      )
    }
    const terms = new Set(recordedByAll(cluster.nodes, 'leader').map((event) => event.term))
    assert.ok([...terms].every((seen) => seen <= term))
  })
})
