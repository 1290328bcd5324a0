// The voters of a cluster, by themselves: whole nodes in one process.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isClusterError } from '../../src/errors.ts'
import type { TrellisNode } from '../../src/index.ts'
import { waitUntil } from '../../src/testing/compliance/wait-until.ts'
import { start } from './local-nodes.ts'
import { temporaryDirectory } from './storage/temporary-directory.ts'

function votersOf(node: TrellisNode): readonly string[] {
  return node.status().consensus.voters
}

function agree(nodes: readonly TrellisNode[], voters: readonly string[]): boolean {
  return nodes.every((node) => {
    const { consensus, s5 } = node.status()
    return `${consensus.voters}` === `${voters}` && consensus.learners.length === 0 && s5.phase === 'active'
  })
}

async function clusterOf(names: readonly string[], options = {}): Promise<TrellisNode[]> {
  const first = await start({ name: names[0]!, ...options })
  const others = await Promise.all(names.slice(1).map((name) => start({ name, join: [first.address], ...options })))
  return [first, ...others]
}

describe('the voters of a cluster', () => {
  it('are as many as there shall be once it has grown, an odd number, with what was agreed before', async () => {
    const a = await start({ name: 'a' })
    await a.ready()
    await a.config.set('before', 1)
    assert.deepEqual(votersOf(a), ['a'])
    const b = await start({ name: 'b', join: [a.address] })
    await b.ready()
    const c = await start({ name: 'c', join: [a.address] })
    await waitUntil(() => agree([a, b, c], ['a', 'b', 'c']))
    await a.stop()
    await waitUntil(() => [b, c].some((node) => node.status().consensus.role === 'leader'))
    assert.equal((await b.config.get('before'))?.value, 1)
  })

  it('are no more than asked for', async () => {
    const nodes = await clusterOf(['a', 'b', 'c', 'd'], { voters: 1 })
    await Promise.all(nodes.map((node) => node.ready()))
    await waitUntil(() => agree(nodes, ['a']))
  })

  it('lose the one that leaves to one that stays, before it is gone', async () => {
    const nodes = await clusterOf(['a', 'b', 'c', 'd'])
    await waitUntil(() => nodes.every((node) => votersOf(node).length === 3 && node.status().cluster.alive === 4))
    const leaving = nodes.find(({ name }) => votersOf(nodes[0]!).includes(name) && name !== 'a')!
    const staying = nodes.filter((node) => node !== leaving)
    await leaving.leave()
    await waitUntil(() => agree(staying, staying.map(({ name }) => name).sort()))
  })

  it('lose the leader that leaves; another leads, and hosts S5', async () => {
    const nodes = await clusterOf(['a', 'b', 'c', 'd'])
    await waitUntil(() => nodes.every((node) => votersOf(node).length === 3 && node.status().cluster.alive === 4))
    const leader = nodes.find((node) => node.status().consensus.role === 'leader')!
    const staying = nodes.filter((node) => node !== leader)
    await leader.leave()
    await waitUntil(() => agree(staying, staying.map(({ name }) => name).sort()))
  })

  it('replace one that is down for long, and not one that stops for a moment', async () => {
    const nodes = await clusterOf(['a', 'b', 'c', 'd'], { replaceVoterAfterMs: 1_000 })
    await waitUntil(() => nodes.every((node) => votersOf(node).length === 3 && node.status().cluster.alive === 4))
    const gone = nodes.find(({ name }) => votersOf(nodes[0]!).includes(name) && name !== 'a')!
    const staying = nodes.filter((node) => node !== gone)
    await gone.stop()
    assert.ok(votersOf(staying[0]!).includes(gone.name))
    await waitUntil(() => agree(staying, staying.map(({ name }) => name).sort()))
  })

  for (const topology of ['hyparview', 'client-server']) {
    it(`replace one where not everybody is linked to everybody (${topology})`, async () => {
      const options = {
        ...{ topology, voters: 3, replaceVoterAfterMs: 1_000 },
        overlayOptions: { hyparview: { activeSize: 2, passiveSize: 6 } },
      }
      const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
      const rolesOf = (name: string) => (topology === 'hyparview' ? [] : [name < 'e' ? 'server' : 'client'])
      const first = await start({ name: 'a', roles: rolesOf('a'), ...options })
      const others = names
        .slice(1)
        .map((name) => start({ name, join: [first.address], roles: rolesOf(name), ...options }))
      const nodes = [first, ...(await Promise.all(others))]
      await waitUntil(() => nodes.every((node) => votersOf(node).length === 3 && node.status().cluster.alive === 7))
      const leader = nodes.find((node) => node.status().consensus.role === 'leader')!
      const gone = nodes.find((node) => votersOf(leader).includes(node.name) && node !== leader)!
      const staying = nodes.filter((node) => node !== gone)
      await gone.stop()
      const agreed = () => votersOf(leader)
      await waitUntil(() => agreed().length === 3 && !agreed().includes(gone.name) && agree(staying, agreed()))
      assert.ok(topology === 'hyparview' || agreed().every((name) => name < 'e'), 'no client votes')
      await staying.at(-1)!.config.set('after', 1)
    })
  }

  it('take back one that lost its log in its own place, with its new log; its old vote is gone', async () => {
    const dataDir = temporaryDirectory()
    const [a, b] = await clusterOf(['a', 'b'])
    const c = await start({ name: 'c', join: [a!.address], dataDir })
    await waitUntil(() => agree([a!, b!, c], ['a', 'b', 'c']))
    await c.config.set('before', 1)
    await c.stop()
    const storeIdOf = () => JSON.parse(readFileSync(join(dataDir, 'store.json'), 'utf8')).value.storeId
    const votersOnDisk = () => JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')).value.voters
    const [lost, remembered] = [storeIdOf(), votersOnDisk()]
    assert.deepEqual(remembered.map(({ id }: { id: string }) => id).sort(), [a!.id, b!.id, c.id].sort())
    for (const file of readdirSync(dataDir)) if (file.startsWith('raft.')) rmSync(join(dataDir, file))

    const again = await start({ name: 'c', join: [a!.address], dataDir })
    const own = () => votersOnDisk().find(({ id }: { id: string }) => id === again.id)?.storeId
    await waitUntil(() => agree([a!, b!, again], ['a', 'b', 'c']) && own() !== lost)
    assert.notEqual(storeIdOf(), lost)
    assert.equal(own(), storeIdOf())
    await a!.stop()
    await waitUntil(() => [b!, again].every((node) => node.status().s5.phase === 'active'))
    assert.equal((await again.config.get('before'))?.value, 1)
  })
})

