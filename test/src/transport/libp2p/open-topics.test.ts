import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type GossipSub, gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Message } from '../../../../src/channels/channel.ts'
import { isClusterError } from '../../../../src/errors.ts'
import { createNode } from '../../../../src/node.ts'
import type { TrellisNode } from '../../../../src/node-interface.ts'
import { waitUntil } from '../../../../src/testing/compliance/wait-until.ts'
import { createIdentity } from '../../../../src/transport/identity.ts'
import { libp2p } from '../../../../src/transport/libp2p/libp2p.ts'
import { Libp2pTransport } from '../../../../src/transport/libp2p/libp2p-transport.ts'
import { until } from '../../cli/wait-until.ts'

const secret = 'a secret of the test'
const started: { stop(): Promise<unknown> | unknown }[] = []
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop()
})

async function member(name: string, join: readonly string[], beside: readonly 'tcp'[] = []): Promise<TrellisNode> {
  const topics = ['weather', { topic: 'pictures', channel: 'gossip', format: 'bytes' }] as const
  const transport = libp2p({ listen: ['/ip4/127.0.0.1/tcp/0'], gossipsub: { topics } })
  const node = await createNode({
    name,
    transport: [...beside, transport],
    listen: '127.0.0.1:0',
    join,
    secret,
    voters: 1,
  })
  started.push(node)
  return node
}

/** A stock libp2p program that knows no secret, and what it hears. */
async function outsider(address: string, policy: 'StrictSign' | 'StrictNoSign' = 'StrictSign') {
  const program = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), pubsub: gossipsub({ globalSignaturePolicy: policy }) },
  })
  started.push(program)
  const pubsub = program.services.pubsub as GossipSub
  const heard: { topic: string; data: Buffer }[] = []
  pubsub.addEventListener('message', ({ detail }) =>
    heard.push({ topic: detail.topic, data: Buffer.from(detail.data) }),
  )
  for (const topic of ['weather', 'pictures']) pubsub.subscribe(topic)
  const connection = await program.dial(multiaddr(address))
  return { id: program.peerId.toString(), pubsub, heard, connection, program }
}

function listen(node: TrellisNode): Message[] {
  const heard: Message[] = []
  for (const channel of ['events', 'gossip'] as const)
    node.channel(channel).subscribe('*', (message) => void heard.push(message))
  return heard
}

/** What gossipsub sends: a length, and messages without a signature (libp2p pubsub, RPC fields 2, 2 and 4). */
function frameOf(payloads: readonly string[]): Uint8Array {
  const field = (number: number, bytes: Uint8Array): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2]), prefixed(bytes)])
  const messages = payloads.map((payload) =>
    field(2, Buffer.concat([field(2, Buffer.from(payload)), field(4, Buffer.from('weather'))])),
  )
  return prefixed(Buffer.concat(messages))
}

function prefixed(bytes: Uint8Array): Buffer {
  const length: number[] = []
  let left = bytes.length
  for (; left > 127; left = Math.floor(left / 128)) length.push((left % 128) | 128)
  return Buffer.concat([Buffer.from([...length, left]), bytes])
}

