// A cluster in virtual time does what its nodes do anywhere: it agrees, loses a minority, heals, tells a stop from a
// crash. And it is a good servant of tests: the same seed is the same run, nothing hangs, nothing stays behind.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestCluster, type TestCluster, type TestNode } from '../../../../src/testing/index.ts'

const seesAs = (observer: TestNode, name: string) => observer.members().find((member) => member.name === name)?.state

/** Everything that any node of `cluster` tells, from now on. */
function traceOf(cluster: TestCluster): string[] {
  const told: string[] = []
  for (const node of cluster.nodes) node.events.subscribe((event) => told.push(`${node.name} ${JSON.stringify(event)}`))
  return told
}

describe('a test cluster', () => {
  it('lets ten minutes pass in a moment, with all leases renewed', async () => {
    await using cluster = await createTestCluster(3)
    const [a] = cluster.nodes
    await using lock = await a!.locks.acquire('ledger', { leaseMs: 10_000 })
    const before = cluster.now
    await cluster.advance(600_000)
    assert.equal(cluster.now - before, 600_000)
    assert.equal(lock.signal.aborted, false)
    assert.ok(cluster.nodes.every((node) => node.members().every(({ state }) => state === 'alive')))
  })

  it('has every face of its nodes: channels, config, services, singletons, topology', async () => {
    await using cluster = await createTestCluster(3)
    const [a, b, c] = cluster.nodes as [TestNode, TestNode, TestNode]
    b.channel('data').onRequest(({ payload }) => ({ echo: payload as string }))
    assert.deepEqual((await a.channel('data').request('node-2', 'hello')).payload, { echo: 'hello' })
    const heard: unknown[] = []
    c.channel('events').subscribe('orders.*', ({ payload }) => void heard.push(payload))
    await a.channel('events').publish('orders.created', { number: 7 })
    await cluster.until('the order was heard', () => heard.length === 1)
    await a.config.set('limit', 5)
    assert.equal((await c.config.get('limit'))?.value, 5)
    c.services.register('billing', { charge: (cents: unknown) => Number(cents) * 2 })
    await a.services.waitFor('billing')
    assert.equal(await a.services.call('billing', 'charge', 21), 42)
    const report = await b.topology.switch('hyparview')
    assert.equal(report.outcome, 'committed')
    assert.equal(c.topology.view().name, 'hyparview')
    assert.ok((await a.why('node-2')).member)
  })

  it('refuses a minority, and is one again when it is healed, a minute later', async () => {
    await using cluster = await createTestCluster(5)
    const leader = cluster.leader()!
    const [other, ...majority] = cluster.nodes.filter((node) => node !== leader)
    await cluster.partition([leader, other!])
    await cluster.until('the majority has a leader of its own', () => {
      const leaders = new Set(majority.map((node) => node.status().consensus.leader))
      return leaders.size === 1 && !leaders.has(leader.name) && !leaders.has(null)
    })
    await majority[0]!.config.set('side', 'majority')
    await assert.rejects(leader.config.set('side', 'minority'), { code: 'ERR_NO_QUORUM' })
    await cluster.until('both sides see the other down', () => seesAs(other!, majority[0]!.name) === 'down')
    await cluster.advance(60_000)
    await cluster.heal()
    const healedAt = cluster.now
    await cluster.ready()
    assert.ok(cluster.now - healedAt <= 10_000, `${cluster.now - healedAt} ms`)
    assert.equal((await leader.config.get('side'))?.value, 'majority')
  })

  it('takes a killed node for down, and the same member back', async () => {
    await using cluster = await createTestCluster(3)
    const [a, , c] = cluster.nodes as [TestNode, TestNode, TestNode]
    await a.config.set('kept', true)
    const { id } = c
    const pending = c.services.waitFor('never', { timeoutMs: 600_000 })
    await cluster.kill('node-3')
    await assert.rejects(pending, { code: 'ERR_SHUTTING_DOWN' })
    assert.deepEqual([c.isRunning, cluster.running.length], [false, 2])
    await cluster.until('it is down', () => seesAs(a, 'node-3') === 'down')
    await cluster.restart(c)
    await cluster.ready()
    assert.equal(c.id, id)
    assert.equal((await c.config.get('kept'))?.value, true)
  })

  it('takes a node that is killed while it starts for one that never came up', async () => {
    await using cluster = await createTestCluster(3)
    const [a, , c] = cluster.nodes as [TestNode, TestNode, TestNode]
    await a.topology.switch('hyparview')
    await cluster.kill(c)
    const stillborn = assert.rejects(cluster.restart(c), { code: 'ERR_SHUTTING_DOWN' })
    await cluster.advance(10)
    await cluster.kill(c)
    await stillborn
    await cluster.restart(c)
    await cluster.advance(10_000)
    assert.equal(c.topology.view().name, 'hyparview')
    await cluster.ready()
  })

  it('tells a node again whom to join that was killed before it had joined', async () => {
    await using cluster = await createTestCluster(3)
    await cluster.kill('node-3')
    await cluster.partition(['node-3'])
    await cluster.restart('node-3', { wipe: true })
    await cluster.kill('node-3')
    await cluster.restart('node-3')
    await cluster.heal()
    await cluster.ready()
  })

  it('starts a node again whose start failed', async () => {
    await using cluster = await createTestCluster(3)
    const [a, , c] = cluster.nodes as [TestNode, TestNode, TestNode]
    const { address } = c
    await cluster.kill(c)
    await assert.rejects(cluster.restart(c, { listen: a.address }), { code: 'ERR_ADDRESS_IN_USE' })
    await cluster.restart(c, { listen: address })
    await cluster.ready()
  })

  it('takes one whose disk was wiped for a new member', async () => {
    await using cluster = await createTestCluster(3)
    const { id } = cluster.node('node-3')
    await cluster.kill('node-3')
    await cluster.until('it is down', () => seesAs(cluster.nodes[0]!, 'node-3') === 'down')
    await cluster.restart('node-3', { wipe: true })
    assert.notEqual(cluster.node('node-3').id, id)
    await cluster.until('it is a member', () => seesAs(cluster.nodes[0]!, 'node-3') === 'alive')
  })

  it('keeps a node that stands still for a while, and hears from one that stood still for long', async () => {
    await using cluster = await createTestCluster(3)
    const [a, , c] = cluster.nodes as [TestNode, TestNode, TestNode]
    await c.pause()
    await cluster.advance(1_000)
    assert.notEqual(seesAs(a, 'node-3'), 'down')
    await cluster.until('it is down', () => seesAs(a, 'node-3') === 'down')
    await c.resume()
    await cluster.ready()
    assert.equal(seesAs(c, 'node-1'), 'alive')
  })

  it('suffers faults on request, in its own time', async () => {
    await using cluster = await createTestCluster(3)
    const [a, b] = cluster.nodes as [TestNode, TestNode]
    a.faults.set({ stallMs: 60_000 })
    await cluster.until('it is down', () => seesAs(b, 'node-1') === 'down')
    await cluster.ready()
    a.faults.set({ block: ['node-2'] })
    await assert.rejects(a.channel('data').request('node-2', 1, { timeoutMs: 100 }), { code: 'ERR_TIMEOUT' })
  })

  it('stops in order, and the others know', async () => {
    await using cluster = await createTestCluster(3)
    await cluster.nodes[2]!.leave()
    await cluster.until('it has left', () => seesAs(cluster.nodes[0]!, 'node-3') === 'left')
    await cluster.restart('node-3')
    await cluster.ready()
  })

  it('is the same run for the same seed, and another one for another', async () => {
    const run = async (seed: number): Promise<readonly string[]> => {
      await using cluster = await createTestCluster(5, { seed })
      const told = traceOf(cluster)
      await cluster.nodes[1]!.config.set('x', 1)
      await cluster.kill(cluster.leader()!)
      await cluster.until(() => cluster.leader() !== undefined)
      await cluster.partition(['node-1', 'node-2'])
      await cluster.advance(20_000)
      await cluster.heal()
      await cluster.ready()
      return [...told, `ready at ${cluster.now}`]
    }
    const first = await run(7)
    assert.deepEqual(await run(7), first)
    assert.notDeepEqual(await run(8), first)
  })

  it('rejects at a deadline that is the fraction of a millisecond away', { timeout: 20_000 }, async () => {
    await using cluster = await createTestCluster(1)
    await cluster.advance(40_000 / 3)
    for (let sevenths = 1; sevenths < 50; sevenths++)
      await assert.rejects(
        cluster.until(() => false, { timeoutMs: sevenths / 7 }),
        /not within/,
      )
  })

  it('says who saw what when a wait fails, and does not wait for what cannot happen', async () => {
    await using cluster = await createTestCluster(3)
    const late = cluster.until('pigs fly', () => false, { timeoutMs: 5_000 })
    await assert.rejects(
      late,
      /not within 5000 ms of virtual time: pigs fly\n.*seed 1[\s\S]*node-2 \(running\) sees .*node-1 alive/,
    )
    for (const node of cluster.nodes) await node.kill()
    const began = cluster.now
    const never = cluster.until('somebody leads', () => cluster.leader(), { timeoutMs: 86_400_000 })
    await assert.rejects(
      never,
      /nothing can happen any more, and it is not so: somebody leads\n[\s\S]*node-1 \(ended\)/,
    )
    assert.ok(cluster.now - began < 60_000)
    await assert.rejects(
      cluster.until(() => 0, { signal: AbortSignal.abort() }),
      { name: 'AbortError' },
    )
  })

  it('stands still while a test does something in real time', async () => {
    await using cluster = await createTestCluster(1)
    const before = cluster.now
    await cluster.standStill(async () => {
      for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
    })
    assert.equal(cluster.now, before)
  })

  it('gives the nodes the options that they are to have', async () => {
    const node = (name: string) => ({ roles: name === 'node-4' ? ['client'] : ['server'], topology: 'client-server' })
    await using cluster = await createTestCluster(4, { node, expect: 3, latencyMs: 20 })
    assert.equal(cluster.nodes[3]!.topology.view().name, 'client-server')
    assert.deepEqual(cluster.node('node-4').status().node.roles, ['client'])
  })
})
