import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { JsonValue } from '../../../src/channels/payload.ts'
import { createNode } from '../../../src/node.ts'
import type { TrellisNode } from '../../../src/node-interface.ts'
import type { NodeOptions } from '../../../src/options.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { libp2p } from '../../../src/transport/libp2p/libp2p.ts'
import { inWords, listenAddresses, tcpProvider } from '../../../src/transport/provider.ts'
import { temporaryDirectory } from '../cli/run-process.ts'

const nodes: TrellisNode[] = []
afterEach(async () => {
  for (const node of nodes.splice(0).reverse()) await node.stop()
})

async function start(options: NodeOptions): Promise<TrellisNode> {
  const node = await createNode({ listen: '127.0.0.1:0', secret: 'a secret of the test', ...options })
  nodes.push(node)
  return node
}

const everybody = (names: readonly string[]) => (node: TrellisNode) =>
  node
    .members()
    .filter(({ state }) => state === 'alive')
    .map(({ name }) => name)
    .sort()
    .join() === names.join()

describe('a cluster of nodes with different transports', () => {
  it('is one: a tcp member and a libp2p member are members alike, and talk through those that have both', async () => {
    const both = await start({ name: 'both', transport: ['tcp', libp2p()], voters: 1 })
    const [byTcp, byLibp2p] = both.address.split(',') as [string, string]
    assert.match(both.address, /^127\.0\.0\.1:\d+,\/ip4\/127\.0\.0\.1\/tcp\/\d+$/)
    const tcp = await start({ name: 'tcp', join: byTcp, voters: 1 })
    const other = await start({
      name: 'libp2p',
      transport: libp2p({ listen: ['/ip4/127.0.0.1/tcp/0'] }),
      join: byLibp2p,
      voters: 1,
    })
    await waitUntil(() => [both, tcp, other].every(everybody(['both', 'libp2p', 'tcp'])))
    other.channel('data').onRequest(({ payload }) => ({ heard: payload as JsonValue }))
    tcp.channel('data').onRequest(({ payload }) => ({ heard: payload as JsonValue }))
    assert.deepEqual((await tcp.channel('data').request('libp2p', 1)).payload, { heard: 1 })
    assert.deepEqual((await other.channel('data').request('tcp', 2)).payload, { heard: 2 })
    const large = new Uint8Array(300_000).map((_, at) => at % 251)
    for (const [from, to] of [
      [tcp, other],
      [other, tcp],
    ] as const) {
      let heard: unknown
      using _ = to.channel('events').onMessage(({ payload }) => {
        heard = payload
      })
      await from.channel('events').send(to.name, large, { ack: true })
      assert.deepEqual(heard, large)
    }
    await tcp.config.set('seen.by', 'tcp')
    assert.equal((await other.config.get('seen.by'))?.value, 'tcp')
  })

  it('links two that have several in common by the one that the dialler prefers', async () => {
    const first = await start({ name: 'first', transport: ['tcp', libp2p()] })
    const second = await start({ name: 'second', transport: [libp2p(), 'tcp'], join: first.address.split(',') })
    await waitUntil(() => [first, second].every(everybody(['first', 'second'])))
    assert.match(second.address, /^\/ip4\/127\.0\.0\.1\/tcp\/\d+,127\.0\.0\.1:\d+$/)
  })

  it('finds a libp2p member that has come back at another address: it is the same by its key', async () => {
    using directory = temporaryDirectory()
    const stay = await start({ name: 'stay', transport: 'libp2p', voters: 1 })
    const move = () =>
      start({ name: 'move', transport: 'libp2p', join: stay.address, voters: 1, dataDir: directory.path })
    const before = await move()
    await waitUntil(() => everybody(['move', 'stay'])(stay))
    await before.stop()
    const after = await move()
    assert.equal(after.id, before.id)
    assert.notEqual(after.address, before.address)
    const known = () => stay.members().filter(({ id }) => id === after.id)
    await waitUntil(() => known().some(({ address, state }) => address === after.address && state === 'alive'))
    assert.equal(known().length, 1)
    after.channel('data').onRequest(({ payload }) => payload)
    assert.equal((await stay.channel('data').request('move', 'found')).payload, 'found')
    // Before its directory goes.
    await after.stop()
  })
})

describe('addresses of several transports', () => {
  const both = [tcpProvider, libp2p()]

  it('are put into the words of the transport that has no other', () => {
    assert.equal(inWords([libp2p()], '127.0.0.1:1, [::1]:2,db:3'), '/ip4/127.0.0.1/tcp/1,/ip6/::1/tcp/2,/dns/db/tcp/3')
    assert.equal(inWords(both, '127.0.0.1:1,/ip4/1.2.3.4/tcp/2'), '127.0.0.1:1,/ip4/1.2.3.4/tcp/2')
  })

  it('are shared out among them; one that nothing is said of takes a free port of the same host', () => {
    assert.deepEqual(listenAddresses(both, '10.0.0.1:7'), ['10.0.0.1:7', '/ip4/10.0.0.1/tcp/0'])
    assert.deepEqual(listenAddresses(both, '10.0.0.1:7,/ip4/10.0.0.1/tcp/8/ws'), [
      '10.0.0.1:7',
      '/ip4/10.0.0.1/tcp/8/ws',
    ])
    assert.deepEqual(listenAddresses([libp2p()], '10.0.0.1:7'), ['/ip4/10.0.0.1/tcp/7'])
    assert.deepEqual(listenAddresses([libp2p({ listen: ['/ip4/1.2.3.4/tcp/5'] })], '10.0.0.1:7'), [
      '/ip4/1.2.3.4/tcp/5',
    ])
  })
})
