// What travels while links are let go of, for want of a reason to keep them: each switch of the overlay leaves many
// without one.

import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { ClusterError } from '../../../src/index.ts'
import type { RunningNode } from '../../../src/running-node.ts'
import { createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'

const rounds = ['full-mesh', 'hyparview', 'client-server', 'hyparview'] as const

/** How many questions were answered, and what the others failed with. */
async function ask(cluster: TestCluster, { isOver }: { isOver: () => boolean }): Promise<Record<string, number>> {
  const outcomes: Record<string, number> = {}
  const users = cluster.nodes.map(async (from, index) => {
    for (let turn = 0; !isOver(); turn++) {
      const to = cluster.nodes[(index + 1 + (turn % (cluster.nodes.length - 1))) % cluster.nodes.length]!
      const outcome = await outcomeOf(from, to, turn)
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
      const answered = cluster.now
      await cluster.until('the next question', () => cluster.now - answered >= (turn * 7) % 120)
    }
  })
  await Promise.all(users)
  return outcomes
}

async function outcomeOf(from: TestNode, to: TestNode, turn: number): Promise<string> {
  const options = { timeoutMs: 4_000 }
  const ways = [
    () => from.channel('data').request(to.name, 'question', options),
    () => from.channel('events').send(to.name, 'question', { ...options, ack: true }),
    () => from.singletons.call(`of ${to.name}`, 'question', options),
  ]
  return ways[turn % ways.length]!().then(
    () => 'answered',
    (error: ClusterError) => error.code,
  )
}

it('nothing that is asked while the overlay is switched, again and again, is lost', async () => {
  await using cluster = await createTestCluster(12, { expect: 3, latencyMs: 10 })
  for (const node of cluster.nodes) {
    node.channel('data').onRequest(({ payload }) => payload)
    node.channel('events').onMessage(() => {})
    node.singletons.host(`of ${node.name}`, () => ({ onRequest: (payload) => payload }))
  }
  let isOver = false
  const asking = ask(cluster, { isOver: () => isOver })
  for (const name of [...rounds, ...rounds]) {
    await cluster.nodes[0]!.topology.switch(name)
    const switched = cluster.now
    await cluster.until('links that nobody needs are gone', () => cluster.now - switched > 3_000)
  }
  isOver = true
  const { answered = 0, ...failed } = await asking
  assert.deepEqual(failed, {})
  assert.ok(answered > 1_000, `${answered} were answered`)
})

it('a link is not let go of while something waits for a receiver that is slow', async () => {
  await using cluster = await createTestCluster(8, { expect: 3, node: { topology: 'client-server', voters: 3 } })
  const [from, to] = [cluster.nodes[5]!, cluster.nodes[6]!]
  let came = 0
  to.channel('data').onMessage(async () => {
    came += 1
    const since = cluster.now
    // Longer than links stay that nobody uses.
    await cluster.until('it is done with', () => cluster.now - since > 15_000)
  })
  const large = new Uint8Array(200_000)
  const sent = Array.from({ length: 120 }, () => from.channel('data').send(to.name, large, { timeoutMs: 120_000 }))
  await Promise.all(sent)
  await cluster.until('all have come', () => came === sent.length)
})

/** Two linked members, and what has come to either of them. */
async function pairOf(cluster: TestCluster): Promise<{ one: TestNode; other: TestNode; came: unknown[] }> {
  const [, one, other] = cluster.nodes as [TestNode, TestNode, TestNode]
  const came: unknown[] = []
  for (const node of [one, other]) {
    for (const name of ['data', 'coordination']) node.channel(name).onMessage(({ payload }) => void came.push(payload))
    node.channel('data').onRequest(({ payload }) => payload)
  }
  const lanes = [one.channel('data').request(other.name, ''), other.channel('data').request(one.name, '')]
  await Promise.all(lanes)
  return { one, other, came }
}

function letGo(from: TestNode, of: TestNode): void {
  ;(from as unknown as RunningNode).lifecycle.links.release(of.id)
}

const mesh = { node: { topology: 'full-mesh', voters: 1 }, latencyMs: 20 } as const

it('what whoever lets go of a link sends meanwhile waits for the next one where no relay is known', async () => {
  await using cluster = await createTestCluster(3, mesh)
  const { one, other, came } = await pairOf(cluster)
  // Its lane has no connection any more.
  await cluster.advance(40_000)
  letGo(one, other)
  const answer = one.channel('data').request(other.name, 'question')
  await one.channel('data').send(other.name, 'meanwhile')
  assert.equal((await answer).payload, 'question')
  await cluster.until('it has come', () => came.includes('meanwhile'))
})

it('what is asked at the moment at which the other end lets go of the link is answered', async () => {
  await using cluster = await createTestCluster(3, mesh)
  const { one, other } = await pairOf(cluster)
  letGo(one, other)
  assert.equal((await other.channel('data').request(one.name, 'question')).payload, 'question')
})

it('what waits for the first connection of a lane when the other end lets go of the link goes over the next one', async () => {
  await using cluster = await createTestCluster(3, mesh)
  const { one, other, came } = await pairOf(cluster)
  // Neither lane has a connection any more.
  await cluster.advance(40_000)
  letGo(one, other)
  const answer = other.channel('data').request(one.name, 'question')
  await other.channel('data').send(one.name, 'first', { ack: false, key: 'k' })
  await other.channel('data').send(one.name, 'second', { ack: false, key: 'k' })
  assert.equal((await answer).payload, 'question')
  await cluster.until('both have come', () => came.length === 2)
  assert.deepEqual(came, ['first', 'second'])
})

it('what waits for the first connection of a lane calls for another link where no overlay wants one', async () => {
  const node = { topology: 'client-server', voters: 1 } as const
  await using cluster = await createTestCluster(6, { expect: 3, latencyMs: 20, node })
  const [one, other] = cluster.nodes.slice(4) as [TestNode, TestNode]
  one.channel('events').onMessage(() => {})
  one.channel('data').onRequest(({ payload }) => payload)
  // Too large for a relay: it gets a link.
  await other.channel('events').send(one.name, new Uint8Array(200_000))
  letGo(one, other)
  assert.equal((await other.channel('data').request(one.name, 'question')).payload, 'question')
})

it('what waits for a link to a life that is over is lost with it, and counted', async () => {
  await using cluster = await createTestCluster(3, mesh)
  const { one, other, came } = await pairOf(cluster)
  await cluster.advance(40_000)
  letGo(one, other)
  await other.channel('data').send(one.name, 'for the one before', { ack: false })
  // It has heard that the link was let go of, and there is no other one yet.
  await cluster.advance(25)
  await cluster.kill(one)
  await cluster.restart(one)
  one.channel('data').onMessage(({ payload }) => void came.push(payload))
  await cluster.ready()
  await other.channel('data').send(one.name, 'for this one')
  await cluster.until('it has come', () => came.length > 0)
  assert.deepEqual(came, ['for this one'])
})

/** Sends all the time while one end lets go of the link and both call each other at once; what has not come. */
async function lostOf(name: 'data' | 'coordination', fromMs: number, toMs: number): Promise<string[]> {
  await using cluster = await createTestCluster(3, mesh)
  const { one, other, came } = await pairOf(cluster)
  const sent: string[] = []
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    letGo(to, from)
    const sending: Promise<unknown>[] = []
    for (let at = 20; at < toMs; at += 20) {
      await cluster.advance(20)
      const text = `of ${from.name}, after ${at} ms`
      if (at >= fromMs) sent.push(text)
      sending.push(from.channel(name).send(to.name, text, { ack: false }))
    }
    await Promise.all(sending)
    await cluster.advance(5_000)
  }
  return sent.filter((text) => !came.includes(text))
}

it('what is sent while a link goes and both ends link again at once arrives, whichever link stays', async () => {
  assert.deepEqual(await lostOf('data', 0, 160), [])
})

it('what is sent on the link itself arrives as soon as both ends have found the one that stays', async () => {
  assert.deepEqual(await lostOf('coordination', 300, 1_400), [])
})
