import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isWireError, mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'
import { FRAME_HEADER_BYTES } from '../../../src/wire/frame.ts'
import {
  MAX_COMMAND_BYTES,
  MAX_DECISION_BYTES,
  MAX_ENTRIES_PER_APPEND,
  MAX_EVIDENCE_BYTES,
  MAX_FRAME_BYTES,
  MAX_HANDSHAKE_FRAME_BYTES,
  MAX_PAYLOAD_BYTES,
} from '../../../src/wire/limits.ts'
import { decodeFrame, encodeFrame, FrameDecoder, type WireMessage } from '../../../src/wire/message.ts'
import { WireError } from '../../../src/wire/wire-error.ts'
import { arbitraryMessage } from './arbitrary-message.ts'
import { nameOf, sampleHello, sampleMessages, versionTwoMessages } from './sample-messages.ts'

/** More by `TRELLIS_FUZZ_FRAMES`. */
const fuzzedFrames = Number(process.env.TRELLIS_FUZZ_FRAMES ?? 100_000)
const fuzzSeed = Number(process.env.TRELLIS_FUZZ_SEED ?? 1)

describe('a message', () => {
  it('comes out of its frame as it went in', () => {
    fc.assert(
      fc.property(arbitraryMessage, (message) => {
        assert.deepEqual([...new FrameDecoder().push(encodeFrame(message))], [message])
      }),
      { numRuns: 2_000 },
    )
  })

  it('that is spoilt is refused, or is another one with exactly these bytes, and outlives them', () => {
    const random = randomFrom(1)
    fc.assert(
      fc.property(arbitraryMessage.filter(isStrict), (message) => {
        const frame = encodeFrame(message)
        const kind = frame[FRAME_HEADER_BYTES - 1] as number
        const whole = Uint8Array.from(frame.subarray(FRAME_HEADER_BYTES))
        const cut = whole.slice(0, Math.floor(random() * whole.length))
        for (const body of [cut, mutate(whole, random), mutate(whole, random)]) {
          const decoded = decodedOrRefused(kind, body)
          if (decoded === undefined) continue
          const before = body.slice()
          body.fill(0xee)
          assert.deepEqual(Uint8Array.from(encodeFrame(decoded).subarray(FRAME_HEADER_BYTES)), before)
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('comes out however its stream is cut', () => {
    const stream = Buffer.concat(sampleMessages.map((message) => encodeFrame(message)))
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        const decoder = new FrameDecoder()
        const messages: WireMessage[] = []
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] as number
          // A fresh copy, spoilt afterwards: nothing may refer to a chunk that is used up.
          const chunk = new Uint8Array(stream.subarray(at, at + size))
          messages.push(...decoder.push(chunk))
          chunk.fill(0xee)
          at += size
        }
        assert.deepEqual(messages, sampleMessages)
      }),
    )
  })

  it('is refused when bytes follow its last field', () => {
    for (const message of sampleMessages.filter(isStrict)) {
      assert.throws(() => decodeBody(message, [0]), isWireError('trailing-bytes'), nameOf(message))
    }
  })

  it('around a link may have fields that this release does not know', () => {
    const around = [...sampleMessages, ...versionTwoMessages].filter(
      (candidate) => !isStrict(candidate) && !isBare(candidate),
    )
    for (const message of around) {
      assert.deepEqual(decodeBody(message, [1, 2, 3]), message)
    }
  })

  it('is refused at every place where it may be cut off', () => {
    for (const message of sampleMessages) {
      const frame = encodeFrame(message)
      const kind = frame[FRAME_HEADER_BYTES - 1] as number
      // An accept cut off before its clock is that of a release that tells none.
      const from = FRAME_HEADER_BYTES + (message.type === 'accept' ? 1 : 0)
      for (let end = from; end < frame.length; end++) {
        const body = frame.subarray(FRAME_HEADER_BYTES, end)
        assert.throws(() => decodeFrame({ kind, body }), isWireError('truncated'), `${nameOf(message)} at ${end}`)
      }
    }
  })

  it('with an unknown number is refused', () => {
    for (const kind of [0, 5, 255]) {
      assert.throws(() => decodeFrame({ kind, body: new Uint8Array() }), isWireError('unknown-number'))
    }
  })
})

describe('the largest messages', () => {
  it('fit: an append full of the largest commands, an envelope with the largest payload', () => {
    const payload = new Uint8Array(MAX_DECISION_BYTES)
    const entries = Array.from({ length: MAX_ENTRIES_PER_APPEND }, (_, index) => ({
      index: Number.MAX_SAFE_INTEGER - index,
      term: Number.MAX_SAFE_INTEGER,
      command: { type: 'decide', singleton: 's'.repeat(64), token: Number.MAX_SAFE_INTEGER, payload } as const,
    }))
    const append = sampleMessages.find((message) => nameOf(message) === 'raft append')
    assert.ok(append?.type === 'raft' && append.message.type === 'append')
    const frame = encodeFrame({ type: 'raft', message: { ...append.message, entries } })
    assert.ok(frame.length > MAX_ENTRIES_PER_APPEND * MAX_DECISION_BYTES && frame.length <= MAX_FRAME_BYTES)
    const large = sampleMessages.find((message) => message.type === 'envelope')
    assert.ok(large?.type === 'envelope')
    const envelope = { ...large.envelope, payload: new Uint8Array(MAX_PAYLOAD_BYTES) }
    assert.equal([...new FrameDecoder().push(encodeFrame({ type: 'envelope', envelope }))].length, 1)
  })

  it('fit before admission: a hello with every field at its maximum', () => {
    const hello = {
      ...sampleHello,
      clusterName: 'x'.repeat(128),
      clusterId: 'x'.repeat(128),
      id: 'x'.repeat(128),
      name: 'x'.repeat(128),
      address: 'x'.repeat(264),
      storeId: 'x'.repeat(128),
      roles: new Array<string>(16).fill('x'.repeat(64)),
      zone: 'x'.repeat(64),
      ticket: new Uint8Array(64),
      evidence: new Uint8Array(MAX_EVIDENCE_BYTES),
    }
    assert.ok(encodeFrame({ type: 'hello', hello }).length <= MAX_HANDSHAKE_FRAME_BYTES)
  })

  it('are not encoded beyond what their receiver takes', () => {
    const payload = new Uint8Array(MAX_COMMAND_BYTES)
    const entry = { index: 1, term: 1, command: { type: 'decide', singleton: 's5', token: 1, payload } as const }
    const message = {
      type: 'append',
      term: 1,
      round: 1,
      previousIndex: 0,
      previousTerm: 0,
      commitIndex: 0,
    } as const
    assert.throws(
      () => encodeFrame({ type: 'raft', message: { ...message, entries: [entry] } }),
      isWireError('too-long'),
    )
    const many = new Array<{ index: number; term: number; command: undefined }>(MAX_ENTRIES_PER_APPEND + 1)
    many.fill({ index: 1, term: 1, command: undefined })
    assert.throws(() => encodeFrame({ type: 'raft', message: { ...message, entries: many } }), isWireError('too-long'))
  })
})

describe(`${fuzzedFrames} mutated streams (seed ${fuzzSeed})`, () => {
  it('never give anything but messages and a WireError', () => {
    const random = randomFrom(fuzzSeed)
    const frames = sampleMessages.map((message) => encodeFrame(message))
    const refused = new Map<string, number>()
    for (let count = 0; count < fuzzedFrames; count++) {
      const frame = frames[count % frames.length] as Uint8Array
      const kind = refusalOf(mutateFrame(frame, random))
      refused.set(kind, (refused.get(kind) ?? 0) + 1)
    }
    // Blind mutations would all fail at the same place; these reach every kind of refusal.
    const kinds = ['bad-utf8', 'bad-value', 'none', 'too-long', 'trailing-bytes', 'truncated', 'unknown-number']
    assert.deepEqual([...refused.keys()].sort(), kinds)
  })
})

/** An accept without a clock: what follows it is known. */
/** What a former release sends: what it leaves out would come next. */
function isBare(message: WireMessage): boolean {
  if (message.type === 'hello') return message.hello.evidence === undefined
  if (message.type === 'refuse') return message.evidence === undefined
  return message.type === 'accept' && message.wall === undefined
}

function isStrict(message: WireMessage): boolean {
  return !['hello', 'accept', 'refuse', 'goodbye'].includes(message.type)
}

function decodeBody(message: WireMessage, more: readonly number[]): WireMessage {
  const frame = encodeFrame(message)
  const body = Uint8Array.of(...frame.subarray(FRAME_HEADER_BYTES), ...more)
  return decodeFrame({ kind: frame[FRAME_HEADER_BYTES - 1] as number, body })
}

function decodedOrRefused(kind: number, body: Uint8Array): WireMessage | undefined {
  try {
    return decodeFrame({ kind, body })
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

/** Most mutations are inside the body with the length put right, else nearly all would end at the length. */
function mutateFrame(frame: Uint8Array, random: () => number): Uint8Array {
  if (random() < 0.2) return mutate(frame, random)
  const body = mutate(frame.subarray(FRAME_HEADER_BYTES - 1), random)
  const header = Buffer.alloc(4)
  header.writeUInt32BE(Math.max(1, body.length))
  return Buffer.concat([header, body.length === 0 ? Buffer.of(0) : body])
}

function refusalOf(bytes: Uint8Array): string {
  const decoder = new FrameDecoder()
  try {
    for (const message of decoder.push(bytes)) assert.ok(message.type)
    return 'none'
  } catch (error) {
    if (error instanceof WireError) return error.kind
    throw error
  }
}
