import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Broadcasts } from '../../../src/broadcasts/broadcasts.ts'
import type { TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { encodeEnvelope } from '../../../src/wire/envelope.ts'
import type { Link } from '../../../src/wire/link.ts'
import { form } from '../local-nodes.ts'
import { sampleMessages } from '../wire/sample-messages.ts'

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']

/** What each node heard on `gossip`, by name. */
function listen(nodes: readonly TrellisNode[]): Map<string, unknown[]> {
  return new Map(
    nodes.map((node) => {
      const heard: unknown[] = []
      node.channel('gossip').onMessage(({ payload }) => void heard.push(payload))
      return [node.status().node.name, heard]
    }),
  )
}

/** Everybody sends to everybody, over links or relays: three of a key, which come in order, and a request. */
async function everyPairTalks(nodes: readonly TrellisNode[], topology: string): Promise<void> {
  const came = new Map<string, number[]>()
  const handlers = nodes.flatMap((node) => [
    node.channel('data').onMessage(({ from, payload }) => {
      const pair = `${from} ${node.status().node.name}`
      came.set(pair, [...(came.get(pair) ?? []), payload as number])
    }),
    node.channel('data').onRequest(({ payload }) => payload),
  ])
  const talk = async (node: TrellisNode, to: string): Promise<void> => {
    const data = node.channel('data')
    await Promise.all([1, 2, 3].map((count) => data.send(to, count, { ack: true, key: 'k' })))
    assert.equal((await data.request(to, topology)).payload, topology)
  }
  const pairs = nodes.flatMap((node) =>
    names.filter((to) => to !== node.status().node.name).map((to) => [node, to] as const),
  )
  await Promise.all(pairs.map(([node, to]) => talk(node, to)))
  assert.equal(came.size, pairs.length)
  for (const [pair, counts] of came) assert.deepEqual(counts, [1, 2, 3], `${pair} in ${topology}`)
  for (const handler of handlers) handler[Symbol.dispose]()
}

describe('in each topology', () => {
  it('a broadcast that nobody acknowledges reaches all once, along a tree where not all are linked, and every pair talks', async () => {
    const nodes = await form(names)
    const heard = listen(nodes)
    const [first] = nodes as [TrellisNode, ...TrellisNode[]]
    const everyoneHas = (count: number) =>
      waitUntil(() => [...heard].every(([name, own]) => own.length === (name === 'a' ? 0 : count)))
    let sent = 0
    for (const topology of ['full-mesh', 'hyparview', 'client-server'] as const) {
      if (topology !== 'full-mesh') assert.equal((await first.topology.switch(topology)).outcome, 'committed')
      for (let count = 0; count < 5; count++) {
        sent += 1
        const receipt = await first.channel('gossip').broadcast({ sent })
        assert.equal(receipt.members, names.length - 1)
        await everyoneHas(sent)
      }
      await everyPairTalks(nodes, topology)
    }
    for (const own of heard.values()) assert.equal(new Set(own.map((each) => JSON.stringify(each))).size, own.length)
  })
})

describe('the tree', () => {
  const counted: string[] = []
  const delivered: string[] = []
  const treeOf = (isSparse: boolean): Broadcasts => {
    const tree = new Broadcasts({
      self: { id: 'self', generation: 1 },
      overlays: () => ({ isSparse, linkedNeighbors: () => ['a', 'b'] }),
      links: { send: () => false },
      toolbox: {
        clock: { now: () => 0 },
        random: Math.random,
        turn: { enter: (work: () => void) => work() },
        counters: { add: (reason: string) => void counted.push(reason) },
      },
    } as never)
    tree.attach((envelope, from) => void delivered.push(`${envelope.source} by ${from}`))
    tree.overlays()
    return tree
  }
  const hear = (tree: Broadcasts, sequence: number, origin: string, payload: Uint8Array): boolean => {
    const id = { origin, generation: 1, sequence }
    return tree.receive({ peer: { id: 'a' } } as Link, {
      type: 'plumtree',
      message: { type: 'push', id, hops: 1, payload },
    })
  }

  it('is no way in a full mesh, nor for large payloads', () => {
    assert.deepEqual(
      [
        treeOf(false).carries({ bytes: 1 }),
        treeOf(true).carries({ bytes: 1_000_000 }),
        treeOf(true).carries({ bytes: 1 }),
      ],
      [false, false, true],
    )
  })

  it('delivers what is of its origin, and counts what is not, what is garbage and what could not be sent', () => {
    const tree = treeOf(true)
    const sample = sampleMessages.find((message) => message.type === 'envelope')
    assert.ok(sample?.type === 'envelope')
    const payload = encodeEnvelope({ ...sample.envelope, source: 'o' })
    hear(tree, 1, 'o', payload)
    hear(tree, 2, 'somebody else', payload)
    hear(tree, 3, 'o', Uint8Array.of(1, 2, 3))
    tree.close()
    assert.deepEqual(delivered, ['o by a'])
    assert.deepEqual([...new Set(counted)].sort(), ['broadcast-malformed', 'broadcast-no-link', 'broadcast-pushed'])
    assert.equal(tree.receive({ peer: { id: 'a' } } as Link, { type: 'goodbye', reason: 'idle' }), false)
  })
})
