// Messages over HTTP: sent with POST, read as a stream, between two real nodes.

import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { describe, it } from 'node:test'
import type { TrellisNode } from '../../../src/index.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { form } from '../local-nodes.ts'
import { ask, type JsonObject } from './client.ts'

async function pair(): Promise<[TrellisNode, TrellisNode]> {
  const [a, b] = await form(['a', 'b'], () => ({ admin: '127.0.0.1:0' }))
  return [a!, b!]
}

const post = (node: TrellisNode, body: object) =>
  ask(`${node.admin}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

/** The messages of a stream, as they come. */
async function open(node: TrellisNode, query: string) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${node.admin}/v1/stream?${query}`, { agent: false }, resolve).on('error', reject).end()
  })
  assert.equal(response.statusCode, 200)
  const messages: JsonObject[] = []
  let text = ''
  response.on('error', () => {})
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1]
      if (data !== undefined) messages.push(JSON.parse(data))
      text = text.slice(end + 2)
    }
  })
  return { messages, close: () => response.destroy() }
}

describe('messages over HTTP', () => {
  it('go to a member whose stream is a handler, bytes as base64', async () => {
    const [a, b] = await pair()
    const none = await post(a, { channel: 'data', to: 'b', payload: 1, ack: true })
    assert.deepEqual([none.status, none.json.code], [503, 'ERR_NO_HANDLER'])
    const unwanted = await post(a, { channel: 'data', to: 'b', topic: 'orders', payload: 1, ack: true })
    assert.deepEqual([unwanted.status, unwanted.json.code], [503, 'ERR_NO_HANDLER'])
    const stream = await open(b, 'channel=data')
    const sent = await post(a, { channel: 'data', to: 'b', payload: { n: 1 }, ack: true, key: 'k' })
    assert.equal(sent.status, 200)
    assert.deepEqual([sent.json.to, sent.json.acked, typeof sent.json.id], ['b', true, 'string'])
    await a.channel('data').send('b', Uint8Array.of(0, 255), { ack: true })
    await post(a, { channel: 'data', to: 'b', payload: 'AP8=', encoding: 'base64', ack: true })
    await waitUntil(() => stream.messages.length === 3)
    const [one, two, three] = stream.messages
    assert.deepEqual(
      [one?.id, one?.from, one?.channel, one?.key, one?.payload],
      [sent.json.id, 'a', 'data', 'k', { n: 1 }],
    )
    assert.equal(typeof one?.receivedAt, 'number')
    assert.equal(one?.trace, null)
    for (const bytes of [two, three]) assert.deepEqual([bytes?.payload, bytes?.encoding], ['AP8=', 'base64'])
    stream.close()
  })

  it('are published to the topics that a stream asks for', async () => {
    const [a, b] = await pair()
    const [orders, all] = [await open(b, 'channel=events&topic=orders.*'), await open(a, 'channel=events')]
    const published = await post(a, { channel: 'events', topic: 'orders.created', payload: 1 })
    assert.deepEqual([published.json.to, published.json.members, published.json.reached], ['*', 2, 2])
    await post(a, { channel: 'events', topic: 'bills.created', payload: 2 })
    await post(a, { channel: 'events', to: 'b', topic: 'orders.sent', payload: 3 })
    await waitUntil(() => orders.messages.length === 2 && all.messages.length === 2)
    assert.deepEqual(
      orders.messages.map(({ topic }) => topic),
      ['orders.created', 'orders.sent'],
    )
    assert.deepEqual(
      all.messages.map(({ topic }) => topic),
      ['orders.created', 'bills.created'],
    )
    orders.close()
    all.close()
  })

  it('are refused with every problem at once, and by the code that fits', async () => {
    const [a] = await pair()
    const bad = await post(a, { to: 1, chanel: 'data' })
    assert.equal(bad.status, 400)
    assert.match(
      String(bad.json.message),
      /to must be a string.*unknown field 'chanel'.*channel is missing.*payload is missing/,
    )
    const cases: readonly [object, number, string][] = [
      [{ channel: 'none', payload: 1 }, 404, 'ERR_UNKNOWN_CHANNEL'],
      [{ channel: 'data', to: 'nobody', payload: 1 }, 404, 'ERR_UNKNOWN_MEMBER'],
      [{ channel: 'data', to: 'b', payload: 1, key: '' }, 400, 'ERR_BAD_OPTIONS'],
      ...['?', 'a', 'abcde', 'aGk==', 'aG=k', 'aGk=====', '=', 1234].map((payload): [object, number, string] => [
        { channel: 'data', to: 'b', payload, encoding: 'base64' },
        400,
        'ERR_BAD_REQUEST',
      ]),
      ...['', 'aGk', 'aGk=', 'aA==', 'a_-k'].map((payload): [object, number, string] => [
        { channel: 'none', to: 'b', payload, encoding: 'base64' },
        404,
        'ERR_UNKNOWN_CHANNEL',
      ]),
      [{ channel: 'data', topic: 'no good', payload: 1 }, 400, 'ERR_BAD_REQUEST'],
    ]
    for (const [body, status, code] of cases) {
      const answer = await post(a, body)
      assert.deepEqual([answer.status, answer.json.code], [status, code])
    }
    assert.equal((await ask(`${a.admin}/v1/stream`)).status, 400)
    assert.equal((await ask(`${a.admin}/v1/stream?channel=none`)).json.code, 'ERR_UNKNOWN_CHANNEL')
    assert.equal((await ask(`${a.admin}/v1/stream?channel=data&topic=a..b`)).status, 400)
  })

  it('are counted by channel', async () => {
    const [a, b] = await pair()
    b.channel('data').onMessage(() => {})
    await post(a, { channel: 'data', to: 'b', payload: 'x', ack: true })
    const { channels } = (await ask(`${a.admin}/v1/channels`)).json as { channels: JsonObject[] }
    assert.deepEqual(
      channels.map(({ channel }) => channel),
      ['coordination', 'events', 'gossip', 'data'],
    )
    assert.deepEqual(channels[3]?.sent, { messages: 1, bytes: 3 })
    assert.equal((channels[3]!.latency as JsonObject).count, 1)
  })
})
