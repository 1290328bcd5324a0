import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { type Client, type ClientEvent, type ClientOptions, connect, type Message } from '../../../src/client/client.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import { createNode } from '../../../src/node.ts'
import type { TrellisNode } from '../../../src/node-interface.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { until } from '../cli/wait-until.ts'
import { openWire, type Wire } from './wire.ts'

const secret = 'a secret of the test'
let [near, far] = [] as unknown as [TrellisNode, TrellisNode]
const clients: Client[] = []
const wires: Wire[] = []

before(async () => {
  near = await createNode({ name: 'near', listen: '127.0.0.1:0', admin: '127.0.0.1:0', secret })
  far = await createNode({ name: 'far', listen: '127.0.0.1:0', join: near.address, secret })
  await waitUntil(() => [near, far].every((node) => node.members().length === 2))
})

after(async () => {
  await far.stop()
  await near.stop()
})

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  for (const wire of wires.splice(0)) wire.close()
})

async function wire(to: string): Promise<Wire> {
  const made = await openWire(to)
  wires.push(made)
  return made
}

function client(url = near.admin!, options: ClientOptions = {}): Client {
  const one = connect(url, options)
  clients.push(one)
  return one
}

const fails = (code: ErrorCode) => (error: Error) => (error as Error & { code?: string }).code === code

describe('a client', () => {
  it('publishes and subscribes, sends and asks, like a member', async () => {
    const one = client()
    await one.ready()
    assert.equal(one.node, 'near')
    const heard: Message[] = []
    one.channel('events').subscribe('orders.*', (message) => void heard.push(message))
    await one.members()
    await far.channel('events').publish('orders.made', { cents: 5 })
    await far.channel('events').publish('orders.bytes', new Uint8Array([1, 2, 255]))
    await waitUntil(() => heard.length === 2)
    assert.deepEqual(
      heard.map(({ topic, from, payload }) => [topic, from, payload]),
      [
        ['orders.made', 'far', { cents: 5 }],
        ['orders.bytes', 'far', new Uint8Array([1, 2, 255])],
      ],
    )
    const atFar: unknown[] = []
    using _published = far.channel('events').subscribe('from.client', ({ payload }) => void atFar.push(payload))
    using _sent = far.channel('data').onMessage(({ payload }) => void atFar.push(payload))
    using _asked = far.channel('data').onRequest(({ payload }) => payload)
    await until(async () => (await one.channel('events').publish('from.client', 1)).reached === 2)
    const receipt = await one.channel('data').send('far', new Uint8Array([7]), { ack: true, key: 'k' })
    assert.deepEqual([receipt.to, receipt.acked], ['far', true])
    assert.deepEqual(await one.channel('data').request('far', { question: 1 }), { question: 1 })
    await waitUntil(() => atFar.length >= 2)
    assert.deepEqual([atFar[0], atFar.at(-1)], [1, new Uint8Array([7])])
  })

  it('calls services and finds them', async () => {
    using _service = far.services.register('billing', { charge: (cents) => ({ charged: cents }) }, { version: '2.0.0' })
    const one = client()
    await until(async () => (await one.services.find({ name: 'billing' })).length === 1)
    assert.deepEqual(await one.services.call('billing', 'charge', 12), { charged: 12 })
    await assert.rejects(one.services.call('no-such', 'x', null, { deadlineMs: 300 }), fails('ERR_UNKNOWN_SERVICE'))
  })

  it('reads, writes and watches config, and watches members', async () => {
    const one = client()
    assert.equal(await one.config.get('limits.rate'), undefined)
    const stop = new AbortController()
    const changes: string[] = []
    const watching = (async () => {
      for await (const event of one.config.watch('limits.', { signal: stop.signal })) changes.push(event.key)
    })()
    const { revision } = await one.config.set('limits.rate', 100)
    assert.equal((await one.config.get('limits.rate'))?.revision, revision)
    await waitUntil(() => changes.length === 1)
    stop.abort()
    await watching
    for await (const members of one.watchMembers()) {
      assert.deepEqual(members.map(({ name }) => name).sort(), ['far', 'near'])
      break
    }
  })

  it('ends a watch of which nothing happens as soon as its reader returns', async () => {
    const words = client().config.watch('quiet.')[Symbol.asyncIterator]()
    const pending = words.next()
    const over = { done: true, value: undefined }
    assert.deepEqual(await words.return?.(), over)
    assert.deepEqual(await pending, over)
  })

  it('is told what is wrong with what it asks', async () => {
    const one = client()
    assert.throws(() => one.channel('nonsense' as 'data'), fails('ERR_UNKNOWN_CHANNEL'))
    await assert.rejects(one.channel('data').send('nobody', 1), fails('ERR_UNKNOWN_MEMBER'))
    await assert.rejects(one.channel('data').publish('a', 1, { nonsense: 1 } as object), fails('ERR_BAD_OPTIONS'))
    await assert.rejects(one.members({ signal: AbortSignal.abort() }), fails('ERR_ABORTED'))
    assert.throws(() => connect('nonsense'), fails('ERR_BAD_OPTIONS'))
    await one.close()
    await assert.rejects(one.members(), fails('ERR_SHUTTING_DOWN'))
  })
})

