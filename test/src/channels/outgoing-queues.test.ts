// What waits for lanes, over lanes that take nothing but large payloads, which they are slow to read.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Lanes } from '../../../src/channels/lane.ts'
import { OutgoingMessage } from '../../../src/channels/outgoing-message.ts'
import { OutgoingQueues } from '../../../src/channels/outgoing-queues.ts'
import type { ClusterError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { MAX_CHUNK_BYTES } from '../../../src/wire/limits.ts'

function begin() {
  const reading: Envelope[] = []
  const send = (envelope: Envelope): string => {
    reading.push(envelope)
    return 'taking'
  }
  const lane = (peer: string) => ({ peer, channel: 'data', send })
  const queues = new OutgoingQueues({
    self: { id: 'a', generation: 1 },
    clock: systemClock,
    lanes: { to: lane } as unknown as Lanes,
    nextHop: (member) => member,
    isAwaited: () => true,
    pieces: { put: () => assert.fail('there is a link') },
  })
  const settled: [string, string][] = []
  const put = (id: string, isAcknowledged = false): OutgoingMessage => {
    const payload = new Uint8Array(MAX_CHUNK_BYTES + 1)
    const listener = {
      settled: (_: OutgoingMessage, error?: ClusterError) => void settled.push([id, error?.code ?? 'taken']),
    }
    const destination = { id, name: id, generation: 1 }
    const fields = { kind: 'message', id: 1, channel: 'data', destination, isAcknowledged } as const
    const message = new OutgoingMessage({ ...fields, encoded: { encoding: 'bytes', payload }, listener })
    queues.put(message, 0)
    return message
  }
  return { queues, reading, settled, put }
}

describe('a large payload that a lane is still reading', () => {
  it('fails with its own neighbor and no other, though there be a way again', () => {
    const { queues, settled, put } = begin()
    put('b')
    put('c')
    queues.lost('b')
    assert.deepEqual(settled, [['b', 'ERR_NO_ROUTE']])
  })

  it('is not sent again while it is read, though its source be asked to, and again when that was in vain', () => {
    const { queues, reading, settled, put } = begin()
    const message = put('b', true)
    queues.put(message, 0)
    assert.equal(reading.length, 1)
    queues.taken(reading[0]!, 'refused')
    queues.put(message, 0)
    assert.deepEqual([reading.length, settled], [2, []])
    queues.lost('b')
    assert.deepEqual(settled, [])
  })

  it('is sent when it was read, and not when its receiver has no memory for it', () => {
    const { queues, reading, settled, put } = begin()
    put('b')
    put('c')
    queues.taken(reading[0]!, 'refused')
    queues.taken(reading[1]!, 'taken')
    assert.deepEqual(settled, [
      ['b', 'ERR_BUFFER_FULL'],
      ['c', 'taken'],
    ])
  })
})
