import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { encodeDecision } from '../../../src/vsm/fenced.ts'
import { decodeCausal, decodeDelivery, encodeCausal, encodeDelivery } from '../../../src/wire/delivery.ts'
import { encodeEnvelope } from '../../../src/wire/envelope.ts'
import { MAX_DEPENDENCIES, MAX_FAILURE_BYTES } from '../../../src/wire/limits.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { MAX_FAILURES, MAX_RANGES, PIECE_BYTES } from '../../../topology/index.ts'
import { plainEnvelope } from './sample-lane-frames.ts'

const number = fc.nat()
const plain = { noNullPrototype: true }
const ranges = fc.array(fc.record({ first: number, last: number }, plain), { maxLength: 8 })
const acknowledgement = fc.record(
  {
    type: fc.constant('acknowledgement' as const),
    finishedThrough: number,
    until: number,
    finished: ranges,
    received: ranges,
    failures: fc.array(fc.record({ sequence: number, failure: fc.uint8Array({ maxLength: 32 }) }, plain), {
      maxLength: 4,
    }),
    isAnswer: fc.boolean(),
  },
  plain,
)
const floor = fc.record(
  { type: fc.constant('floor' as const), floor: number, sentThrough: number, skipped: ranges },
  plain,
)
const someBytes = fc.uint8Array({ maxLength: 64 })
const piece = fc.record(
  {
    type: fc.constant('piece' as const),
    ...{ transfer: number, bytes: number, offset: number, head: someBytes, part: someBytes },
  },
  plain,
)
const placed = fc.record(
  {
    type: fc.constant('placed' as const),
    ...{ transfer: number, through: number, state: fc.constantFrom('wanted', 'done', 'refused') },
  },
  plain,
)
const stamp = fc.record(
  {
    sequence: number,
    dependencies: fc.array(fc.record({ source: fc.string(), generation: number, sequence: number }, plain), {
      maxLength: 4,
    }),
  },
  plain,
)

describe('what delivery says', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.oneof(acknowledgement, floor, piece, placed), (said) => {
        assert.deepEqual(decodeDelivery(encodeDelivery(said)), said)
      }),
    )
  })

  it('has golden bytes', () => {
    const said = {
      type: 'acknowledgement',
      finishedThrough: 5,
      until: 300,
      finished: [{ first: 7, last: 9 }],
      received: [{ first: 10, last: 300 }],
      failures: [{ sequence: 3, failure: Uint8Array.of(123, 125) }],
      isAnswer: true,
    } as const
    assert.equal(Buffer.from(encodeDelivery(said)).toString('hex'), '0105ac02010709010aac020103027b7d01')
    const asked = { type: 'floor', floor: 6, sentThrough: 300, skipped: [{ first: 8, last: 8 }] } as const
    assert.equal(Buffer.from(encodeDelivery(asked)).toString('hex'), '0206ac02010808')
    const piece = {
      type: 'piece',
      transfer: 300,
      bytes: 70_000,
      offset: 0,
      head: Uint8Array.of(7),
      part: Uint8Array.of(8, 9),
    } as const
    assert.equal(Buffer.from(encodeDelivery(piece)).toString('hex'), '03ac02f0a204000107020809')
    const placed = { type: 'placed', transfer: 300, through: 61_440, state: 'done' } as const
    assert.equal(Buffer.from(encodeDelivery(placed)).toString('hex'), '04ac0280e00301')
    const place = { sequence: 2, dependencies: [{ source: 'b', generation: 3, sequence: 300 }] }
    assert.equal(Buffer.from(encodeCausal(place, Uint8Array.of(255))).toString('hex'), '0201016203ac02ff')
  })

  it('is bounded', () => {
    const many = Array.from({ length: MAX_RANGES + 1 }, () => ({ first: 1, last: 1 }))
    assert.throws(() => encodeDelivery({ type: 'floor', floor: 1, sentThrough: 1, skipped: many }), WireError)
    const empty = { finishedThrough: 0, until: 0, finished: [], received: [], isAnswer: false }
    const failures = (count: number, bytes: number) =>
      Array.from({ length: count }, () => ({ sequence: 1, failure: new Uint8Array(bytes) }))
    for (const list of [failures(MAX_FAILURES + 1, 0), failures(1, MAX_FAILURE_BYTES + 1)])
      assert.throws(() => encodeDelivery({ type: 'acknowledgement', ...empty, failures: list }), WireError)
    const piece = { type: 'piece', transfer: 1, bytes: 1, offset: 0, head: new Uint8Array() } as const
    assert.throws(() => encodeDelivery({ ...piece, part: new Uint8Array(PIECE_BYTES + 1) }), WireError)
    const dependencies = Array.from({ length: MAX_DEPENDENCIES + 1 }, () => ({
      source: '',
      generation: 1,
      sequence: 1,
    }))
    assert.throws(() => encodeCausal({ sequence: 1, dependencies }, new Uint8Array()), WireError)
  })

  it('throws nothing but a WireError on what is none (20,000 mutations)', () => {
    const good = [
      encodeDelivery({ type: 'floor', floor: 1, sentThrough: 2, skipped: [{ first: 1, last: 1 }] }),
      encodeCausal({ sequence: 1, dependencies: [{ source: 'b', generation: 1, sequence: 1 }] }, Uint8Array.of(1)),
      encodeDelivery({
        ...{ type: 'piece', transfer: 1, bytes: 70_000, offset: 0 },
        ...{ head: Uint8Array.of(1, 2), part: Uint8Array.of(3) },
      }),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...good), fc.nat(), fc.nat(255), fc.nat(8), (bytes, at, value, cut) => {
        const mutated = bytes.slice(0, Math.max(0, bytes.length - cut))
        if (mutated.length > 0) mutated[at % mutated.length] = value
        for (const decode of [decodeDelivery, decodeCausal]) {
          try {
            decode(mutated)
          } catch (error) {
            assert.ok(error instanceof WireError, String(error))
          }
        }
      }),
      { numRuns: 20_000 },
    )
  })
})

describe('the place of a causal message', () => {
  it('stands before its payload, which is what it was', () => {
    fc.assert(
      fc.property(stamp, fc.uint8Array(), (place, payload) => {
        const read = decodeCausal(encodeCausal(place, payload))
        assert.deepEqual([read.stamp, new Uint8Array(read.payload)], [place, payload])
      }),
    )
  })
})

describe('what is kept for a while', () => {
  it('lies in memory of its own: what it was written beside is not kept with it', () => {
    const stamp = { sequence: 1, dependencies: [] }
    const kept = [
      encodeDelivery({ type: 'floor', floor: 1, sentThrough: 2, skipped: [] }),
      encodeCausal(stamp, new Uint8Array(10)),
      encodeDecision({ n: 1 }),
      encodeEnvelope(plainEnvelope),
    ]
    assert.deepEqual(
      kept.map(({ buffer }) => buffer.byteLength),
      kept.map(({ length }) => length),
    )
  })
})
