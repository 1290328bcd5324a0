import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, start } from '../local-nodes.ts'
import { addressOf, cluster } from './clusters.ts'

const found = (node: TrellisNode, name: string) =>
  node.services.find(name).map(({ cluster: where, zone, member }) => `${where}/${zone} by ${member}`)

describe('federated clusters', () => {
  it('find and call what the other exports, and nothing else', async () => {
    const [east, e2] = await cluster('east', ['e1', 'e2'], { e1: { listen: '127.0.0.1:0', exports: ['bill*'] } })
    assert.ok(east && e2)
    const [west, w2] = await cluster('west', ['w1', 'w2'], { w1: { gateways: [addressOf(east)], exports: ['mail'] } })
    assert.ok(west && w2)
    let isAborted = false
    e2.services.register(
      'billing',
      {
        charge: (cents, { from }) => ({ cents, from }),
        fail: () => Promise.reject(new Error('no money')),
        wait: (_, { signal }) =>
          new Promise((resolve) =>
            signal.addEventListener('abort', () => {
              isAborted = true
              resolve(null)
            }),
          ),
        async *list() {
          for (let at = 0; at < 200; at++) yield at
        },
      },
      { version: '2.1.0', capabilities: ['eur'] },
    )
    e2.services.register('secrets', {})
    w2.services.register('mail', { send: () => 'sent' })
    await waitUntil(() => found(w2, 'billing').join() === 'east/zone-of-east by w1')
    await waitUntil(() => found(e2, 'mail').join() === 'west/zone-of-west by e1')
    const { services } = w2
    assert.deepEqual(await services.call('billing', 'charge', 5, { version: '^2', capabilities: ['eur'] }), {
      cents: 5,
      from: 'e1',
    })
    assert.equal(await e2.services.call('mail', 'send'), 'sent')
    const items: unknown[] = []
    for await (const item of services.stream('billing', 'list')) items.push(item)
    assert.deepEqual(
      items,
      Array.from({ length: 200 }, (_, at) => at),
    )
    const failed = await failureOf(services.call('billing', 'fail'))
    assert.equal(failed.code, 'ERR_HANDLER_FAILED')
    assert.match(failed.message, /no money/)
    assert.equal((await failureOf(services.call('billing', 'nothing'))).code, 'ERR_NO_HANDLER')
    assert.equal(
      (await failureOf(services.call('billing', 'wait', null, { deadlineMs: 200 }))).code,
      'ERR_DEADLINE_EXCEEDED',
    )
    await waitUntil(() => isAborted)
    assert.deepEqual(found(w2, 'secrets'), [])
    assert.deepEqual(w2.services.find({ name: 'billing', cluster: '' }), [])
    assert.deepEqual(
      [east, e2, west, w2].map((node) => node.members().length),
      [2, 2, 2, 2],
    )
    // Messages cross no clusters: they would reach the gateway, which is not whom they are meant for.
    west.channel('data').onMessage(() => assert.fail('a message for the east came to its gateway'))
    const message = w2.channel('data').send({ service: 'billing' }, 'hello', { ack: true })
    assert.equal((await failureOf(message)).code, 'ERR_UNKNOWN_SERVICE')
    const [foreign] = services.find('billing')
    const removed = await failureOf(services.remove(foreign?.id ?? ''))
    assert.match(removed.message, /is of the cluster 'east', and removed there/)
    assert.equal(found(w2, 'billing').length, 1)
    // What came from the east is not the west's to give back.
    assert.deepEqual(west.federation().exports, ['mail'])
    assert.deepEqual(found(e2, 'billing'), ['/zone-of-east by e2'])
  })

  it('call their own first, and the other only when their own are not well', async () => {
    const [east] = await cluster('east', ['e1'], { e1: { listen: '127.0.0.1:0', exports: ['echo'] } })
    assert.ok(east)
    const [west] = await cluster('west', ['w1'], { w1: { gateways: [addressOf(east)] } })
    assert.ok(west)
    east.services.register('echo', { who: () => 'east' })
    const own = west.services.register('echo', { who: () => 'west' })
    await waitUntil(() => found(west, 'echo').length === 2)
    for (let call = 0; call < 20; call++) assert.equal(await west.services.call('echo', 'who'), 'west')
    assert.equal(await west.services.call('echo', 'who', null, { cluster: 'east' }), 'east')
    own.update({ health: 'critical' })
    assert.equal(await west.services.call('echo', 'who'), 'east')
    own.dispose()
    assert.equal(await west.services.call('echo', 'who'), 'east')
  })

  it('go on by another gateway when one dies', async () => {
    const gateway = { listen: '127.0.0.1:0', exports: ['echo'] }
    const [e1, e2, e3] = await cluster('east', ['e1', 'e2', 'e3'], { e1: gateway, e2: gateway })
    assert.ok(e1 && e2 && e3)
    const gateways = [addressOf(e1), addressOf(e2)]
    const [w1, w2, w3] = await cluster('west', ['w1', 'w2', 'w3'], { w1: { gateways }, w2: { gateways } })
    assert.ok(w1 && w2 && w3)
    e3.services.register('echo', { who: () => 'e3' })
    await waitUntil(() => found(w3, 'echo').length === 2 && w1.federation().links.length === 2)
    const options = { idempotent: true }
    for (const gateway of [e1, w1]) {
      await gateway.stop()
      for (let call = 0; call < 20; call++) assert.equal(await w3.services.call('echo', 'who', null, options), 'e3')
    }
  })

  it('are refused with the same name, with another secret, and in a circle', async () => {
    const [a] = await cluster('same', ['a'], { a: { listen: '127.0.0.1:0', exports: ['*'] } })
    assert.ok(a)
    const [b] = await cluster('same', ['b'], { b: { gateways: [addressOf(a)], exports: ['*'] } })
    const [c] = await cluster('other', ['c'], {
      c: { gateways: [addressOf(a)], exports: ['*'], secret: 'quite another secret', listen: '127.0.0.1:0' },
    })
    const [d] = await cluster('third', ['d'], {
      d: { gateways: [addressOf(a)], exports: ['*'], listen: '127.0.0.1:0' },
    })
    assert.ok(b && c && d)
    const [e] = await cluster('fourth', ['e'], { e: { gateways: [addressOf(d)], exports: ['*'] } })
    assert.ok(e)
    a.services.register('echo', { who: () => 'a' })
    await waitUntil(() => found(d, 'echo').length === 1)
    await waitUntil(() => e.federation().links.length === 1)
    for (const node of [b, c, e]) assert.deepEqual(found(node, 'echo'), [])
    const problem = await failureOf(start({ federation: { secret: 'short' } }))
    assert.equal(problem.code, 'ERR_BAD_OPTIONS')
  })
})
