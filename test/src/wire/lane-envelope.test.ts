import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isWireError, mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import type { Envelope } from '../../../src/wire/envelope.ts'
import { FRAME_HEADER_BYTES } from '../../../src/wire/frame.ts'
import { HeadReader, isFree, type LaneEnvelope } from '../../../src/wire/lane-envelope.ts'
import { MAX_HOPS, MAX_LANE_HEAD_BYTES } from '../../../src/wire/limits.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { fullEnvelope, laneEnds, messageFrame, otherEnds, plainEnvelope } from './sample-lane-frames.ts'

const number = fc.oneof(fc.nat(300), fc.maxSafeNat(), fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32, 2 ** 53 - 1))
const text = fc.oneof(
  fc.string({ unit: 'grapheme-composite', maxLength: 8 }),
  fc.string({ unit: 'binary-ascii', maxLength: 60 }),
  fc.constantFrom('', '__proto__', '\ufffd', 'x'.repeat(47), 'x'.repeat(48), 'x'.repeat(49), `${'x'.repeat(46)}ü`),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })
const arbitraryEnvelope: fc.Arbitrary<Envelope> = fc.record({
  kind: fc.constantFrom('message', 'request', 'reply', 'error', 'ack'),
  id: number,
  source: fc.oneof(text, fc.constant(laneEnds.self)),
  sourceGeneration: fc.oneof(number, fc.constant(laneEnds.selfGeneration)),
  destination: fc.oneof(text, fc.constant(laneEnds.peer)),
  destinationGeneration: fc.oneof(fc.integer({ min: 1, max: 2 ** 40 }), fc.constant(laneEnds.peerGeneration)),
  channel: fc.constant('data' as const),
  sequence: number,
  floor: number,
  key: maybe(text),
  epoch: number,
  hops: fc.nat(MAX_HOPS),
  trace: maybe(fc.string({ unit: 'binary-ascii', maxLength: 64 })),
  deadlineMs: maybe(number),
  subject: maybe(text),
  topic: maybe(text),
  encoding: fc.constantFrom('bytes', 'json'),
  payload: fc.uint8Array({ maxLength: 300 }),
})

function read(frame: Buffer): LaneEnvelope {
  return new HeadReader(otherEnds).read(frame, FRAME_HEADER_BYTES, frame.length, frame.length)
}

describe('an envelope on a lane', () => {
  it('arrives as it was sent, whatever it holds', () => {
    fc.assert(
      fc.property(arbitraryEnvelope, (envelope) => {
        const frame = messageFrame(envelope)
        const laneBytes = isFree(envelope.kind) ? 0 : frame.length
        assert.deepEqual(read(frame), { ...envelope, laneBytes })
      }),
    )
  })

  it('costs nine bytes beside its payload when it has nothing but an id', () => {
    assert.equal(messageFrame({ ...plainEnvelope, id: 1_000_000 }).length - plainEnvelope.payload.length, 9)
  })

  it('goes to the life at the other end when its source does not know that life', () => {
    const frame = messageFrame({ ...plainEnvelope, destinationGeneration: 0 })
    assert.equal(read(frame).destinationGeneration, laneEnds.peerGeneration)
  })

  it('shares the memory it came in, for its payload is not copied', () => {
    const frame = messageFrame(plainEnvelope)
    assert.equal(read(frame).payload.buffer, frame.buffer)
    assert.equal(Object.getPrototypeOf(read(frame).payload), Uint8Array.prototype)
  })

  it('takes credit if it is a message or a request, and none if it answers', () => {
    const laneBytes = (['message', 'request', 'reply', 'error', 'ack'] as const).map(
      (kind) => read(messageFrame({ ...plainEnvelope, kind })).laneBytes > 0,
    )
    assert.deepEqual(laneBytes, [true, true, false, false, false])
  })

  it('has a head within its bound, with every text at its longest', () => {
    const longest = { source: 128, destination: 128, key: 256, topic: 256, subject: 256, trace: 64 }
    const texts = Object.fromEntries(Object.entries(longest).map(([field, length]) => [field, 'x'.repeat(length)]))
    const most = 2 ** 53 - 1
    const numbers = { id: most, sequence: most, floor: most, epoch: most, deadlineMs: most, sourceGeneration: most }
    const frame = messageFrame({ ...fullEnvelope, ...texts, ...numbers, destinationGeneration: most, hops: MAX_HOPS })
    assert.ok(frame.length - FRAME_HEADER_BYTES - fullEnvelope.payload.length <= MAX_LANE_HEAD_BYTES)
    for (const field of Object.keys(longest)) {
      const tooLong = { ...fullEnvelope, [field]: 'x'.repeat(longest[field as keyof typeof longest] + 1) }
      assert.throws(() => messageFrame(tooLong), isWireError('too-long'), field)
    }
  })

  it('is not written when no receiver would take it', () => {
    for (const [changes, kind] of [
      [{ id: -1 }, 'bad-value'],
      [{ id: 0.5 }, 'bad-value'],
      [{ sequence: 2 ** 53 }, 'bad-value'],
      [{ hops: MAX_HOPS + 1 }, 'bad-value'],
      [{ key: 'half \ud800' }, 'bad-utf8'],
    ] as const) {
      assert.throws(() => messageFrame({ ...plainEnvelope, ...changes }), isWireError(kind))
    }
  })

  it('is refused where its head is cut off', () => {
    const frame = messageFrame({ ...fullEnvelope, payload: new Uint8Array(0) })
    for (let end = FRAME_HEADER_BYTES; end < frame.length; end++) {
      assert.throws(
        () => new HeadReader(otherEnds).read(frame, FRAME_HEADER_BYTES, end, 0),
        isWireError('truncated'),
        `${end}`,
      )
    }
  })
})

const fuzzedHeads = Number(process.env.TRELLIS_FUZZ_FRAMES ?? 100_000)

describe(`${fuzzedHeads} mutated envelopes`, () => {
  it('never give anything but an envelope with one encoding, or a WireError', () => {
    const random = randomFrom(Number(process.env.TRELLIS_FUZZ_SEED ?? 1))
    const frames = [plainEnvelope, fullEnvelope].map((envelope) => messageFrame(envelope))
    const refused = new Set<string>()
    for (let count = 0; count < fuzzedHeads; count++) {
      const body = Buffer.from(mutate(frames[count % frames.length]!.subarray(FRAME_HEADER_BYTES), random))
      try {
        const { laneBytes: _, ...envelope } = new HeadReader(otherEnds).read(body, 0, body.length, body.length)
        assert.deepEqual(read(messageFrame(envelope)), {
          ...envelope,
          laneBytes: read(messageFrame(envelope)).laneBytes,
        })
      } catch (error) {
        if (!(error instanceof WireError)) throw error
        refused.add(error.kind)
      }
    }
    assert.deepEqual([...refused].sort(), ['bad-utf8', 'bad-value', 'too-long', 'truncated', 'unknown-number'])
  })
})
