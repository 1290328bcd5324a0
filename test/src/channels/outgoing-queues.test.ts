// What waits for lanes, over lanes that are slow to read large payloads.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Lanes } from '../../../src/channels/lane.ts'
import { OutgoingMessage, type OutgoingMessageFields } from '../../../src/channels/outgoing-message.ts'
import { OutgoingQueues } from '../../../src/channels/outgoing-queues.ts'
import { ClusterError } from '../../../src/errors.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { MAX_CHUNK_BYTES } from '../../../src/wire/limits.ts'

function begin(isFull = () => false) {
  const reading: Envelope[] = []
  const send = (envelope: Envelope): string => {
    if (isFull()) return 'full'
    reading.push(envelope)
    return envelope.payload.length > MAX_CHUNK_BYTES ? 'taking' : 'accepted'
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
  const put = (id: string, isAcknowledged = false, given: Partial<OutgoingMessageFields> = {}): OutgoingMessage => {
    const payload = new Uint8Array(MAX_CHUNK_BYTES + 1)
    const listener = {
      settled: (_: OutgoingMessage, error?: ClusterError) => void settled.push([id, error?.code ?? 'taken']),
    }
    const destination = { id, name: id, generation: 1 }
    const fields = { kind: 'message', id: 1, channel: 'data', destination, isAcknowledged } as const
    const message = new OutgoingMessage({ ...fields, encoded: { encoding: 'bytes', payload }, listener, ...given })
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
    queues.lost('b', false)
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
    queues.lost('b', false)
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

describe('what has the key of a large payload that a lane is still reading', () => {
  const small = (id: number, key = 'k'): Partial<OutgoingMessageFields> => ({
    id,
    key,
    encoded: { encoding: 'bytes', payload: new Uint8Array(1) },
  })

  it('waits until that was read, or failed, one large payload after the other', () => {
    const { queues, reading, put } = begin()
    const ids = (): number[] => reading.map(({ id }) => id)
    put('b', false, { id: 1, key: 'k' })
    put('b', false, small(2))
    put('b', false, { id: 3, key: 'k' })
    put('b', false, small(4))
    put('b', false, { ...small(5), onFull: 'fail' })
    assert.deepEqual([ids(), queues.waiting('data')], [[1], { messages: 4, bytes: MAX_CHUNK_BYTES + 4 }])
    queues.taken(reading[0]!, 'taken')
    assert.deepEqual(ids(), [1, 2, 3])
    put('b', false, small(6))
    queues.taken(reading[2]!, 'refused')
    assert.deepEqual([ids(), queues.waiting('data')], [[1, 2, 3, 4, 5, 6], { messages: 0, bytes: 0 }])
    put('b', false, small(7))
    assert.equal(ids().at(-1), 7)
  })

  it('does not wait with another key or for another member, when it is acknowledged, nor when only the newest counts', () => {
    const { reading, put } = begin()
    put('b', false, { id: 1, key: 'k' })
    put('b', false, small(2, 'other'))
    put('c', false, small(3))
    put('b', true, small(4))
    put('b', false, { ...small(5), kind: 'newest' })
    assert.deepEqual(
      reading.map(({ id }) => id),
      [1, 2, 3, 4, 5],
    )
  })

  it('is not sent when nobody waits for it any more', () => {
    const { queues, reading, put } = begin()
    const large = put('b', false, { id: 1, key: 'k' })
    put('b', false, small(2)).settle()
    put('b', false, small(3))
    large.settle()
    assert.deepEqual([reading.map(({ id }) => id), queues.waiting('data').messages], [[1, 3], 0])
  })
})

describe('what waits for room in a lane', () => {
  /** A lane that is full but for what drops the oldest, until it has room. */
  function beginFull() {
    const sent: number[] = []
    const lab = { hasRoom: false }
    const send = ({ id }: Envelope, dropsOldest?: boolean): string => {
      if (!lab.hasRoom && !dropsOldest) return 'full'
      sent.push(id)
      return 'accepted'
    }
    const lane = { send, nearestLimit: [1, 'messages'] }
    const queues = new OutgoingQueues({
      self: { id: 'a', generation: 1 },
      clock: systemClock,
      lanes: { to: () => lane } as unknown as Lanes,
      nextHop: (member) => member,
      isAwaited: () => true,
      pieces: { put: () => assert.fail('there is a link') },
    })
    const settled: [number, string][] = []
    const put = (id: number, bytes: number, given: Partial<OutgoingMessageFields> = {}): OutgoingMessage => {
      const listener = {
        settled: (_: OutgoingMessage, error?: ClusterError) => void settled.push([id, error?.code ?? 'taken']),
      }
      const destination = { id: 'b', name: 'b', generation: 1 }
      const encoded = { encoding: 'bytes', payload: new Uint8Array(bytes) } as const
      const fields = { kind: 'message', id, channel: 'data', destination, isAcknowledged: false, encoded } as const
      const message = new OutgoingMessage({ ...fields, listener, ...given })
      queues.put(message, 0)
      return message
    }
    const room = (): void => {
      lab.hasRoom = true
      queues.room('b', 'data')
    }
    return { queues, sent, settled, put, room }
  }
  const gone = new ClusterError('ERR_ABORTED', 'gone', { operation: 'send' })

  it('takes no room of the line any more once nobody waits for it', () => {
    const { queues, sent, settled, put, room } = beginFull()
    const most = 40 * 1_048_576
    for (let id = 1; id <= 3; id++) {
      const message = put(id, most)
      assert.deepEqual(queues.waiting('data'), { messages: 1, bytes: most })
      message.settle(gone)
      assert.deepEqual(queues.waiting('data'), { messages: 0, bytes: 0 })
    }
    for (let id = 4; id < 70_000; id++) put(id, 1).settle(gone)
    put(70_000, 1)
    const last = put(70_001, 1)
    put(70_002, 1)
    last.settle(gone)
    assert.deepEqual(queues.waiting('data'), { messages: 2, bytes: 2 })
    assert.ok(settled.every(([, code]) => code === 'ERR_ABORTED'))
    room()
    assert.deepEqual(sent, [70_000, 70_002])
    assert.deepEqual(queues.waiting('data'), { messages: 0, bytes: 0 })
  })

  it('lets pass what drops the oldest, but for what has the key of something that waits', () => {
    const { sent, put, room } = beginFull()
    put(1, 1)
    put(2, 1, { key: 'k' })
    put(3, 1, { onFull: 'drop-oldest' })
    put(4, 1, { onFull: 'drop-oldest', key: 'other' })
    put(5, 1, { onFull: 'drop-oldest', key: 'k' })
    put(6, 1, { onFull: 'drop-oldest', key: 'k', kind: 'newest' })
    put(7, 1, { onFull: 'drop-oldest', key: 'k', isAcknowledged: true })
    assert.deepEqual(sent, [3, 4, 6, 7])
    room()
    assert.deepEqual(sent, [3, 4, 6, 7, 1, 2, 5])
  })
})

describe('messages that wait and are all given up', () => {
  it('keep no other from a lane that has room again', () => {
    let isFull = true
    const { queues, reading, settled, put } = begin(() => isFull)
    const small = { id: 2, encoded: { encoding: 'bytes', payload: new Uint8Array(1) }, onFull: 'fail' } as const
    const first = put('b')
    put('b', false, small)
    assert.deepEqual(settled, [['b', 'ERR_BUFFER_FULL']], 'another waits')
    first.settle(new ClusterError('ERR_ABORTED', 'given up', { operation: 'send' }))
    put('b', false, small)
    assert.equal(settled.length, 3, 'the lane is full')
    isFull = false
    put('b', false, small)
    assert.deepEqual(settled.at(-1), ['b', 'taken'])
    assert.equal(reading.length, 1)
    const way = queues.directly({ id: 'b', name: 'b', generation: 1 }, 'data', () => 7)
    assert.equal(way.send(small.encoded, { topic: undefined, deadlineMs: undefined, onFull: 'wait' }, undefined), 7)
    queues.room('b', 'data')
    assert.deepEqual(queues.waiting('data'), { messages: 0, bytes: 0 })
  })
})
