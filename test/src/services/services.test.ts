import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TrellisNode } from '../../../src/index.ts'
import type { ServiceChange } from '../../../src/services/service-interface.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

const names = (node: TrellisNode, query?: string): string[] =>
  node.services
    .find(query)
    .map(({ name, member }) => `${name}@${member}`)
    .sort()

describe('services', () => {
  it('are found by every member, and gone when they are disposed', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    const billing = a.services.register(
      'billing',
      { charge: () => null },
      { version: '2.1.0', capabilities: ['eur', 'usd'] },
    )
    b.services.register('billing', { charge: () => null }, { version: '1.9.0', capabilities: ['eur'] })
    for (const node of [a, b, c]) await waitUntil(() => names(node).join() === 'billing@a,billing@b')
    const of = (query: object) => c.services.find(query).map(({ member }) => member)
    assert.deepEqual(of({ name: 'billing', version: '^2.0.0' }), ['a'])
    assert.deepEqual(of({ capabilities: ['usd', 'eur'] }), ['a'])
    assert.deepEqual(of({ name: 'billing', capabilities: ['gbp'] }), [])
    assert.equal(c.services.find('billing').find(({ member }) => member === 'a')?.id, billing.id)
    billing.update({ version: '3.0.0' })
    await waitUntil(() => of({ version: '>=3' }).join() === 'a')
    billing.dispose()
    for (const node of [a, b, c]) await waitUntil(() => names(node).join() === 'billing@b')
  })

  it('are called wherever they run, with what was said and what was answered', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    const charge = (argument: unknown, { from }: { from: string }) => ({ charged: argument, from })
    a.services.register('billing', { charge, nothing: () => undefined })
    await b.services.waitFor('billing')
    assert.deepEqual(await b.services.call('billing', 'charge', { cents: 500 }), { charged: { cents: 500 }, from: 'b' })
    assert.deepEqual(await a.services.call('billing', 'charge', 1), { charged: 1, from: 'a' })
    assert.equal(await b.services.call('billing', 'nothing'), null)
    assert.equal((await failureOf(b.services.call('billing', 'refund'))).code, 'ERR_NO_HANDLER')
    assert.equal((await failureOf(b.services.call('shipping', 'send'))).code, 'ERR_UNKNOWN_SERVICE')
    const elsewhere = { zone: 'elsewhere' }
    assert.equal((await failureOf(b.services.call('billing', 'charge', 1, elsewhere))).code, 'ERR_UNKNOWN_SERVICE')
    a.services.register('slow', { never: () => new Promise(() => {}) }, { zone: 'elsewhere' })
    await b.services.waitFor('slow')
    const late = await failureOf(b.services.call('slow', 'never', null, { ...elsewhere, timeoutMs: 50 }))
    assert.deepEqual([late.code, late.mayHaveHappened], ['ERR_TIMEOUT', true])
  })

  it("of a member that is gone are nobody's, and another one is called at once", async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    for (const node of [a, b]) node.services.register('echo', { who: () => node.name })
    await waitUntil(() => c.services.find('echo').length === 2)
    await a.stop()
    for (let call = 0; call < 20; call++) assert.equal(await c.services.call('echo', 'who'), 'b')
    await waitUntil(() => names(c).join() === 'echo@b')
  })

  it('carry the deadline and the giving up of the caller across hops', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    let left = 0
    let isAborted = false
    a.services.register('deep', {
      slow: (_, { signal, deadlineMs }) => {
        left = deadlineMs
        signal.addEventListener('abort', () => {
          isAborted = true
        })
        return new Promise((resolve) => signal.addEventListener('abort', resolve))
      },
    })
    b.services.register('shallow', { ask: () => b.services.call('deep', 'slow', null, { deadlineMs: 60_000 }) })
    await waitUntil(() => a.services.find().length === 2 && b.services.find().length === 2)
    const late = await failureOf(a.services.call('shallow', 'ask', null, { deadlineMs: 300 }))
    assert.equal(late.code, 'ERR_DEADLINE_EXCEEDED')
    assert.equal(late.mayHaveHappened, true)
    assert.ok(left > 0 && left <= 300, String(left))
    await waitUntil(() => isAborted)

    isAborted = false
    const abort = new AbortController()
    const calling = failureOf(b.services.call('deep', 'slow', null, { signal: abort.signal }))
    setImmediate(() => abort.abort())
    assert.equal((await calling).code, 'ERR_ABORTED')
    await waitUntil(() => isAborted)
  })

  it('refuse what is above their concurrency, and what fails in a handler is told as it is', async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    let release = (): void => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    a.services.register('one', { wait: () => held, fail: () => Promise.reject(new Error('no')) }, { concurrency: 1 })
    const first = a.services.call('one', 'wait')
    assert.equal((await failureOf(a.services.call('one', 'wait'))).code, 'ERR_BUFFER_FULL')
    release()
    await first
    const failed = await failureOf(a.services.call('one', 'fail'))
    assert.equal(failed.code, 'ERR_HANDLER_FAILED')
    assert.deepEqual(failed.details, { member: 'a', subject: 'one.fail', reason: 'no' })
  })

  it('say of an answer that is too large that it was the handler, which has run', async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    let runs = 0
    const fat = 'x'.repeat(2_000_000)
    const make = (): string => {
      runs += 1
      return fat
    }
    a.services.register('fat', {
      make,
      async *items() {
        yield make()
      },
    })
    const failed = await failureOf(a.services.call('fat', 'make'))
    assert.deepEqual([failed.code, failed.mayHaveHappened, runs], ['ERR_HANDLER_FAILED', true, 1])
    assert.match(failed.message, /its answer is too large: .* 1048576 are allowed/)
    const stream = (async () => {
      for await (const _ of a.services.stream('fat', 'items')) assert.fail('nothing can come')
    })()
    const cut = await failureOf(stream)
    assert.deepEqual([cut.code, cut.mayHaveHappened, runs], ['ERR_HANDLER_FAILED', true, 2])
    const asked = await failureOf(a.services.call('fat', 'make', fat))
    assert.deepEqual([asked.code, asked.mayHaveHappened, runs], ['ERR_PAYLOAD_TOO_LARGE', false, 2])
  })

  it('are degraded while what they depend on is missing, and their dependants are known', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    a.services.register('shop', {}, { dependsOn: ['billing'] })
    b.services.register('page', {}, { dependsOn: ['shop'] })
    await waitUntil(() => b.services.find('shop')[0]?.health === 'degraded')
    const ledger = b.services.register('billing', {})
    await waitUntil(() => b.services.find('shop')[0]?.health === 'passing')
    assert.deepEqual(a.services.impact('billing').dependants, [
      { name: 'shop', through: [], instances: 1 },
      { name: 'page', through: ['shop'], instances: 1 },
    ])
    ledger.update({ health: 'critical' })
    await waitUntil(() => b.services.find('shop')[0]?.health === 'degraded')
  })

  it('depend on what their own namespace has, or none', async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    const { services } = a
    const healthOf = (name: string) => services.find({ name, namespace: '*' })[0]?.health
    services.register('shop', {}, { namespace: 'test', dependsOn: ['ledger', 'clock'] })
    services.register('ledger', {}, { namespace: 'other' })
    services.register('clock', {})
    assert.equal(healthOf('shop'), 'degraded')
    services.register('ledger', {}, { namespace: 'test' })
    await waitUntil(() => healthOf('shop') === 'passing')
    const impact = (name: string) => services.impact(name).dependants.map((each) => each.name)
    assert.deepEqual([impact('ledger'), impact('clock')], [['shop'], ['shop']])
  })

  it('are called in turn, whatever others are asked for in between', async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    for (const version of ['1.0.0', '1.1.0', '2.0.0', '2.1.0'])
      a.services.register('w', { who: () => version }, { version })
    const seen = new Map<unknown, number>()
    for (let call = 0; call < 20; call++)
      for (const version of ['^1', '^2']) {
        const who = await a.services.call('w', 'who', null, { strategy: 'round-robin', version })
        seen.set(who, (seen.get(who) ?? 0) + 1)
      }
    assert.deepEqual([...seen.values()], [10, 10, 10, 10])
  })

  it('are recipients of messages and requests on every channel', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    assert.ok(a && b && c)
    for (const node of [a, b]) {
      node.services.register('audit', {})
      node.channel('events').onRequest(() => node.name)
    }
    await waitUntil(() => c.services.find('audit').length === 2)
    const events = c.channel('events')
    const ask = async (key: string) => (await events.request({ service: 'audit', key }, null)).payload
    assert.equal(await ask('k1'), await ask('k1'))
    const asked = await Promise.all(Array.from({ length: 20 }, (_, at) => ask(`key-${at}`)))
    assert.deepEqual([...new Set(asked)].sort(), ['a', 'b'])
    assert.equal((await failureOf(events.send({ service: 'nothing' }, null))).code, 'ERR_UNKNOWN_SERVICE')
  })

  it('can be watched, each change once', async () => {
    const [a, b] = await form(['a', 'b'])
    assert.ok(a && b)
    const seen: string[] = []
    const abort = new AbortController()
    const watching = (async () => {
      for await (const change of b.services.watch('cache', { signal: abort.signal })) seen.push(text(change))
    })()
    const cache = a.services.register('cache', {})
    a.services.register('other', {})
    await waitUntil(() => seen.length === 1)
    cache.update({ metadata: { size: '1' } })
    await waitUntil(() => seen.length === 2)
    cache.dispose()
    await waitUntil(() => seen.length === 3)
    abort.abort()
    await watching
    assert.deepEqual(seen, ['added cache@a', 'changed cache@a', 'removed cache@a'])
  })

  it('are watched from the call on, not from the first read', { timeout: 10_000 }, async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    const changes = a.services.watch('late')[Symbol.asyncIterator]()
    a.services.register('late', {})
    assert.equal(text((await changes.next()).value), 'added late@a')
    await changes.return?.()
  })

  it('say what is wrong with them, all at once', async () => {
    const [a] = await form(['a'])
    assert.ok(a)
    const wrong = { version: 'two', weight: -1, capabilities: ['a b'], address: 'nowhere' }
    const { services } = a
    assert.throws(() => services.register('a name', {}, wrong), /name .*version .*capabilities .*weight .*address/s)
    for (const handlers of [{ go: 'there' }, [() => 1], [], null])
      assert.throws(() => services.register('x', handlers as never), /must be functions by method/)
    assert.throws(() => services.register('x', {}, { metadata: { big: 'x'.repeat(5_000) } }), /4096 bytes/)
    assert.throws(() => services.find({ version: '^^' }), /range/)
    assert.throws(() => services.find({ capabilities: [1] as never }), /capabilities must be a list of texts/)
    assert.equal((await failureOf(services.waitFor('nothing', { timeoutMs: 1 }))).code, 'ERR_TIMEOUT')
  })

  it('change nothing of what they say of themselves when a change cannot be', async () => {
    const [node] = await form(['a'])
    const { services } = node!
    const registration = services.register('billing', {}, { version: '1.0.0' })
    const wrong: [unknown, number][] = [
      [null, 1],
      ['2.0.0', 1],
      [[], 1],
      [{ concurrency: 5 }, 1],
      [{ name: 'shipping', cluster: 'other' }, 2],
      [{ version: '2.0.0', weight: -1, foo: 1 }, 2],
    ]
    for (const [changes, count] of wrong) {
      const { code, details } = await failureOf((async () => registration.update(changes as never))())
      assert.deepEqual([code, 'problems' in details && details.problems.length], ['ERR_BAD_OPTIONS', count])
    }
    assert.deepEqual(
      services.find().map(({ name, version, weight }) => [name, version, weight]),
      [['billing', '1.0.0', 100]],
    )
  })
})

const text = ({ type, instance }: ServiceChange): string => `${type} ${instance.name}@${instance.member}`
