// What became of a call that did not end well: whether it may have happened is what its caller decides by.

import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import { type Client, ClusterError, connect } from '../../../src/client/client.ts'
import type { ErrorCode } from '../../../src/errors.ts'
import { createNode } from '../../../src/node.ts'
import type { TrellisNode } from '../../../src/node-interface.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { openWire, type Wire } from './wire.ts'

let node: TrellisNode
let ran = 0
const clients: Client[] = []
const wires: Wire[] = []
/** Nobody listens there. */
const nowhere = 'http://127.0.0.1:1'

before(async () => {
  node = await createNode({ name: 'a', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
  await node.ready()
  const run = (): Promise<never> => {
    ran += 1
    return new Promise(() => {})
  }
  node.services.register('slow', { run, once: () => (ran += 1) })
  node.channel('data').onRequest(run)
  node.channel('data').onMessage(() => {
    ran += 1
  })
})

after(() => node.stop())

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  for (const wire of wires.splice(0)) wire.close()
  ran = 0
})

function client(url: string): Client {
  const one = connect(url)
  clients.push(one)
  return one
}

async function openWireToNode(): Promise<Wire> {
  const wire = await openWire(node.admin!)
  wires.push(wire)
  return wire
}

const fails = (code: ErrorCode, mayHaveHappened: boolean) => (error: unknown) => {
  assert.ok(error instanceof ClusterError, String(error))
  assert.deepEqual([error.code, error.mayHaveHappened], [code, mayHaveHappened], error.message)
  return true
}

describe('a call whose signal has aborted before', () => {
  it('is not begun, connected or not', async () => {
    const [here, away] = [client(node.admin!), client(nowhere)]
    await here.ready()
    const signal = AbortSignal.abort()
    for (const one of [here, away]) {
      const calls = [
        () => one.config.set('never', 1, { signal }),
        () => one.config.get('never', { signal }),
        () => one.services.call('slow', 'run', 1, { signal }),
        () => one.services.find({}, { signal }),
        () => one.channel('data').send('a', 1, { signal }),
        () => one.channel('data').request('a', 1, { signal }),
        () => one.channel('data').publish('a', 1, { signal }),
        () => one.members({ signal }),
        () => one.ready({ signal }),
      ]
      for (const call of calls) await assert.rejects(call(), fails('ERR_ABORTED', false))
    }
    // What had been sent before is done by now.
    await here.members()
    assert.equal(await node.config.get('never'), undefined)
    assert.equal(ran, 0)
  })

  it('opens no stream', async () => {
    const one = client(node.admin!)
    const signal = AbortSignal.abort()
    for await (const _ of one.config.watch('', { signal, from: 1 })) assert.fail()
    for await (const _ of one.watchMembers({ signal })) assert.fail()
  })
})

describe('a call under way when its client is closed', () => {
  it('may have happened when it was sent', async () => {
    const one = client(node.admin!)
    const called = assert.rejects(one.services.call('slow', 'run'), fails('ERR_SHUTTING_DOWN', true))
    const asked = assert.rejects(one.channel('data').request('a', 1), fails('ERR_SHUTTING_DOWN', true))
    await waitUntil(() => ran === 2)
    const read = assert.rejects(one.config.get('k'), fails('ERR_SHUTTING_DOWN', false))
    await one.close()
    await Promise.all([called, asked, read])
  })

  it('has not happened when there was no connection to send it on', async () => {
    const one = client(nowhere)
    const ready = assert.rejects(one.ready(), fails('ERR_SHUTTING_DOWN', false))
    const called = assert.rejects(one.services.call('slow', 'run'), fails('ERR_SHUTTING_DOWN', false))
    await new Promise(setImmediate)
    const written = assert.rejects(one.config.set('k', 1), fails('ERR_SHUTTING_DOWN', false))
    await one.close()
    await Promise.all([ready, called, written])
  })
})

describe('a call that nobody waits for any more', () => {
  it('is not made later when it was not sent', async () => {
    const wire = await openWireToNode()
    const one = client(wire.url)
    await one.ready()
    const lost = new Promise<void>((resolve) => one.onEvent(({ type }) => type === 'disconnected' && resolve()))
    wire.cut()
    await lost
    const abort = new AbortController()
    const aborted = assert.rejects(
      one.services.call('slow', 'once', 1, { signal: abort.signal }),
      fails('ERR_ABORTED', false),
    )
    const late = assert.rejects(one.channel('data').send('a', 1, { timeoutMs: 1 }), fails('ERR_TIMEOUT', false))
    await new Promise(setImmediate)
    abort.abort()
    await Promise.all([aborted, late])
    // Behind them in the same session.
    assert.equal((await one.members()).length, 1)
    assert.equal(ran, 0)
  })

  it('may have happened when it was sent, unless it only asked', async () => {
    const one = client(node.admin!)
    await one.ready()
    const abort = new AbortController()
    const called = assert.rejects(
      one.services.call('slow', 'run', 1, { signal: abort.signal }),
      fails('ERR_ABORTED', true),
    )
    await waitUntil(() => ran === 1)
    const read = assert.rejects(one.config.get('k', { signal: abort.signal }), fails('ERR_ABORTED', false))
    // Time enough to send it, and none for an answer: nothing is read meanwhile.
    for (let step = 0; step < 20; step++) await undefined
    abort.abort()
    await Promise.all([called, read])
  })
})
