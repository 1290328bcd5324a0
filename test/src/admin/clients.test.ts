import assert from 'node:assert/strict'
import { connect as connectSocket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { createNode } from '../../../src/node.ts'
import type { TrellisNode } from '../../../src/node-interface.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { ask } from './client.ts'

let node: TrellisNode
before(async () => {
  node = await createNode({ name: 'a', listen: '127.0.0.1:0', admin: '127.0.0.1:0' })
})
after(() => node.stop())

/** A WebSocket that says what it likes. */
class Stranger {
  readonly heard: Record<string, unknown>[] = []
  readonly socket: WebSocket
  closed: number | undefined

  constructor(protocol = 'trellis.client.1') {
    this.socket = new WebSocket(`${node.admin!.replace('http', 'ws')}/v1/client`, protocol)
    this.socket.on('message', (data) => this.heard.push(JSON.parse(String(data))))
    this.socket.on('error', () => undefined)
    this.socket.on('close', (code) => {
      this.closed = code
    })
  }

  async say(text: string | Uint8Array): Promise<void> {
    await waitUntil(() => this.socket.readyState === WebSocket.OPEN)
    this.socket.send(text)
  }

  async greet(session?: string, received = 0): Promise<string> {
    await this.say(JSON.stringify({ type: 'hello', received, ...(session === undefined ? {} : { session }) }))
    await waitUntil(() => this.heard.length > 0)
    return String(this.heard[0]!.session)
  }

  ended(): Promise<void> {
    return waitUntil(() => this.closed !== undefined)
  }
}

describe('what is no client', () => {
  it('is told that the path is for WebSockets', async () => {
    const { status, json } = await ask(`${node.admin}/v1/client`)
    assert.deepEqual([status, json.code], [426, 'ERR_UPGRADE_REQUIRED'])
  })

  it('is refused when its first word is no hello', async () => {
    for (const first of [
      '',
      'nonsense',
      'null',
      '{}',
      '{"type":"hello"}',
      '{"type":"hello","received":0,"token":5}',
      Buffer.alloc(9),
    ]) {
      const stranger = new Stranger()
      await stranger.say(first)
      await stranger.ended()
      assert.equal(stranger.heard[0]?.type, 'refused', String(first))
    }
  })

  it('is closed when it says more than a frame holds, or no frame, or numbers that cannot be', async () => {
    for (const text of [
      'x'.repeat(2 * 1024 * 1024 + 1),
      'nonsense',
      '{"a":7}',
      '{"a":0,"n":5,"m":[1]}',
      '{"a":0,"n":1,"m":["no request"]}',
    ]) {
      const stranger = new Stranger()
      await stranger.greet()
      await stranger.say(text)
      await stranger.ended()
      assert.ok([1008, 1009, 1001].includes(stranger.closed!), `${stranger.closed}`)
    }
  })

  it('is told of what there is not, and goes on', async () => {
    const stranger = new Stranger()
    await stranger.greet()
    await stranger.say(
      '{"a":0,"n":1,"m":[{"id":1,"op":"nonsense"},{"id":2,"op":"toString"},{"id":3,"op":"subscribe"},{"id":4,"op":"members"}]}',
    )
    const items = () =>
      stranger.heard.slice(1).flatMap(({ m }) => (m ?? []) as { id?: number; on?: number; ok?: unknown }[])
    await waitUntil(() => items().length === 4)
    assert.deepEqual(
      items().map(({ id, on, ok }) => [id ?? on, ok !== undefined]),
      [
        [1, false],
        [2, false],
        [3, false],
        [4, true],
      ],
    )
    stranger.socket.close()
  })

  it('does not get the session of somebody whose word for it it does not know', async () => {
    const honest = new Stranger()
    const session = await honest.greet()
    const other = new Stranger()
    assert.notEqual(await other.greet('guessed'), session)
    assert.equal(other.heard[0]?.resumed, false)
    // Whoever has the word takes the session over, as a client does whose connection died without a sign.
    const again = new Stranger()
    assert.equal(await again.greet(session), session)
    await honest.ended()
    for (const one of [other, again]) one.socket.close()
  })

  it('at another path, or with another protocol, is no upgrade', async () => {
    const answer = (head: string) =>
      new Promise<string>((resolve) => {
        const { port } = new URL(node.admin!)
        const socket = connectSocket(Number(port), '127.0.0.1')
        socket.once('data', (data) => {
          resolve(String(data).split('\r\n', 1)[0]!)
          socket.destroy()
        })
        socket.write(
          `${head}\r\nhost: 127.0.0.1:${port}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
        )
      })
    assert.match(await answer('GET /v1/elsewhere HTTP/1.1'), /404/)
    assert.match(await answer('POST /v1/client HTTP/1.1'), /405/)
  })
})
