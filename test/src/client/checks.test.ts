// What programs may hand in by mistake: refused at once, as a ClusterError that names all of it, before anything is
// begun.

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Client, ClusterError, connect } from '../../../src/client/client.ts'
import { createNode } from '../../../src/node.ts'
import type { TrellisNode } from '../../../src/node-interface.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

/** Nobody listens there: whatever is refused is refused by the client itself. */
const nowhere = 'http://127.0.0.1:1'
// biome-ignore lint/suspicious/noExplicitAny: mistakes are made without types.
type Anything = any

const problems = (...expected: readonly RegExp[]) => {
  return (error: unknown) => {
    assert.ok(error instanceof ClusterError, String(error))
    assert.equal(error.code, 'ERR_BAD_OPTIONS')
    const found = (error.details as { readonly problems: readonly string[] }).problems
    assert.equal(found.length, expected.length, found.join('; '))
    for (const [index, text] of expected.entries()) assert.match(found[index]!, text)
    return true
  }
}

const refusesTo = (urls: Anything, options: Anything, ...expected: readonly RegExp[]): void =>
  assert.throws(() => connect(urls, options), problems(...expected))

describe('connect', () => {
  it('takes addresses that a WebSocket can be made to, and says how one is written', () => {
    refusesTo('localhost:7501', {}, /'localhost:7501'.*'http:\/\/localhost:7501'/)
    refusesTo('127.0.0.1:7501', {}, /'127.0.0.1:7501'.*'http:\/\/127.0.0.1:7501'/)
    for (const url of ['ftp://x', 'file:///x', 'mailto:x', 'nonsense', '']) refusesTo(url, {}, /http:\/\//)
    refusesTo([nowhere, 'ftp://x', 5], {}, /'ftp:\/\/x'/, /text, not number/)
    refusesTo([], {}, /1 to 64 URLs/)
    refusesTo(null, {}, /text, not null/)
  })

  it('takes options that can be, and tells all problems at once', () => {
    refusesTo(nowhere, { timeoutMs: Number.NaN, foo: 1, token: 5 }, /timeoutMs.*NaN/, /'foo'/, /token/)
    for (const timeoutMs of [-5, 0, 3_600_001, Number.POSITIVE_INFINITY, '5'])
      refusesTo(nowhere, { timeoutMs }, /timeoutMs/)
    refusesTo('ftp://x', { WebSocket: 5, tokn: 'a' }, /ftp/, /WebSocket/, /'tokn', did you mean 'token'/)
    refusesTo(nowhere, null, /object/)
    refusesTo(nowhere, 7, /object/)
  })

  it('says so when no WebSocket can be made, and goes on trying', async () => {
    let attempts = 0
    class Broken {
      constructor() {
        attempts += 1
        throw new DOMException('not from this page', 'SecurityError')
      }
    }
    await using client = connect(nowhere, { WebSocket: Broken as Anything })
    await assert.rejects(client.ready(), { code: 'ERR_UNREACHABLE', details: { url: 'ws://127.0.0.1:1/v1/client' } })
    await waitUntil(() => attempts >= 2)
  })
})

describe('a call of a client', () => {
  let client: Anything
  before(() => (client = connect(nowhere)))
  after(() => (client as Client).close())

  it('takes a time that can be, a signal, and no other options', async () => {
    const calls: Readonly<Record<string, (options: Anything) => Promise<unknown>>> = {
      ready: (options) => client.ready(options),
      members: (options) => client.members(options),
      get: (options) => client.config.get('k', options),
      set: (options) => client.config.set('k', 1, options),
      find: (options) => client.services.find({}, options),
      call: (options) => client.services.call('s', 'm', 1, options),
      publish: (options) => client.channel('data').publish('a', 1, options),
      send: (options) => client.channel('data').send('a', 1, options),
      request: (options) => client.channel('data').request('a', 1, options),
    }
    for (const [name, call] of Object.entries(calls)) {
      const wrong = { timeoutMs: Number.NaN, foo: 1, signal: {} }
      await assert.rejects(call(wrong), problems(/timeoutMs.*NaN/, /'foo'/, /signal/), name)
      await assert.rejects(call({ timeoutMs: -1 }), problems(/timeoutMs/), name)
      await assert.rejects(call(null), problems(/object/), name)
    }
    await assert.rejects(client.config.get('k', { stale: 1 }), problems(/stale/))
    await assert.rejects(
      client.services.call('s', 'm', 1, { strategy: 'any', deadlineMs: 0 }),
      problems(/strat/, /dead/),
    )
    await assert.rejects(client.channel('data').send('a', 1, { ack: 1, key: '' }), problems(/ack/, /key/))
    await assert.rejects(client.services.find({ nam: 1 }), problems(/'nam', did you mean 'name'/))
  })

  it('takes names that are texts, and values that can be said', async () => {
    await assert.rejects(client.config.get(5), problems(/key/))
    await assert.rejects(client.config.set(undefined, 1), problems(/key/))
    await assert.rejects(client.config.set('k', undefined), problems(/value/))
    await assert.rejects(client.services.call(5, 'm'), problems(/service/))
    await assert.rejects(client.services.call('s'), problems(/method/))
    await assert.rejects(client.channel('data').publish(undefined, 1), problems(/topic/))
    await assert.rejects(client.channel('data').send(undefined, 1), problems(/member/))
    await assert.rejects(client.channel('data').send({}, 1), problems(/service is missing/))
    await assert.rejects(client.channel('data').request(5, 1), problems(/member/))
    await assert.rejects(client.channel('data').send('a', undefined), problems(/payload/))
    await assert.rejects(client.channel('data').publish('a..b', 1), { code: 'ERR_BAD_REQUEST' })
    await assert.rejects(
      client.channel('data').publish('a..b', undefined, { foo: 1 }),
      problems(/a topic is words/, /payload/, /'foo'/),
    )
  })

  it('begins no stream that cannot be', () => {
    assert.throws(() => client.channel('zz'), { code: 'ERR_UNKNOWN_CHANNEL' })
    assert.throws(() => client.channel(5), problems(/channel/))
    assert.throws(() => client.channel('events').subscribe('a'), problems(/handler.*function/))
    assert.throws(() => client.channel('events').subscribe(5, () => {}), problems(/pattern/))
    assert.throws(() => client.channel('events').subscribe('a..b', () => {}), { code: 'ERR_BAD_REQUEST' })
    assert.throws(() => client.config.watch('', { from: Number.NaN, fom: 1 }), problems(/from.*NaN/, /'fom'/))
    assert.throws(() => client.config.watch(5), problems(/prefix/))
    assert.throws(() => client.watchMembers({ signal: 5 }), problems(/signal/))
    assert.throws(() => client.onEvent(), problems(/listener.*function/))
  })
})

describe('a call with the longest of times', () => {
  let node: TrellisNode
  before(async () => {
    node = await createNode({ name: 'a', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
    node.services.register('echo', { say: (said) => said })
  })
  after(() => node.stop())

  it('waits, and no timer is made that cannot be', async () => {
    const warnings: Error[] = []
    const warned = (warning: Error): void => void warnings.push(warning)
    process.on('warning', warned)
    await using client = connect(node.admin!)
    for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 40]) {
      await client.ready({ timeoutMs })
      assert.equal((await client.members({ timeoutMs })).length, 1)
      await client.channel('data').publish('a', 1, { timeoutMs, deadlineMs: timeoutMs })
      assert.equal(await client.services.call('echo', 'say', 1, { timeoutMs }), 1)
    }
    await new Promise(setImmediate)
    process.off('warning', warned)
    assert.deepEqual(warnings, [])
  })

  it('says more at once than a node takes: that is refused, and the session goes on', async () => {
    await using client = connect(node.admin!)
    const tooMuch = client.channel('data').publish('a', 'é'.repeat(1_100_000))
    await assert.rejects(tooMuch, { code: 'ERR_PAYLOAD_TOO_LARGE', mayHaveHappened: false })
    assert.equal((await client.members()).length, 1)
  })
})
