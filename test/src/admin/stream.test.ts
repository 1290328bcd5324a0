// A stream of messages whose reader does not read: it is cut, and what still waited for it has found no handler.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { it } from 'node:test'
import { writeMessages } from '../../../src/admin/stream.ts'
import type { Message } from '../../../src/channels/channel.ts'

const patienceMs = 100

it('a stream whose reader leaves what was written unread is cut, and asks for no more meanwhile', async () => {
  let asked = 0
  let isOver = false
  async function* messages(): AsyncGenerator<Message> {
    const plain = { from: 'a', channel: 'data', trace: undefined, receivedAt: 0 } as const
    try {
      for (;;) {
        asked += 1
        yield { ...plain, id: `${asked}`, payload: 'x'.repeat(60_000) }
      }
    } finally {
      isOver = true
    }
  }
  let ended: Promise<void> = Promise.resolve()
  const server = createServer((_, response) => {
    response.writeHead(200)
    ended = writeMessages(messages(), response, new AbortController().signal, patienceMs)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
  reader.on('error', () => {})
  reader.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(server, 'request')
  await ended
  assert.ok(isOver && asked > 1 && asked < 1_000, `asked for ${asked}`)
  reader.resume()
  await once(reader, 'close')
  await new Promise((resolve) => server.close(resolve))
})
