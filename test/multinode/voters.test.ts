// Voters that come and go, as processes: a killed one is replaced, a member that was away for long catches up by a
// snapshot, everybody stops and starts again on logs whose front is gone, and leadership moves while commands are under
// way.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { describe, it } from 'node:test'
import { askAdmin } from '../../src/cli/admin-client.ts'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../src/testing/processes.ts'

const quick = { TRELLIS_REPLACE_VOTER_AFTER_MS: '1000', TRELLIS_SNAPSHOT_ENTRIES: '100' }

async function set(node: ClusterProcess, key: string, value: unknown): Promise<void> {
  await askAdmin(`/v1/config/${key}`, { url: node.admin }, { method: 'PUT', body: { value } })
}

async function get(node: ClusterProcess, key: string): Promise<unknown> {
  return ((await askAdmin(`/v1/config/${key}`, { url: node.admin })) as { value: unknown }).value
}

/** Far more entries than a snapshot waits for, and more than the log keeps behind one for those that lag a little. */
async function setMany(node: ClusterProcess, from: number, count: number): Promise<void> {
  for (let at = from; at < from + count; at += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, from + count - at) }, (_, i) => set(node, `key-${at + i}`, at + i)),
    )
  }
}

const snapshotsOf = ({ dataDir }: ClusterProcess): string[] =>
  readdirSync(dataDir).filter((name) => /^raft\.snapshot\.\d+$/.test(name))

async function votersAre(cluster: ProcessCluster, names: readonly string[]): Promise<boolean> {
  const statuses = await Promise.all(cluster.running.map((node) => node.status()))
  return statuses.every(({ consensus, s5 }) => {
    return `${consensus.voters}` === `${names}` && consensus.learners.length === 0 && s5.phase === 'active'
  })
}

describe('voters as processes', () => {
  it('are replaced when they are killed; the replacement has all that was agreed, and votes', async () => {
    await using cluster = await startProcesses(4, { env: quick })
    const { leader } = await cluster.ready()
    const { voters } = (await leader.status()).consensus
    assert.equal(voters.length, 3)
    await set(leader, 'before', 'kept')
    const victim = cluster.nodes.find((node) => voters.includes(node.name) && node !== leader)!
    await victim.kill()
    const others = cluster.nodes.filter((node) => node !== victim)
    await cluster.until('the fourth votes in its place', () =>
      votersAre(cluster, others.map(({ name }) => name).sort()),
    )
    // Only the replacement and one more are left of three: without its vote nothing would be agreed.
    const newcomer = others.find(({ name }) => !voters.includes(name))!
    await others.find((node) => node !== newcomer && node !== leader)!.kill()
    await cluster.until('it still agrees', () => set(newcomer, 'after', 'agreed').then(() => true))
    assert.deepEqual([await get(newcomer, 'before'), await get(newcomer, 'after')], ['kept', 'agreed'])
  })

  it('catch up by a snapshot, and come back on compacted logs after everybody has stopped', async () => {
    await using cluster = await startProcesses(3, { env: quick })
    const { leader } = await cluster.ready()
    const behind = cluster.nodes.find((node) => node !== leader)!
    await behind.kill()
    await setMany(leader, 0, 1_500)
    await cluster.until('the log is cut', () => snapshotsOf(leader).length === 1)
    await behind.restart()
    await cluster.until('it has a snapshot', () => snapshotsOf(behind).length === 1)
    await cluster.ready()
    for (const key of ['key-0', 'key-1499']) assert.equal(await get(behind, key), Number(key.slice(4)))

    await Promise.all(cluster.nodes.map((node) => node.stop()))
    await Promise.all(cluster.nodes.map((node) => node.restart()))
    await cluster.ready()
    for (const node of cluster.nodes) assert.equal(await get(node, 'key-777'), 777)
    await set(behind, 'again', true)
  })

  it('hand leadership over while commands are under way: each is done, or says that it was not', async () => {
    await using cluster = await startProcesses(3, { env: quick })
    await cluster.ready()
    let done = 0
    let isOver = false
    const write = async (): Promise<void> => {
      while (!isOver) await set(cluster.nodes[done % 3]!, 'counter', ++done)
    }
    const writing = Promise.all([write(), write(), write()])
    for (const { name } of cluster.nodes) {
      const report = await askAdmin(
        '/v1/leader/transfer',
        { url: cluster.nodes[0]!.admin },
        { method: 'POST', body: { to: name } },
      )
      assert.equal((report as { to: string }).to, name)
      await cluster.until(`${name} leads`, async () => {
        const statuses = await Promise.all(cluster.nodes.map((node) => node.status()))
        return statuses.every(({ consensus, s5 }) => consensus.leader === name && s5.host === name)
      })
      const before = done
      await cluster.until('commands go on', () => done > before)
    }
    isOver = true
    await writing
  })
})