describe('a witness', () => {
  it('votes, and hands leadership over as soon as it has it: S5 is hosted by another', async () => {
    const a = await start({ name: 'a', roles: ['witness'] })
    const b = await start({ name: 'b', join: [a.address] })
    const c = await start({ name: 'c', join: [a.address] })
    const nodes = [a, b, c]
    await waitUntil(() => agree(nodes, ['a', 'b', 'c']))
    assert.notEqual(a.status().s5.host, 'a')
    await b.leadership.transfer({ to: 'a' })
    await waitUntil(() => nodes.every((node) => ['b', 'c'].includes(`${node.status().s5.host}`)))
  })

  it('that is the only voter gives its vote to the one other member: somebody must host S5', async () => {
    const a = await start({ name: 'a', roles: ['witness'] })
    const b = await start({ name: 'b', join: [a.address] })
    await waitUntil(() => agree([a, b], ['b']) && a.status().s5.host === 'b')
  })
})

describe('a transfer of leadership', () => {
  it('is asked of any member, one without a log too', async () => {
    const nodes = await clusterOf(['a', 'b', 'c', 'd'])
    await waitUntil(() => nodes.every((node) => votersOf(node).length === 3 && node.status().s5.phase === 'active'))
    const leader = nodes.find((node) => node.status().consensus.role === 'leader')!
    const guest = nodes.find(({ name }) => !votersOf(leader).includes(name))!
    const report = await guest.leadership.transfer()
    assert.equal(report.from, leader.name)
    await waitUntil(() => nodes.every((node) => node.status().consensus.leader !== leader.name))
    await waitUntil(() => nodes.every((node) => node.status().s5.phase === 'active'))
    const next = nodes.find(({ name }) => name === report.to)!
    assert.equal(next.status().consensus.role, 'leader')
    await assert.rejects(guest.leadership.transfer({ to: guest.name }), (error) =>
      isClusterError(error, 'ERR_BAD_REQUEST'),
    )
    await assert.rejects(guest.leadership.transfer({ to: 'nobody' }), (error) =>
      isClusterError(error, 'ERR_UNKNOWN_MEMBER'),
    )
    assert.deepEqual(await next.leadership.transfer({ to: next.name }), {
      from: next.name,
      to: next.name,
      durationMs: 0,
    })
    const back = await next.leadership.transfer({ to: leader.name })
    assert.deepEqual([back.from, back.to], [next.name, leader.name])
  })
})
