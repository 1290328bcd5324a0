// The public channels over real nodes: what arrives, in which form and order, what a receipt says, and how each call is
// refused.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel, Message, TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

async function pair(): Promise<[TrellisNode, TrellisNode]> {
  const [a, b] = await form(['a', 'b'])
  return [a!, b!]
}

/** Every message that `channel` is handed. */
function heard(channel: Channel): Message[] {
  const messages: Message[] = []
  channel.onMessage((message) => void messages.push(message))
  return messages
}

const names = ['coordination', 'events', 'gossip', 'data'] as const

describe('a channel', () => {
  it('carries bytes as bytes and JSON as JSON, on each of the four channels', async () => {
    const [a, b] = await pair()
    for (const name of names) {
      const messages = heard(b.channel(name))
      const bytes = Uint8Array.of(0, 1, 255)
      const receipt = await a.channel(name).send('b', bytes, { ack: true, key: 'k' })
      await a.channel(name).send(b.id, { text: 'ä', list: [1, null] }, { ack: true })
      const [one, two] = messages
      assert.deepEqual(one?.payload, bytes)
      assert.ok(one?.payload instanceof Uint8Array)
      assert.deepEqual(two?.payload, { text: 'ä', list: [1, null] })
      assert.deepEqual([one?.from, one?.channel, one?.key, one?.id], ['a', name, 'k', receipt.id])
      assert.deepEqual([receipt.to, receipt.acked, receipt.members, receipt.reached], ['b', true, 1, 1])
      assert.ok(receipt.durationMs > 0 && (one?.receivedAt ?? 0) > 0)
    }
  })

  it('resolves an acknowledged send when the handler has finished, and not before', async () => {
    const [a, b] = await pair()
    let finish = (): void => {}
    const began = new Promise<void>((resolve) => {
      b.channel('data').onMessage(() => {
        resolve()
        return new Promise((done) => {
          finish = done
        })
      })
    })
    let isAcked = false
    const sent = a
      .channel('data')
      .send('b', 1, { ack: true })
      .then(() => {
        isAcked = true
      })
    await began
    assert.equal((await a.channel('data').send('b', 2)).acked, false)
    assert.equal(isAcked, false)
    finish()
    await sent
  })

  it('hands over one message at a time of each key, in the order in which they were sent', async () => {
    const [a, b] = await pair()
    const running = new Map<string, number>()
    const order: unknown[] = []
    b.channel('events').onMessage(async ({ key = '', payload }) => {
      running.set(key, (running.get(key) ?? 0) + 1)
      assert.equal(running.get(key), 1)
      await new Promise((resolve) => setImmediate(resolve))
      order.push(payload)
      running.set(key, 0)
    })
    const keys = ['x', 'y']
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        a.channel('events').send('b', [keys[index % 2]!, index], { key: keys[index % 2]! }),
      ),
    )
    for (const key of keys) {
      const indexes = (order as [string, number][]).filter(([of]) => of === key).map(([, index]) => index)
      assert.deepEqual(
        indexes,
        [...indexes].sort((one, other) => one - other),
      )
    }
    assert.equal(order.length, 100)
  })

  it('runs at most 64 handlers at once, or as many as its node was told', async () => {
    const [a, b] = await form(['a', 'b'], (name) => (name === 'a' ? { handlerConcurrency: 3 } : {}))
    const most = { a: 0, b: 0 }
    for (const [name, node] of [
      ['a', a!],
      ['b', b!],
    ] as const) {
      let running = 0
      node.channel('data').onMessage(async () => {
        running += 1
        most[name] = Math.max(most[name], running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
      })
    }
    const flood = (from: TrellisNode, to: string) =>
      Promise.all(Array.from({ length: 300 }, (_, index) => from.channel('data').send(to, index, { ack: true })))
    await Promise.all([flood(a!, 'b'), flood(b!, 'a')])
    assert.deepEqual(most, { a: 3, b: 64 })
  })

  it('fails with a handler that throws anything, be it undefined', async () => {
    const [a, b] = await pair()
    const handlers = [
      () => Promise.reject(),
      () => {
        throw undefined
      },
    ]
    for (const name of names) {
      const [near, far] = [a.channel(name), b.channel(name)]
      for (const handler of handlers) {
        using _ = far.onMessage(handler)
        using _own = near.onMessage(handler)
        const calls = {
          send: () => near.send('b', 1, { ack: true }),
          sendMany: () => near.sendMany('b', [1], { ack: true }),
          'send to itself': () => near.send('a', 1, { ack: true }),
        }
        for (const [call, begin] of Object.entries(calls)) {
          const { code, message, mayHaveHappened } = await failureOf(begin())
          assert.deepEqual([code, mayHaveHappened], ['ERR_HANDLER_FAILED', true], `${name}: ${call}`)
          assert.match(message, /failed: undefined$/)
        }
      }
      using _ = far.subscribe('x', handlers[0]!)
      using _other = far.onMessage(() => {})
      assert.equal((await failureOf(near.send('b', 1, { ack: true, topic: 'x' }))).code, 'ERR_HANDLER_FAILED')
      assert.equal(far.stats().dropped['handler-failed'], 5)
    }
  })

  it('publishes to subscribers whose pattern fits, on every member and here', async () => {
    const [a, b] = await pair()
    const got: string[] = []
    for (const [node, pattern] of [
      [a, 'orders.*'],
      [b, 'orders.*'],
      [b, '**.created'],
      [b, 'bills.*'],
    ] as const)
      node.channel('events').subscribe(pattern, ({ topic }) => void got.push(`${node.name} ${pattern} ${topic}`))
    const receipt = await a.channel('events').publish('orders.created', { id: 1 })
    assert.deepEqual(got.sort(), [
      'a orders.* orders.created',
      'b **.created orders.created',
      'b orders.* orders.created',
    ])
    assert.deepEqual([receipt.to, receipt.acked, receipt.members, receipt.reached], ['*', true, 2, 2])
  })

  it('fails what is sent to a member with a topic that nobody there wants, and no publishing', async () => {
    const [a, b] = await pair()
    for (const name of names) {
      const [near, far] = [a.channel(name), b.channel(name)]
      const options = { ack: true, topic: 't.x' }
      const refused: (() => Promise<unknown>)[] = [
        () => near.send('b', 1, options),
        () => near.send('b', 1, { ...options, key: 'k' }),
        () => near.send('b', 1, { ...options, monotonic: true }),
        () => near.send('b', new Uint8Array(100_000), options),
        () => near.sendMany('b', [1, 2], options),
        () => near.send('a', 1, options),
      ]
      for (const other of [undefined, far.subscribe('t.y', () => assert.fail('another topic'))]) {
        for (const send of refused) {
          const { code, message } = await failureOf(send())
          assert.equal(code, 'ERR_NO_HANDLER', `${name}: ${send}`)
          assert.match(message, /^[ab] has no handler for messages of the topic 't\.x' on /)
        }
        assert.equal((await near.publish('t.x', 1, { ack: true })).reached, 2)
        other?.[Symbol.dispose]()
      }
      const got = heard(far)
      assert.equal((await near.send('b', 1, options)).acked, true)
      assert.deepEqual([got[0]?.topic, got.length], ['t.x', 1])
    }
  })

  it('broadcasts to every other member', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const counts = nodes.map((node) => heard(node.channel('data')))
    const receipt = await nodes[0]!.channel('data').broadcast('all', { ack: true })
    assert.deepEqual(
      counts.map(({ length }) => length),
      [0, 1, 1],
    )
    assert.deepEqual([receipt.members, receipt.reached, receipt.acked], [2, 2, true])
    assert.equal((await nodes[0]!.channel('data').send('*', 'all', { ack: true })).reached, 2)
  })

  it('answers requests, with the error of a handler that fails', async () => {
    const [a, b] = await pair()
    for (const name of names) {
      b.channel(name).onRequest(({ payload, from }) => {
        if (payload === 'fail') throw new Error('no')
        return { from, twice: 2 * (payload as number) }
      })
      const answer = await a.channel(name).request('b', 21)
      assert.deepEqual([answer.payload, answer.from], [{ from: 'a', twice: 42 }, 'b'])
      assert.equal((await failureOf(a.channel(name).request('b', 'fail'))).code, 'ERR_HANDLER_FAILED')
    }
    assert.equal((await failureOf(b.channel('data').request('a', 1))).code, 'ERR_NO_HANDLER')
  })

  it('answers with the newest handler, and with the one before it when that one is disposed', async () => {
    const [a, b] = await pair()
    const answer = async (): Promise<unknown> => (await a.channel('data').request('b', 0)).payload
    const older = b.channel('data').onRequest(() => 'older')
    const newer = b.channel('data').onRequest(() => 'newer')
    assert.equal(await answer(), 'newer')
    newer[Symbol.dispose]()
    newer[Symbol.dispose]()
    assert.equal(await answer(), 'older')
    older[Symbol.dispose]()
    assert.equal((await failureOf(a.channel('data').request('b', 0))).code, 'ERR_NO_HANDLER')
  })

  it('carries a payload of many chunks whole, as a message, a request and its answer', async () => {
    const [a, b] = await pair()
    const large = Uint8Array.from({ length: 5_000_001 }, (_, index) => index % 251)
    const messages = heard(b.channel('data'))
    b.channel('data').onRequest(({ payload }) => payload)
    await a.channel('data').send('b', large, { ack: true })
    assert.deepEqual(messages[0]?.payload, large)
    assert.deepEqual((await a.channel('data').request('b', large)).payload, large)
  })

  it('sends many with one promise, from what is iterable at once or in time', async () => {
    const [a, b] = await pair()
    const messages = heard(b.channel('data'))
    async function* later(): AsyncGenerator<number> {
      for (let index = 0; index < 500; index++) yield index
    }
    const payloads = Array.from({ length: 20_000 }, (_, index) => index)
    assert.deepEqual(await a.channel('data').sendMany('b', payloads, { ack: true }), { sent: 20_000, acked: 20_000 })
    assert.deepEqual(await a.channel('data').sendMany('b', later()), { sent: 500, acked: 0 })
    // More bytes in all than may be on their way at once.
    const large = Array.from({ length: 100 }, () => new Uint8Array(60_000))
    assert.deepEqual(await a.channel('data').sendMany('b', large), { sent: 100, acked: 0 })
    // The signs of a text are as many texts.
    assert.deepEqual(await a.channel('data').sendMany('b', 'abc'), { sent: 3, acked: 0 })
    await waitUntil(() => messages.length === 20_603)
  })

  it('sends many until one cannot be sent: says that others have left, and lets its source go', async () => {
    const [a, b] = await form(['a', 'b'])
    const taken: unknown[] = []
    b!.channel('data').onMessage(({ payload }) => void taken.push(payload))
    let isLetGo = false
    async function* source() {
      try {
        yield* [1, undefined as never]
      } finally {
        isLetGo = true
      }
    }
    for (const options of [{}, { ack: true }]) {
      isLetGo = false
      for (const payloads of [source(), [1, undefined as never]]) {
        const error = await failureOf(a!.channel('data').sendMany('b', payloads, options))
        assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_BAD_OPTIONS', true])
      }
      assert.equal(isLetGo, true)
    }
    await waitUntil(() => taken.length === 4)
    assert.equal((await failureOf(a!.channel('data').sendMany('b', [undefined as never]))).mayHaveHappened, false)
  })

  it('ends sending many although their source yields nothing more: by signal, by a failure, and when the node stops', async () => {
    const [a] = await pair()
    let isClosed = false
    async function* mute(first: number): AsyncGenerator<number> {
      yield first
      await new Promise(() => {})
    }
    const abort = new AbortController()
    const source: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: async () => {
          isClosed = true
          return { done: true, value: undefined }
        },
      }),
    }
    const given = failureOf(a.channel('data').sendMany('b', source, { signal: abort.signal }))
    const refused = failureOf(a.channel('data').sendMany('b', mute(1), { ack: true }))
    const stopped = failureOf(a.channel('data').sendMany('b', mute(2)))
    abort.abort()
    const { code, mayHaveHappened } = await given
    assert.deepEqual([code, mayHaveHappened, isClosed], ['ERR_ABORTED', false, true])
    assert.equal((await refused).code, 'ERR_NO_HANDLER')
    await a.stop()
    assert.equal((await stopped).code, 'ERR_SHUTTING_DOWN')
  })

  it('ends what is sent to all when its caller does not wait any more, whoever was reached', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    b!.channel('events').onMessage(() => {})
    c!.channel('events').subscribe('slow', () => new Promise(() => {}))
    const abort = new AbortController()
    const given = failureOf(a!.channel('events').publish('slow', 1, { signal: abort.signal }))
    const open = failureOf(a!.channel('events').publish('slow', 2))
    await waitUntil(() => c!.channel('events').stats().handlers.running === 2)
    abort.abort()
    assert.equal((await given).code, 'ERR_ABORTED')
    await a!.stop()
    assert.equal((await open).code, 'ERR_SHUTTING_DOWN')
  })

  it('yields messages one at a time, each finished when the next is asked for', async () => {
    const [a, b] = await pair()
    const stop = new AbortController()
    const sent: Promise<unknown>[] = []
    let acked = 0
    const seen: unknown[] = []
    const loop = (async () => {
      for await (const { payload } of b.channel('data').messages({ signal: stop.signal })) {
        assert.ok(acked <= seen.length)
        seen.push(payload)
        if (seen.length === 10) stop.abort()
      }
    })()
    for (let index = 0; index < 10; index++)
      sent.push(
        a
          .channel('data')
          .send('b', index, { ack: true, key: 'k' })
          .then(() => void acked++),
      )
    await Promise.all([loop, ...sent])
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    assert.equal((await failureOf(a.channel('data').send('b', 1, { ack: true }))).code, 'ERR_NO_HANDLER')
  })

  it('delivers to the member itself as to any other', async () => {
    const [a] = await pair()
    const messages = heard(a.channel('events'))
    a.channel('events').onRequest(() => 'self')
    assert.equal((await a.channel('events').send('a', 'me')).acked, true)
    assert.equal((await a.channel('events').request('a', 1)).payload, 'self')
    assert.equal(messages[0]?.payload, 'me')
    assert.equal((await failureOf(a.channel('data').send('a', 1, { ack: true }))).code, 'ERR_NO_HANDLER')
  })
})

