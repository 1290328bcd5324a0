import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isWireError, mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import { CHUNK_HEADER_BYTES, LaneFrameSplitter, smallFrame, writeFrameHeader } from '../../../src/wire/lane-frames.ts'
import { MAX_CHUNK_BYTES, MAX_LANE_FRAME_BYTES } from '../../../src/wire/limits.ts'
import { frameNumbers } from '../../../src/wire/message-numbers.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { laneFrames } from './sample-lane-frames.ts'

/** What a stream holds, with the pieces of each chunk put together. */
class Recorder {
  readonly frames: string[] = []
  readonly splitter = new LaneFrameSplitter({
    frame: (kind, bytes, start, end) => this.frames.push(`${kind} ${bytes.toString('hex', start, end)}`),
    piece: (transfer, bytes, start, end, frameBytes, isLast) => {
      this.#chunk += bytes.toString('hex', start, end)
      if (!isLast) return
      this.frames.push(`chunk of ${transfer}, ${frameBytes}: ${this.#chunk}`)
      this.#chunk = ''
    },
  })
  #chunk = ''
}

function framesOf(stream: Buffer, cuts: readonly number[]): string[] {
  const recorder = new Recorder()
  let from = 0
  for (const cut of [...cuts, stream.length]) {
    recorder.splitter.push(Buffer.from(stream.subarray(from, cut)))
    from = cut
  }
  return recorder.frames
}

const stream = Buffer.concat(laneFrames)

describe('frames of a lane', () => {
  it('come out of the stream however it is cut', () => {
    const whole = framesOf(stream, [])
    assert.equal(whole.length, laneFrames.length)
    assert.equal(whole[3], 'chunk of 7, 11: 0000')
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 })
    fc.assert(
      fc.property(cuts, (at) => {
        assert.deepEqual(
          framesOf(
            stream,
            at.sort((one, other) => one - other),
          ),
          whole,
        )
      }),
    )
    assert.deepEqual(framesOf(stream, Array.from(stream.keys()).slice(1)), whole)
  })

  it('that were copied need the memory of their chunk no more; of any other that is said', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: stream.length - 1 }), { maxLength: 12 })
    fc.assert(
      fc.property(cuts, (at) => {
        const handedOn: { readonly bytes: Buffer; readonly start: number; readonly end: number }[] = []
        const frame = (_kind: number, bytes: Buffer, start: number, end: number) => handedOn.push({ bytes, start, end })
        const splitter = new LaneFrameSplitter({ frame, piece: () => undefined })
        const shown = () => handedOn.map(({ bytes, start, end }) => bytes.toString('hex', start, end))
        let from = 0
        for (const cut of [...at.sort((one, other) => one - other), stream.length]) {
          const chunk = Buffer.from(stream.subarray(from, cut))
          from = cut
          const isFree = splitter.push(chunk)
          const before = shown()
          chunk.fill(0xff)
          assert.equal(
            isFree,
            handedOn.every(({ bytes }) => bytes !== chunk),
          )
          if (isFree) assert.deepEqual(shown(), before)
        }
      }),
    )
  })

  it('hand on a whole frame as it lies in its chunk', () => {
    const chunk = Buffer.concat(laneFrames)
    const seen: unknown[] = []
    new LaneFrameSplitter({ frame: (_kind, bytes) => seen.push(bytes), piece: () => {} }).push(chunk)
    assert.ok(seen.every((bytes) => bytes === chunk))
  })

  it('are refused by their length as soon as it is here', () => {
    const push = (bytes: number[]) => () => new Recorder().splitter.push(Buffer.from(bytes))
    assert.throws(push([0, 0, 0, 0, 81]), isWireError('bad-value'))
    assert.throws(push([255, 255, 255, 255, 81]), isWireError('too-long'))
    const header = Buffer.alloc(5)
    header.writeUInt32BE(MAX_LANE_FRAME_BYTES + 1)
    assert.throws(push([...header]), isWireError('too-long'))
    const empty = Buffer.alloc(CHUNK_HEADER_BYTES)
    writeFrameHeader(empty, 0, empty.length, frameNumbers['lane-chunk'])
    assert.throws(push([...empty]), isWireError('bad-value'))
    writeFrameHeader(empty, 0, CHUNK_HEADER_BYTES + MAX_CHUNK_BYTES + 1, frameNumbers['lane-chunk'])
    assert.throws(push([...empty]), isWireError('bad-value'))
  })

  it('have one length and one kind', () => {
    assert.deepEqual([...smallFrame(frameNumbers['lane-credit'], 300, 0)], [0, 0, 0, 4, 85, 172, 2, 0])
  })

  it('never give anything but frames and a WireError when the stream is mutated', () => {
    const random = randomFrom(2)
    for (let count = 0; count < 20_000; count++) {
      const bytes = Buffer.from(mutate(stream, random))
      try {
        framesOf(bytes, [Math.floor(random() * bytes.length)])
      } catch (error) {
        if (!(error instanceof WireError)) throw error
      }
    }
  })
})
