import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import { FrameQueue, finished, type Taken } from '../../../src/channels/frame-queue.ts'
import { writeFrameHeader } from '../../../src/wire/lane-frames.ts'
import { living } from '../../living.ts'

/** Queues a frame of `length` bytes that holds `fill`. */
function put(queue: FrameQueue, length: number, fill: number): void {
  const slab = queue.reserve(length, () => 0)
  const end = slab.written + length
  slab.bytes.fill(fill, slab.written, end)
  writeFrameHeader(slab.bytes, slab.written, end, fill)
  queue.commit(slab, end)
}

function fills({ bytes }: Taken): number[] {
  const found: number[] = []
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) found.push(bytes[at + 4]!)
  return found
}

describe('a queue of frames', () => {
  it('gives whole frames in their order, as many as fit, and none when the first does not', () => {
    const queue = new FrameQueue()
    for (const fill of [1, 2, 3, 4]) put(queue, 10, fill)
    assert.deepEqual([queue.messages, queue.bytes], [4, 40])
    assert.equal(queue.take(9), undefined)
    assert.deepEqual(fills(queue.take(29)!), [1, 2])
    assert.deepEqual(fills(queue.take(1_000)!), [3, 4])
    assert.deepEqual([queue.messages, queue.bytes, queue.since], [0, 0, undefined])
    assert.equal(queue.take(1_000), undefined)
  })

  it('drops its oldest', () => {
    const queue = new FrameQueue()
    for (const fill of [1, 2, 3]) put(queue, 10, fill)
    queue.dropOldest()
    assert.deepEqual([queue.messages, queue.bytes], [2, 20])
    assert.deepEqual(fills(queue.take(1_000)!), [2, 3])
  })

  it('uses memory again when its write is over, and not before', () => {
    const queue = new FrameQueue()
    const seen: Buffer[] = []
    const under: Taken[] = []
    for (let round = 0; round < 200; round++) {
      for (let frame = 0; frame < 7; frame++) put(queue, 20_000, round % 250)
      const taken = queue.take(Number.POSITIVE_INFINITY)!
      under.push(taken)
      seen.push(Buffer.from(taken.bytes))
      if (round % 3 === 0) continue
      const over = under.shift()!
      assert.deepEqual(over.bytes, seen.shift())
      finished(over.slab)
    }
    for (const taken of under) assert.deepEqual(taken.bytes, seen.shift())
  })

  it('is empty after it was cleared', () => {
    const queue = new FrameQueue()
    for (let index = 0; index < 30; index++) put(queue, 20_000, index)
    assert.equal(queue.clear(), 30)
    assert.deepEqual([queue.messages, queue.bytes], [0, 0])
    put(queue, 10, 7)
    assert.deepEqual(fills(queue.take(100)!), [7])
  })

  it('frees at once what it keeps for nobody', () => {
    const queue = new FrameQueue()
    for (let frame = 0; frame < 400; frame++) put(queue, 20_000, 1)
    const taken: Taken[] = []
    for (let next = queue.take(Infinity); next; next = queue.take(Infinity)) taken.push(next)
    for (const { slab } of taken) finished(slab)
    const kept = taken.filter(({ slab }) => slab.bytes.byteLength > 0)
    assert.ok(taken.length > 60 && kept.length <= 32, `${kept.length} of ${taken.length} are kept`)
  })

  it('gives back what a burst needed, once less is enough', async () => {
    const burst = new FrameQueue()
    for (let frame = 0; frame < 140; frame++) put(burst, 20_000, 1)
    const taken: Taken[] = []
    for (let next = burst.take(Infinity); next; next = burst.take(Infinity)) taken.push(next)
    const slabs = taken.map(({ bytes }) => new WeakRef(bytes.buffer))
    for (const { slab } of taken.splice(0)) finished(slab)
    const count = (await living(slabs)).length
    const quiet = new FrameQueue()
    for (let message = 0; message < 600; message++) {
      put(quiet, 100, 2)
      finished(quiet.take(Infinity)!.slab)
    }
    const left = (await living(slabs)).length
    assert.ok(count > 20 && left <= 1, `${left} of ${count} live`)
  })
})