describe('a call that cannot be', () => {
  it('is refused with the code that says why', async () => {
    const [a, b] = await pair()
    const data = a.channel('data')
    const codes = async (call: Promise<unknown>): Promise<string> => (await failureOf(call)).code
    assert.throws(() => a.channel('nowhere'), { code: 'ERR_UNKNOWN_CHANNEL' })
    for (const handler of [undefined, {}, 'handler'] as never[]) {
      assert.throws(() => data.onMessage(handler), { code: 'ERR_BAD_OPTIONS' })
      assert.throws(() => data.subscribe('orders', handler), { code: 'ERR_BAD_OPTIONS' })
      assert.throws(() => data.onRequest(handler), { code: 'ERR_BAD_OPTIONS' })
      assert.throws(() => data.onEvent(handler), { code: 'ERR_BAD_OPTIONS' })
    }
    assert.equal(await codes(data.send('nobody', 1)), 'ERR_UNKNOWN_MEMBER')
    assert.equal(await codes(data.send('b', 1, { ack: true })), 'ERR_NO_HANDLER')
    assert.equal(await codes(data.send('b', 1, { key: '', timeoutMs: -1 })), 'ERR_BAD_OPTIONS')
    assert.equal(await codes(data.send('b', new Uint8Array(1_100_000_000))), 'ERR_PAYLOAD_TOO_LARGE')
    assert.equal(await codes(data.publish('no good', 1)), 'ERR_BAD_REQUEST')
    assert.equal(await codes(data.send('b', 1, { signal: AbortSignal.abort() })), 'ERR_ABORTED')
    b.channel('data').onMessage(() => new Promise<void>(() => {}))
    const timedOut = await failureOf(data.send('b', 1, { ack: true, timeoutMs: 50 }))
    assert.deepEqual([timedOut.code, timedOut.mayHaveHappened], ['ERR_TIMEOUT', true])
    const late = await failureOf(data.send('b', 1, { ack: true, deadlineMs: 50 }))
    assert.deepEqual([late.code, late.mayHaveHappened], ['ERR_DEADLINE_EXCEEDED', true])
    const stop = new AbortController()
    const aborted = failureOf(data.send('b', 1, { ack: true, signal: stop.signal }))
    stop.abort()
    assert.equal((await aborted).code, 'ERR_ABORTED')
    const lost = failureOf(data.send('b', 1, { ack: true }))
    const unanswered = failureOf(data.request('b', 1))
    await waitUntil(() => data.stats().unacknowledged > 0)
    await b.stop()
    assert.deepEqual([(await lost).code, (await lost).mayHaveHappened], ['ERR_MEMBER_DOWN', true])
    assert.ok(['ERR_NO_HANDLER', 'ERR_MEMBER_DOWN'].includes((await unanswered).code))
    await waitUntil(() => a.status().cluster.alive === 1)
    assert.equal(await codes(data.send('b', 1)), 'ERR_MEMBER_DOWN')
    await a.stop()
    assert.equal(await codes(data.send('a', 1)), 'ERR_SHUTTING_DOWN')
  })
})
