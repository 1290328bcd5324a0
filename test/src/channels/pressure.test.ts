// Channels under pressure: a consumer that is slow, a link that takes nothing, a peer that dies, strangers that knock.
// What waits is bounded, its outcome is told, the congestion has a cause, every drop a reason.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { CREDIT_BYTES, laneLimits } from '../../../src/channels/lane-limits.ts'
import type { Channel, ChannelEvent, TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

const payload = new Uint8Array(1_000)

async function pair(): Promise<[TrellisNode, TrellisNode]> {
  const [a, b] = await form(['a', 'b'], () => ({ allowFaults: true }))
  return [a!, b!]
}

/** Handles nothing until it is told to; then everything. */
function slowConsumer(channel: Channel) {
  let handled = 0
  let wake = (): void => {}
  const woken = new Promise<void>((resolve) => {
    wake = resolve
  })
  const handler = channel.onMessage(async () => {
    await woken
    handled += 1
  })
  return { handled: () => handled, wake, end: () => handler[Symbol.dispose]() }
}

function congestion(channel: Channel): Extract<ChannelEvent, { type: 'congestion' }>[] {
  const events: Extract<ChannelEvent, { type: 'congestion' }>[] = []
  channel.onEvent((event) => void (event.type === 'congestion' && events.push(event)))
  return events
}

describe('a consumer that is slow', () => {
  it('makes its senders wait in bounded queues, is named as the cause, and gets everything when it goes on', async () => {
    const [a, b] = await pair()
    const [near, far] = [a.channel('data'), b.channel('data')]
    const consumer = slowConsumer(far)
    const events = congestion(near)
    const told: string[] = []
    a.events.subscribe((event) => {
      if (event.type === 'congestion') told.push(`${event.channel} to ${event.peer}: ${event.state}, ${event.cause}`)
    })
    let yielded = 0
    const count = 15_000
    const all = near.sendMany(
      'b',
      (function* () {
        for (; yielded < count; yielded++) yield payload
      })(),
    )
    await waitUntil(() => near.stats().queue.bytes >= laneLimits.data.bytes && far.stats().handlers.waiting > 0)
    const taken = yielded
    const held = far.stats().received.bytes
    assert.ok(held <= CREDIT_BYTES.data, `${held} bytes were handed to a consumer that handled none`)
    assert.ok(near.stats().queue.messages <= laneLimits.data.messages + 1, JSON.stringify(near.stats().queue))
    assert.deepEqual([events[0]?.state, events[0]?.cause, events[0]?.peer], ['congested', 'consumer', 'b'])
    assert.equal(told[0], 'data to b: congested, consumer')
    const [lane, ...others] = near.stats().lanes
    assert.deepEqual([lane?.peer, lane?.connections, others.length], ['b', 1, 0])
    assert.ok(lane!.queue.bytes > laneLimits.data.bytes / 2 && lane!.queue.oldestMs > 0 && lane!.sent.messages > 0)
    const refused = await failureOf(near.send('b', payload, { onFull: 'fail', timeoutMs: 5_000 }))
    assert.deepEqual(
      [refused.code, refused.details],
      ['ERR_BUFFER_FULL', { queue: 'data', limit: laneLimits.data.bytes }],
    )
    assert.match(refused.message, /8388608 bytes/)
    const late = await failureOf(near.send('b', payload, { timeoutMs: 20 }))
    assert.deepEqual([late.code, late.mayHaveHappened], ['ERR_TIMEOUT', false])
    assert.equal(yielded, taken, 'no more was asked for')
    consumer.wake()
    assert.deepEqual(await all, { sent: count, acked: 0 })
    await waitUntil(() => told.at(-1)?.includes('relieved') === true)
    await waitUntil(() => consumer.handled() === count)
    assert.equal(events.at(-1)?.state, 'relieved')
    const { dropped } = near.stats()
    assert.deepEqual([dropped['not-sent-buffer-full'], dropped['not-sent-timeout']], [1, 1])
  })

  it('refuses what is acknowledged and told to fail by bytes, too, its own as those that wait already', async () => {
    const [a, b] = await pair()
    const [near, far] = [a.channel('data'), b.channel('data')]
    const consumer = slowConsumer(far)
    const large = new Uint8Array(60_000)
    const count = 200
    const codes: string[] = []
    const send = (onFull: 'fail' | 'wait', ack: boolean): Promise<unknown> =>
      near.send('b', large, { ack, onFull }).then(
        () => codes.push('sent'),
        ({ code }) => codes.push(code),
      )
    const burst = Array.from({ length: count }, () => send('fail', true))
    const fits = Math.ceil(laneLimits.data.bytes / large.length)
    await waitUntil(() => codes.length === count - fits)
    assert.deepEqual(new Set(codes), new Set(['ERR_BUFFER_FULL']))
    const waiting = Array.from({ length: count }, () => send('wait', false))
    await waitUntil(() => near.stats().queue.bytes > laneLimits.data.bytes)
    const small = await failureOf(near.send('b', 1, { ack: true, onFull: 'fail' }))
    assert.equal(small.code, 'ERR_BUFFER_FULL')
    consumer.wake()
    await Promise.all([...burst, ...waiting])
    assert.equal(codes.filter((code) => code === 'sent').length, fits + count)
    assert.equal((await near.send('b', large, { ack: true, onFull: 'fail' })).acked, true)
    const huge = new Uint8Array(2 * laneLimits.data.bytes)
    assert.equal((await near.send('b', huge, { ack: true, onFull: 'fail' })).acked, true, 'one of any size')
  })

  it('fails none of what sendMany sends to one that is not slow', async () => {
    const [a, b] = await pair()
    for (const name of ['events', 'data']) {
      const handler = b.channel(name).onMessage(() => {})
      const many = new Array<Uint8Array>(300).fill(new Uint8Array(60_000))
      const sent = await a.channel(name).sendMany('b', many, { ack: true, onFull: 'fail' })
      assert.deepEqual(sent, { sent: 300, acked: 300 })
      handler[Symbol.dispose]()
    }
  })

  it('loses the oldest of gossip, and of whatever is sent so, counted; nothing of what is told to wait', async () => {
    const [a, b] = await pair()
    const count = 12_000
    for (const [name, options] of [
      ['gossip', {}],
      ['data', { onFull: 'drop-oldest' }],
      ['gossip', { onFull: 'wait' }],
    ] as const) {
      const [near, far] = [a.channel(name), b.channel(name)]
      const consumer = slowConsumer(far)
      const lostBefore = near.stats().dropped.oldest ?? 0
      const all = near.sendMany('b', new Array<Uint8Array>(count).fill(payload), options)
      const waits = 'onFull' in options && options.onFull === 'wait'
      if (!waits) await all
      await waitUntil(() => far.stats().handlers.waiting > 0)
      const { messages, bytes } = near.stats().queue
      assert.ok(messages <= laneLimits[name].messages + 1 && bytes <= laneLimits[name].bytes + 2_000)
      consumer.wake()
      await all
      const lost = (): number => (near.stats().dropped.oldest ?? 0) - lostBefore
      await waitUntil(() => consumer.handled() + lost() === count)
      assert.equal(lost() > 0, !waits)
      consumer.end()
    }
  })
})

describe('callers that send one message after the other', () => {
  it('let the loop go round long before the queue is full', async () => {
    const [a, b] = await pair()
    const near = a.channel('data')
    b.channel('data').onMessage(() => {})
    await near.send('b', payload)
    let sent = 0
    const callers = 64
    const all = Array.from({ length: callers }, async () => {
      for (let message = 0; message < 100; message++) {
        await near.send('b', new Uint8Array(1))
        sent += 1
      }
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(sent > 0 && near.stats().queue.messages < 1_000, `${sent} were sent in one turn`)
    await Promise.all(all)
    await waitUntil(() => b.channel('data').stats().received.messages === callers * 100 + 1)
  })
})

describe('a link that takes nothing', () => {
  it('is named as the cause, and delivers what waited when it does again', async () => {
    const [a, b] = await pair()
    const [near, far] = [a.channel('data'), b.channel('data')]
    let came = 0
    far.onMessage(() => {
      came += 1
    })
    await near.send('b', payload)
    await waitUntil(() => came === 1)
    const events = congestion(near)
    await a.faults.set({ block: ['b'], direction: 'out' })
    const count = 12_000
    const all = near.sendMany('b', new Array<Uint8Array>(count).fill(payload), { timeoutMs: 60_000 })
    await waitUntil(() => events.length > 0)
    assert.deepEqual([events[0]?.state, events[0]?.cause], ['congested', 'link'])
    await a.faults.clear()
    assert.deepEqual(await all, { sent: count, acked: 0 })
    await waitUntil(() => came === count + 1)
  })
})

describe('strangers that knock', () => {
  const strangers: Socket[] = []
  afterEach(() => {
    for (const socket of strangers.splice(0)) socket.destroy()
  })

  it('do not keep members from opening lanes, and are let go', async () => {
    const [a, b] = await pair()
    const port = Number(b.address.split(':')[1])
    for (let index = 0; index < 200; index++) {
      const socket = connect({ host: '127.0.0.1', port })
      socket.on('error', () => {})
      if (index % 2 === 0) socket.write(randomBytes(2_000))
      strangers.push(socket)
    }
    for (const name of ['events', 'data', 'gossip'] as const) {
      b.channel(name).onMessage(() => {})
      assert.equal((await a.channel(name).send('b', name, { ack: true })).acked, true)
      assert.equal(a.channel(name).stats().connections, 1)
    }
    await waitUntil(() => strangers.filter(({ destroyed }) => !destroyed).length <= 64)
  })
})
