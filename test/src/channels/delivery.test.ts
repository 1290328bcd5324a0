// What channels promise when things go wrong between real nodes: links that break, members that go, payloads of any
// size, order over the whole cluster.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChannelEvent, TrellisNode } from '../../../src/index.ts'
import { RunningNode } from '../../../src/running-node.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { failureOf, form } from '../local-nodes.ts'

/** Cuts every link of `node`, unannounced; they are dialled again. */
function cut(node: TrellisNode): void {
  assert.ok(node instanceof RunningNode)
  for (const link of node.lifecycle.links.all()) link.destroy()
}

describe('acknowledged messages', () => {
  it('come exactly once and in the order of their keys, however often links break', async () => {
    const [a, b] = await form(['a', 'b'])
    const seen: [string, number][] = []
    b!.channel('events').onMessage(async ({ payload }) => {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(payload as [string, number])
    })
    const count = 600
    const sends: Promise<unknown>[] = []
    const sending = (async () => {
      for (let index = 0; index < count; index++) {
        const key = `k${index % 3}`
        sends.push(a!.channel('events').send('b', [key, index], { key }))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    for (let cuts = 1; cuts <= 3; cuts++) {
      await waitUntil(() => seen.length > cuts * 100)
      cut(cuts % 2 === 0 ? a! : b!)
    }
    await sending
    await Promise.all(sends)
    assert.equal(seen.length, count)
    for (const key of ['k0', 'k1', 'k2']) {
      const indexes = seen.filter(([of]) => of === key).map(([, index]) => index)
      assert.deepEqual(
        indexes,
        [...new Set(indexes)].sort((one, other) => one - other),
        key,
      )
    }
  })

  it('fail when the member begins a new life, and say whether they may have happened', async () => {
    const [a, b, c] = await form(['a', 'b', 'c'])
    c!.channel('data').onMessage(() => new Promise<void>(() => {}))
    const begun = failureOf(a!.channel('data').send('c', 1, { ack: true }))
    await waitUntil(() => c!.channel('data').stats().handlers.running === 1)
    await c!.stop()
    assert.deepEqual([(await begun).code, (await begun).mayHaveHappened], ['ERR_MEMBER_DOWN', true])
    await waitUntil(() => b!.status().cluster.alive === 2)
    const never = await failureOf(a!.channel('data').send('c', 1, { ack: true }))
    assert.deepEqual([never.code, never.mayHaveHappened], ['ERR_MEMBER_DOWN', false])
  })

  it('may be larger than a frame', async () => {
    const [a, b] = await form(['a', 'b'])
    const payload = new Uint8Array(3_000_000).map((_, index) => index)
    let got: unknown
    b!.channel('data').onMessage((message) => {
      got = message.payload
    })
    b!.channel('data').onRequest((message) => message.payload)
    await a!.channel('data').send('b', payload, { ack: true })
    assert.deepEqual(got, payload)
    assert.deepEqual((await a!.channel('data').request('b', payload)).payload, payload)
  })
})

describe('messages that are not acknowledged', () => {
  it('come in the order of their key, small ones behind large ones and large ones behind small', async () => {
    const [a, b] = await form(['a', 'b'])
    for (const name of ['data', 'events'] as const) {
      const [near, far] = [a!.channel(name), b!.channel(name)]
      const seen: number[] = []
      using _ = far.onMessage(({ payload }) => void seen.push((payload as Uint8Array).length))
      const options = { key: 'k', ack: false }
      const sizes = Array.from({ length: 3_000 }, (_, index) =>
        index % 50 === 49 ? 70_000 + 40_000 * (index % 7) : index,
      )
      const payloads = sizes.map((size) => new Uint8Array(size))
      await near.sendMany('b', payloads, options)
      await Promise.all(payloads.map((payload) => near.send('b', payload, options)))
      await waitUntil(() => seen.length + (far.stats().dropped.stale ?? 0) === 2 * sizes.length)
      assert.deepEqual(seen, [...sizes, ...sizes])
    }
  })
})

describe('messages of which the newest wins', () => {
  it('never come older after newer, and the last one comes', async () => {
    const [a, b] = await form(['a', 'b'])
    const seen: number[] = []
    b!.channel('gossip').onMessage(async ({ payload }) => {
      seen.push(payload as number)
      await new Promise((resolve) => setImmediate(resolve))
    })
    for (let index = 1; index <= 2_000; index++) await a!.channel('gossip').send('b', index, { key: 'load' })
    await waitUntil(() => seen.at(-1) === 2_000)
    assert.deepEqual(
      seen,
      [...seen].sort((one, other) => one - other),
    )
    assert.ok(seen.length < 2_000)
    assert.ok((b!.channel('gossip').stats().dropped.superseded ?? 0) > 0)
  })
})

describe('messages of which the newest of a topic wins', () => {
  it('leave those of other topics alone, and have no key of their sender', async () => {
    const [a, b] = await form(['a', 'b'])
    const seen = new Map<string, number>()
    b!.channel('events').subscribe('load.*', async ({ topic = '', payload, key }) => {
      assert.equal(key, undefined)
      assert.ok((payload as number) > (seen.get(topic) ?? 0), 'an older one came after a newer')
      seen.set(topic, payload as number)
      await new Promise((resolve) => setImmediate(resolve))
    })
    const sends: Promise<unknown>[] = []
    // While there is no link they wait, and newer ones take the place of older ones.
    cut(a!)
    await waitUntil(() => a instanceof RunningNode && a.lifecycle.links.all().length === 0)
    for (let index = 1; index <= 300; index++)
      for (const topic of ['load.cpu', 'load.disk'])
        sends.push(a!.channel('events').publish(topic, index, { monotonic: true }))
    await Promise.all(sends)
    assert.deepEqual(Object.fromEntries(seen), { 'load.cpu': 300, 'load.disk': 300 })
  })
})

describe('causal messages', () => {
  it('come after what they answer, on every member', async () => {
    const nodes = await form(['a', 'b', 'c'])
    const [a, b, c] = nodes.map((node) => node.channel('events'))
    const seen: string[] = []
    const gaps: ChannelEvent[] = []
    c!.onEvent((event) => gaps.push(event))
    c!.subscribe('talk', ({ payload, key }) => {
      assert.equal(key, undefined)
      seen.push(payload as string)
    })
    b!.subscribe('talk', async ({ payload, from }) => {
      if (from === 'a') await b!.publish('talk', `answer to ${payload}`, { causal: true })
    })
    for (let index = 0; index < 50; index++) await a!.publish('talk', `${index}`, { causal: true })
    await waitUntil(() => seen.length === 100)
    for (let index = 0; index < 50; index++)
      assert.ok(seen.indexOf(`${index}`) < seen.indexOf(`answer to ${index}`), seen.join())
    assert.deepEqual(gaps, [])
    assert.equal((await failureOf(a!.send('b', 1, { causal: true }))).code, 'ERR_BAD_OPTIONS')
    assert.equal((await failureOf(a!.publish('talk', 1, { causal: true, key: 'k' }))).code, 'ERR_BAD_OPTIONS')
  })
})