describe('a session', () => {
  it('goes on over connections that break: nothing is lost, nothing comes twice, both ways', async () => {
    const between = await wire(near.admin!)
    const one = client(between.url)
    const events: ClientEvent['type'][] = []
    one.onEvent(({ type }) => events.push(type))
    const heard: unknown[] = []
    one.channel('events').subscribe('count', ({ payload }) => void heard.push(payload))
    const atFar: unknown[] = []
    using _counted = far.channel('events').subscribe('back', ({ payload }) => void atFar.push(payload))
    await one.members()
    const published: Promise<unknown>[] = []
    for (let number = 0; number < 300; number++) {
      await far.channel('events').publish('count', number, { key: 'one' })
      published.push(one.channel('events').publish('back', number, { key: 'one' }))
      if (number % 60 === 30) between.cut()
    }
    await Promise.all(published)
    await waitUntil(() => heard.length >= 300 && atFar.length >= 300)
    const all = Array.from({ length: 300 }, (_, number) => number)
    assert.deepEqual([heard, atFar], [all, all])
    assert.ok(events.filter((type) => type === 'connected').length >= 2)
    assert.ok(!events.includes('session-lost'))
  })

  it('that the node has lost is told: open calls fail with its code, subscriptions and watches go on', async () => {
    await using short = await createNode({
      name: 'short',
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      secret,
      join: near.address,
    })
    const between = await wire(short.admin!)
    const one = connect([between.url, near.admin!])
    clients.push(one)
    const events: ClientEvent[] = []
    one.onEvent((event) => events.push(event))
    const heard: unknown[] = []
    one.channel('events').subscribe('still', ({ payload }) => void heard.push(payload))
    const stop = new AbortController()
    const changes: unknown[] = []
    const watching = (async () => {
      for await (const event of one.config.watch('kept.', { signal: stop.signal })) changes.push(event)
    })()
    using _slow = far.channel('data').onRequest(() => new Promise<never>(() => {}))
    await one.config.set('kept.a', 1)
    await waitUntil(() => changes.length === 1)
    const asked = one.channel('data').request('far', 1, { timeoutMs: 60_000 })
    asked.catch(() => undefined)
    await one.members()
    between.close()
    await near.config.set('kept.b', 2)
    await assert.rejects(
      asked,
      (error: Error) => fails('ERR_SESSION_LOST')(error) && Reflect.get(error, 'mayHaveHappened'),
    )
    assert.ok(events.some(({ type }) => type === 'session-lost'))
    await waitUntil(() => one.node === 'near' && changes.length === 2)
    await one.members()
    await far.channel('events').publish('still', 'here')
    await waitUntil(() => heard.length === 1)
    stop.abort()
    await watching
  })

  it('holds up its senders while its client is slow, and no longer than it is connected', async () => {
    const one = client()
    const release = Promise.withResolvers<void>()
    let heard = 0
    one.channel('gossip').subscribe('flood', async () => {
      heard += 1
      await release.promise
    })
    await one.members()
    for (let count = 0; count < 50; count++) await near.channel('gossip').publish('flood', count)
    await waitUntil(() => heard === 50)
    release.resolve()
    assert.equal((await one.members()).length >= 2, true)
  })

  it('fails nothing that others have handled when it goes while its senders wait for it', async () => {
    const one = client()
    one.channel('events').subscribe('deep', () => new Promise(() => {}))
    await one.members()
    let heard = 0
    using _other = near.channel('events').subscribe('deep', () => {
      heard += 1
    })
    const text = 'x'.repeat(100_000)
    const sent = Array.from({ length: 100 }, () => far.channel('events').publish('deep', text))
    await waitUntil(() => heard > 84 && near.channel('events').stats().handlers.running > 0)
    await one.close()
    assert.ok((await Promise.all(sent)).every(({ acked }) => acked))
  })
})

describe('who may be a client', () => {
  let guarded: TrellisNode
  const tokens = { read: 'a-token-to-read-with', operate: 'a-token-to-operate-with' }
  before(async () => {
    guarded = await createNode({
      name: 'guarded',
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      adminToken: tokens,
      clientOrigins: ['https://shop.example'],
    })
  })
  after(() => guarded.stop())

  it('shows a token, and may what the role of that token may', async () => {
    const nobody = client(guarded.admin!)
    await assert.rejects(nobody.ready(), fails('ERR_UNAUTHORIZED'))
    const reader = client(guarded.admin!, { token: async () => tokens.read })
    assert.equal((await reader.members()).length, 1)
    await assert.rejects(reader.channel('data').publish('a', 1), fails('ERR_FORBIDDEN'))
    const operator = client(guarded.admin!, { token: tokens.operate })
    await operator.config.set('a', 1)
  })

  it('comes from a page of this node, or of an origin that is allowed', async () => {
    const { WebSocket: Own } = await import('ws')
    const upgrade = (headers: Record<string, string>) =>
      new Promise<number>((resolve) => {
        const socket = new Own(`${guarded.admin!.replace('http', 'ws')}/v1/client`, 'trellis.client.1', { headers })
        socket.on('open', () => {
          socket.terminate()
          resolve(101)
        })
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
        socket.on('error', () => undefined)
      })
    assert.equal(await upgrade({ origin: 'https://shop.example' }), 101)
    assert.equal(await upgrade({ origin: guarded.admin! }), 101)
    assert.equal(await upgrade({ origin: 'https://evil.example' }), 403)
    assert.equal(await upgrade({ host: 'evil.example' }), 403)
  })
})
