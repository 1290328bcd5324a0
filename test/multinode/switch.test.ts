import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import {
  beginTraffic,
  dieIn,
  endTraffic,
  judgeTraffic,
  orderSwitch,
  settled,
  startTraffic,
} from '../../src/bench/traffic.ts'
import type { ClusterProcess } from '../../src/testing/process-member.ts'
import type { ProcessCluster } from '../../src/testing/processes.ts'

const MEMBERS = 8
const switches = ['hyparview', 'client-server', 'full-mesh', 'client-server', 'hyparview', 'full-mesh'] as const

let cluster: ProcessCluster
before(async () => {
  cluster = await startTraffic(MEMBERS, { perSecond: 2_000, keys: 4 })
  beginTraffic(cluster)
})
after(() => cluster[Symbol.asyncDispose]())

/** Another topology than there is. */
async function elsewhere(): Promise<{ from: string; to: string }> {
  const { name: from } = await settled(cluster)
  return { from, to: from === 'hyparview' ? 'full-mesh' : 'hyparview' }
}

/** It is one of the cluster again, and sends. */
async function bringBack(node: ClusterProcess): Promise<void> {
  await node.restart()
  await cluster.ready()
  process.kill(node.pid, 'SIGUSR2')
}

describe('eight processes that switch their topology under 2,000 acknowledged messages a second', () => {
  it('go through all six directions, asked of any of them', async () => {
    for (const [round, name] of switches.entries()) {
      const { status, body } = await orderSwitch(cluster.nodes[round]!, name)
      assert.deepEqual([status, body.outcome, body.epoch], [200, 'committed', round + 1], JSON.stringify(body))
      const { name: now, epoch } = await settled(cluster)
      assert.deepEqual([now, epoch], [name, round + 1])
    }
  })

  it('end a switch in one topology when one of them is killed in it', async () => {
    const { leader } = await cluster.ready()
    const { from, to } = await elsewhere()
    const victim = cluster.nodes.find((node) => node !== leader)!
    const ordered = orderSwitch(leader, to)
    await victim.kill()
    const { status, body } = await ordered
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal((await settled(cluster)).name, body.outcome === 'committed' ? to : from)
    await bringBack(victim)
    assert.equal((await settled(cluster)).epoch, body.epoch)
  })

  it('end it when one of them stands still, and that one adopts what was decided when it goes on', async () => {
    const { leader } = await cluster.ready()
    const { from, to } = await elsewhere()
    const victim = cluster.nodes.find((node) => node !== leader)!
    victim.pause()
    const { status, body } = await orderSwitch(leader, to, { timeoutMs: 3_000 })
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal((await settled(cluster)).name, body.outcome === 'committed' ? to : from)
    victim.resume()
    await cluster.ready()
    assert.equal((await settled(cluster)).epoch, body.epoch)
  })

  for (const phase of ['preparing', 'verifying', 'committed', 'draining'] as const)
    it(`end it in one topology, which the answer names, when the leader is killed as soon as it is ${phase}`, async () => {
      const { leader } = await cluster.ready()
      const { from, to } = await elsewhere()
      dieIn(leader, phase)
      const { status, body } = await orderSwitch(cluster.nodes.find((node) => node !== leader)!, to)
      await leader.exited
      assert.equal(status, 200, JSON.stringify(body))
      assert.equal((await settled(cluster)).name, body.outcome === 'committed' ? to : from)
      dieIn(leader, '')
      await bringBack(leader)
      assert.equal((await settled(cluster)).epoch, body.epoch)
    })

  it('have lost no acknowledged message in all this, delivered none twice, and kept the order of each key', async () => {
    await endTraffic(cluster)
    const { acknowledged, lost, twice, outOfOrder } = judgeTraffic(cluster)
    assert.deepEqual({ lost, twice, outOfOrder }, { lost: [], twice: [], outOfOrder: [] })
    assert.ok(acknowledged > 1_000, `only ${acknowledged} messages were acknowledged`)
  })
})