describe('open topics', () => {
  it('are heard and said by members and by stock libp2p programs, once by everybody', async () => {
    const a = await member('a', [])
    const b = await member('b', [a.address])
    const c = await member('c', [a.address])
    await waitUntil(() =>
      [a, b, c].every((node) => node.members().filter(({ state }) => state === 'alive').length === 3),
    )
    const stock = await outsider(a.address)
    const heard = [a, b, c].map(listen)
    await waitUntil(() => stock.pubsub.getSubscribers('weather').length > 0)
    // The first ones go out while meshes are still being made, so they are said until everybody has heard one.
    await until(async () => {
      await b.channel('events').publish('weather', { sky: 'first' })
      return stock.heard.length > 0 && heard.every((messages) => messages.length > 0)
    })
    for (const messages of heard) messages.splice(0)
    stock.heard.splice(0)
    await b.channel('events').publish('weather', { sky: 'blue' })
    await c.channel('gossip').publish('pictures', new Uint8Array([0, 255]))
    await stock.pubsub.publish('weather', Buffer.from('{"sky":"grey"}'))
    await stock.pubsub.publish('pictures', Buffer.from([7]))
    await waitUntil(() => heard.every((messages) => messages.length >= 4) && stock.heard.length >= 2)
    const views = heard.map((messages) =>
      messages
        .filter(({ payload }) => JSON.stringify(payload) !== '{"sky":"first"}')
        .map(({ topic, from, channel, payload }) =>
          JSON.stringify([topic, channel, from, payload instanceof Uint8Array ? [...payload] : payload]),
        )
        .sort(),
    )
    const expected = [
      ['weather', 'events', 'b', { sky: 'blue' }],
      ['weather', 'events', stock.id, { sky: 'grey' }],
      ['pictures', 'gossip', 'c', [0, 255]],
      ['pictures', 'gossip', stock.id, [7]],
    ].map((view) => JSON.stringify(view))
    for (const view of views) assert.deepEqual(view, [...expected].sort())
    assert.deepEqual(
      stock.heard
        .filter(({ data }) => !data.includes('first'))
        .map(({ topic, data }) => `${topic} ${data.toString('hex')}`)
        .sort(),
      [`pictures ${Buffer.from([0, 255]).toString('hex')}`, `weather ${Buffer.from('{"sky":"blue"}').toString('hex')}`],
    )
    // No member, no link, and nothing of what the cluster says among itself.
    assert.equal(a.members().length, 3)
    assert.ok(!a.links().some(({ peer }) => peer === stock.id))
  })

  it('are heard once by members that have another transport, too', async () => {
    const a = await member('a', [], ['tcp'])
    const b = await member('b', a.address.split(',').slice(0, 1), ['tcp'])
    const c = await createNode({
      name: 'c',
      listen: '127.0.0.1:0',
      join: a.address.split(',').slice(0, 1),
      secret,
      voters: 1,
    })
    started.push(c)
    await waitUntil(() =>
      [a, b, c].every((node) => node.members().filter(({ state }) => state === 'alive').length === 3),
    )
    const heard = [a, b, c].map(listen)
    const stock = await outsider(a.address.split(',').at(-1)!)
    let said = 0
    await until(async () => {
      said += 1
      await b.channel('events').publish('weather', { first: said })
      return stock.heard.length > 0 && heard.every((messages) => messages.length > 0)
    })
    for (const from of [a, b, c]) await from.channel('events').publish('weather', { from: from.name })
    const last = (messages: readonly Message[]) => messages.filter(({ payload }) => 'from' in (payload as object))
    await waitUntil(() => heard.every((messages) => last(messages).length >= 3))
    // Whatever was still on its way by another path has come by the time that this has.
    await a.channel('events').publish('weather', { end: 1 })
    await waitUntil(() => heard.every((messages) => messages.some(({ payload }) => 'end' in (payload as object))))
    for (const messages of heard) {
      assert.deepEqual(
        last(messages)
          .map(({ from, payload }) => `${from} ${JSON.stringify(payload)}`)
          .sort(),
        ['a', 'b', 'c'].map((name) => `${name} {"from":"${name}"}`),
      )
      const payloads = messages.map(({ payload }) => JSON.stringify(payload))
      assert.equal(new Set(payloads).size, payloads.length)
    }
    assert.equal(heard[2]!.filter(({ payload }) => 'first' in (payload as object)).length, said)
    assert.ok(stock.heard.some(({ data }) => data.toString() === '{"from":"a"}'))
  })

  it('keep who is no member and speaks gossipsub, and nobody else, longer than a handshake', async () => {
    const gossip = {
      topics: [{ topic: 'weather', channel: 'events', format: 'json' }],
      sign: true,
      maxGuests: 1,
    } as const
    const transport = new Libp2pTransport({ identity: createIdentity(), handshakeTimeoutMs: 1_000, gossip })
    started.push({ stop: () => transport.close() })
    const address = await transport.listen('/ip4/127.0.0.1/tcp/0', () => undefined)
    const guests = [await outsider(address), await outsider(address)]
    const silent = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
    started.push(silent)
    const stranger = await silent.dial(multiaddr(address))
    const open = () => guests.filter(({ connection }) => connection.status === 'open').length
    await waitUntil(() => stranger.status !== 'open' && open() === 1)
    assert.equal(transport.halfOpenConnections, 0)
  })

  it('do not pass on what is not JSON where JSON is said, nor what is not signed', async () => {
    const a = await member('a', [])
    const heard = listen(a)
    const signed = await outsider(a.address)
    const unsigned = await outsider(a.address, 'StrictNoSign')
    await waitUntil(() => signed.pubsub.getSubscribers('weather').length > 0)
    await unsigned.pubsub.publish('weather', Buffer.from('"unsigned"')).catch(() => undefined)
    await signed.pubsub.publish('weather', Buffer.from('no json'))
    await until(async () => {
      await signed.pubsub.publish('weather', Buffer.from('"signed"'))
      return heard.length > 0
    })
    assert.ok(heard.every(({ payload }) => payload === 'signed'))
  })

  it('bound what a frame may hold: one with more is thrown away, a larger one ends its stream', async () => {
    const gossip = {
      topics: [{ topic: 'weather', channel: 'events', format: 'json' }],
      sign: false,
      maxGuests: 1,
    } as const
    const transport = new Libp2pTransport({ identity: createIdentity(), gossip })
    started.push({ stop: () => transport.close() })
    const heard: string[] = []
    transport.openTopics!.onMessage(({ payload }) => void heard.push(Buffer.from(payload).toString()))
    const address = await transport.listen('/ip4/127.0.0.1/tcp/0', () => undefined)
    const { connection, pubsub } = await outsider(address, 'StrictNoSign')
    await waitUntil(() => pubsub.getSubscribers('weather').length > 0)
    const stream = await connection.newStream([...pubsub.protocols])
    stream.send(frameOf(Array.from({ length: 513 }, (_, at) => `{"crowd":${at}}`)))
    stream.send(frameOf(['"alone"']))
    await waitUntil(() => heard.length > 0)
    assert.deepEqual(heard, ['"alone"'])
    stream.send(frameOf([JSON.stringify('x'.repeat(300_000))]))
    stream.send(frameOf(['"behind it"']))
    const other = await outsider(address, 'StrictNoSign')
    await until(async () => {
      await other.pubsub.publish('weather', Buffer.from(`"later ${heard.length}"`)).catch(() => undefined)
      return heard.length > 1
    })
    assert.ok(heard.slice(1).every((one) => one.startsWith('"later')))
  })

  it('are declared in words that can be', () => {
    for (const topics of [
      [],
      ['a.*'],
      ['a', 'a'],
      [{ topic: 'a', channel: 'data' }],
      [{ topic: 'a', format: 'xml' }],
      [''],
    ])
      assert.throws(
        () => libp2p({ gossipsub: { topics: topics as [] } }),
        (error) => isClusterError(error, 'ERR_BAD_OPTIONS'),
      )
    for (const settings of [{ sign: 1 }, { maxGuests: -1 }])
      assert.throws(
        () => libp2p({ gossipsub: { topics: ['a'], ...(settings as object) } }),
        (error) => isClusterError(error, 'ERR_BAD_OPTIONS'),
      )
  })
})
