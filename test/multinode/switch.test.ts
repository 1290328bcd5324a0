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
import { isWhole } from './story/turn.ts'

// With thirty it takes some minutes, and two cores that do nothing else: TRELLIS_SWITCH_MEMBERS=30 node --test
// test/multinode/switch.test.ts.
const MEMBERS = Number(process.env.TRELLIS_SWITCH_MEMBERS ?? 8)
/** What two cores can just do where all is wanted; half of it elsewhere. */
const PER_SECOND = Number(process.env.TRELLIS_SWITCH_MESSAGES ?? (isWhole ? 2_000 : 1_000))
const switches = ['hyparview', 'client-server', 'full-mesh', 'client-server', 'hyparview', 'full-mesh'] as const

/** Each costs a restart; those that are left out here whole nodes go through in virtual time. */
const phases = isWhole
  ? (['preparing', 'verifying', 'committed', 'draining'] as const)
  : (['verifying', 'committed'] as const)

type Ordered = Awaited<ReturnType<typeof orderSwitch>>

let cluster: ProcessCluster
before(async () => {
  cluster = await startTraffic(MEMBERS, { perSecond: PER_SECOND, keys: 4 })
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

/**
 * What a switch came to is what all are in, and the answer says which. A machine that is too busy for an election may
 * be told that there is no quorum: then only that all are in one is asked.
 */
async function endsInOne({ status, body }: Ordered, from: string, to: string): Promise<void> {
  const { name } = await settled(cluster)
  if (status === 200) assert.equal(name, body.outcome === 'committed' ? to : from, JSON.stringify(body))
  else assert.equal((body as unknown as { code: string }).code, 'ERR_NO_QUORUM', JSON.stringify(body))
}

/** One that cannot lead. */
async function withoutVote(): Promise<ClusterProcess> {
  const { leader } = await cluster.ready()
  const { voters } = (await leader.status()).consensus
  return cluster.nodes.find(({ name }) => !voters.includes(name))!
}

describe(`${MEMBERS} processes that switch their topology under ${PER_SECOND} acknowledged messages a second`, () => {
  it('go through all six directions, asked of any of them', async () => {
    for (const [round, to] of switches.entries()) {
      const { name: from } = await settled(cluster)
      await cluster.until(
        `a switch to ${to} is committed`,
        async () => {
          await endsInOne(await orderSwitch(cluster.nodes[round]!, to), from, to)
          return (await settled(cluster)).name === to
        },
        { timeoutMs: 60_000 },
      )
    }
  })

  it('end a switch in one topology when one of them is killed in it', async () => {
    const { leader } = await cluster.ready()
    const { from, to } = await elsewhere()
    const victim = cluster.nodes.find((node) => node !== leader)!
    const ordered = orderSwitch(leader, to)
    await victim.kill()
    await endsInOne(await ordered, from, to)
    await bringBack(victim)
    await settled(cluster)
  })

  it('end it when one of them stands still, and that one adopts what was decided when it goes on', async () => {
    const { leader } = await cluster.ready()
    const { from, to } = await elsewhere()
    const victim = cluster.nodes.find((node) => node !== leader)!
    victim.pause()
    await endsInOne(await orderSwitch(leader, to, { timeoutMs: 3_000 }), from, to)
    victim.resume()
    await cluster.ready()
    await settled(cluster)
  })

  for (const phase of phases)
    it(`end it in one topology, which the answer names, when the leader is killed as soon as it is ${phase}`, async () => {
      const asked = await withoutVote()
      const { from, to } = await elsewhere()
      dieIn(cluster, phase)
      const ordered = await orderSwitch(asked, to)
      const leader = await cluster.until('the leader has died of it', () => cluster.nodes.find(({ exit }) => exit))
      await endsInOne(ordered, from, to)
      await bringBack(leader)
      await settled(cluster)
    })

  it('have lost no acknowledged message in all this, delivered none twice, and kept the order of each key', async () => {
    await endTraffic(cluster)
    const { acknowledged, lost, twice, outOfOrder } = judgeTraffic(cluster)
    assert.deepEqual({ lost, twice, outOfOrder }, { lost: [], twice: [], outOfOrder: [] })
    assert.ok(acknowledged > 1_000, `only ${acknowledged} messages were acknowledged`)
  })
})
