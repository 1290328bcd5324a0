import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isWireError } from '../../../src/testing/compliance/codec.ts'
import { FrameSplitter } from '../../../src/wire/frame.ts'

/** Length, kind, body. */
function frame(kind: number, body: readonly number[]): Uint8Array {
  return Uint8Array.of(0, 0, 0, body.length + 1, kind, ...body)
}

describe('a frame', () => {
  it('within one chunk is a view into that chunk', () => {
    const splitter = new FrameSplitter(100)
    const chunk = Uint8Array.of(...frame(1, [10, 11]), ...frame(2, []))
    splitter.push(chunk)
    const first = splitter.next()
    assert.equal(first?.body.buffer, chunk.buffer)
    assert.deepEqual([first?.kind, [...(first?.body ?? [])]], [1, [10, 11]])
    assert.equal(splitter.next()?.kind, 2)
    assert.equal(splitter.next(), undefined)
    assert.equal(splitter.bufferedBytes, 0)
  })

  it('that comes byte by byte is put together', () => {
    const splitter = new FrameSplitter(100)
    const bytes = Uint8Array.of(...frame(1, [10, 11]), ...frame(2, [12]))
    const kinds: number[] = []
    for (const byte of bytes) {
      splitter.push(Uint8Array.of(byte))
      for (let next = splitter.next(); next !== undefined; next = splitter.next()) kinds.push(next.kind)
    }
    assert.deepEqual(kinds, [1, 2])
  })

  it('longer than allowed is refused as soon as its length is there', () => {
    for (const length of [101, 0xffffffff]) {
      const splitter = new FrameSplitter(100)
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(length)
      splitter.push(bytes.subarray(0, 3))
      assert.equal(splitter.next(), undefined)
      splitter.push(bytes.subarray(3))
      assert.throws(() => splitter.next(), isWireError('too-long'))
    }
  })

  it('of exactly the length allowed passes', () => {
    const splitter = new FrameSplitter(3)
    splitter.push(frame(1, [1, 2]))
    assert.equal(splitter.next()?.body.length, 2)
  })

  it('without even a kind is refused', () => {
    const splitter = new FrameSplitter(100)
    splitter.push(new Uint8Array(4))
    assert.throws(() => splitter.next(), isWireError('bad-value'))
  })

  it('that is announced and does not come keeps no more than what has come', () => {
    const splitter = new FrameSplitter(64 * 1024 * 1024)
    const header = Buffer.alloc(4)
    header.writeUInt32BE(64 * 1024 * 1024)
    splitter.push(Buffer.concat([header, Buffer.alloc(10)]))
    const before = process.memoryUsage().arrayBuffers
    assert.equal(splitter.next(), undefined)
    assert.equal(splitter.bufferedBytes, 14)
    assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
  })
})

describe('what is left', () => {
  it('behind the last frame taken is handed over as it came', () => {
    const splitter = new FrameSplitter(100)
    splitter.push(Uint8Array.of(...frame(1, []), ...frame(2, [7]), 0, 0))
    splitter.next()
    assert.deepEqual([...splitter.takeRest()], [...frame(2, [7]), 0, 0])
    assert.equal(splitter.next(), undefined)
  })

  it('of a half frame is handed over too', () => {
    const splitter = new FrameSplitter(100)
    splitter.push(Uint8Array.of(0, 0, 0, 9, 1))
    assert.equal(splitter.next(), undefined)
    assert.deepEqual([...splitter.takeRest()], [0, 0, 0, 9, 1])
    assert.equal(splitter.bufferedBytes, 0)
  })
})
