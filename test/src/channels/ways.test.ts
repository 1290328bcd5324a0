// What is to be acknowledged by a member without a link leaves as soon as there is a way to it, whenever that is.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RunningNode } from '../../../src/running-node.ts'
import { createTestCluster, type TestCluster, type TestNode } from '../../../src/testing/index.ts'

/** Two members without a link to each other. */
async function unlinked(cluster: TestCluster): Promise<[TestNode, TestNode]> {
  const isLinked = (one: TestNode, other: TestNode) =>
    one.links().some(({ peer }) => peer === other.name) || other.links().some(({ peer }) => peer === one.name)
  return cluster.until('two members have no link', () => {
    for (const one of cluster.nodes)
      for (const other of cluster.nodes) if (one !== other && !isLinked(one, other)) return [one, other]
    return undefined
  })
}

const counting = (node: TestNode): unknown[] => {
  const came: unknown[] = []
  node.channel('data').onMessage(({ payload }) => void came.push(payload))
  return came
}

describe('a message for a member without a link, to be acknowledged', () => {
  it('gets a link where no relay is known', async () => {
    const overlayOptions = { hyparview: { activeSize: 2, drainMs: 0, maxRoutedMembers: 0 } }
    await using cluster = await createTestCluster(6, { node: { topology: 'hyparview', voters: 1, overlayOptions } })
    const [from, to] = await unlinked(cluster)
    const came = counting(to)
    assert.ok((await from.channel('data').send(to.name, 'found', { ack: true, timeoutMs: 5_000 })).acked)
    assert.deepEqual(came, ['found'])
  })

  it('is kept while there is no way, and leaves over the first relay there is', async () => {
    const roles = (name: string) => (name === 'node-1' ? ['server'] : ['client'])
    const node = (name: string) => ({ topology: 'client-server', voters: 1, roles: roles(name) })
    await using cluster = await createTestCluster(4, { node })
    const [from, to] = await unlinked(cluster)
    const others = cluster.nodes.filter((other) => other !== from)
    const came = counting(to)
    await cluster.partition([from], others)
    await cluster.breakConnections()
    await cluster.until('it has no link', () => from.links().length === 0)
    const receipt = from.channel('data').send(to.name, 'late', { ack: true, timeoutMs: 10_000 })
    await cluster.advance(100)
    await cluster.partition([from], [to])
    assert.ok((await receipt).acked)
    assert.deepEqual(came, ['late'])
  })

  it('leaves over a relay that was found while the link was being let go of', async () => {
    const roles = (name: string) => (name === 'node-1' ? ['server'] : ['client'])
    const node = (name: string) => ({ topology: 'full-mesh', voters: 1, roles: roles(name) })
    await using cluster = await createTestCluster(4, { node, latencyMs: 20 })
    const clients = cluster.nodes.slice(1)
    const receipts: Promise<unknown>[] = []
    let isOver = false
    const send = (from: TestNode, to: string) =>
      receipts.push(from.channel('data').send(to, 'x', { ack: true, timeoutMs: 5_000 }))
    for (const client of clients) {
      counting(client)
      const { links } = (client as unknown as RunningNode).lifecycle
      const release = links.release.bind(links)
      links.release = (peer) => {
        release(peer)
        if (!isOver) send(client, peer)
      }
    }
    await cluster.nodes[0]!.topology.switch('client-server')
    await cluster.until('clients have lost their links', () => clients.every((client) => client.links().length === 1))
    await cluster.advance(1_000)
    for (const from of clients) for (const to of clients) if (from !== to) send(from, to.name)
    assert.ok(receipts.length > 6)
    await Promise.all(receipts)
    isOver = true
  })
})
