// A loop over a channel's messages, and those that ask for several at once.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Message } from '../../../src/channels/channel.ts'
import { messagesOf } from '../../../src/channels/messages.ts'
import { Subscribers } from '../../../src/channels/subscribers.ts'
import { createTestCluster, type TestNode } from '../../../src/testing/index.ts'

/** A loop, what has been finished of what it was offered, and what was refused. */
function loop() {
  const subscribers = new Subscribers()
  const finished: unknown[] = []
  const refused: unknown[] = []
  const owner = { refusal: () => new Error('nobody is left'), onEnd: () => ({ [Symbol.dispose]: () => {} }) }
  const messages = messagesOf(subscribers, {}, owner)
  const offer = (payload: string): void => {
    for (const handler of subscribers.wanting(undefined))
      void Promise.resolve(handler({ payload } as Message)).then(
        () => finished.push(payload),
        () => refused.push(payload),
      )
  }
  return { messages, offer, finished, refused }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('the messages of a channel', () => {
  it('are finished when the loop asks for the next', async () => {
    const { messages, offer, finished } = loop()
    offer('a')
    offer('b')
    assert.equal((await messages.next()).value.payload, 'a')
    await settled()
    assert.deepEqual(finished, [])
    assert.equal((await messages.next()).value.payload, 'b')
    await settled()
    assert.deepEqual(finished, ['a'])
    await messages.return?.()
    await settled()
    assert.deepEqual(finished, ['a', 'b'])
  })

  it('go to all that ask at once, each of which is answered; the oldest in work is finished first', async () => {
    const { messages, offer, finished, refused } = loop()
    const asked = [messages.next(), messages.next(), messages.next()]
    offer('a')
    offer('b')
    assert.deepEqual([(await asked[0])!.value.payload, (await asked[1])!.value.payload], ['a', 'b'])
    offer('c')
    assert.equal((await asked[2])!.value.payload, 'c')
    await settled()
    assert.deepEqual(finished, [])
    const next = messages.next()
    await settled()
    assert.deepEqual(finished, ['a'])
    await messages.return?.()
    assert.deepEqual(await next, { done: true, value: undefined })
    offer('d')
    await settled()
    assert.deepEqual([finished, refused], [['a', 'b', 'c'], []])
  })
})

describe('a message that waits for a loop which ends', () => {
  it('is handled if another handler has handled it, and fails if that failed, or if there was none', async () => {
    await using cluster = await createTestCluster(2)
    const [near, far] = cluster.nodes as [TestNode, TestNode]
    for (const [other, codes] of [
      [() => {}, ['none', 'none', 'none']],
      [async () => {}, ['none', 'none', 'none']],
      [() => Promise.reject(new Error('broken')), Array(3).fill('ERR_HANDLER_FAILED')],
      [undefined, ['none', 'ERR_NO_HANDLER', 'ERR_NO_HANDLER']],
    ] as const) {
      const handler = other && far.channel('data').onMessage(other)
      const messages = far.channel('data').messages()[Symbol.asyncIterator]()
      const first = messages.next()
      const sent = [1, 2, 3].map((payload) =>
        near
          .channel('data')
          .send(far.name, payload, { ack: true })
          .then(
            () => 'none',
            ({ code }) => code as string,
          ),
      )
      await first
      await cluster.advance(100)
      await messages.return?.()
      assert.deepEqual(await Promise.all(sent), codes)
      handler?.[Symbol.dispose]()
    }
  })
})
