// What every codec must do, whatever it carries. A test of one is a call: `testCodec('ping', { codec, samples })`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Codec } from '../../wire/codec.ts'
import { Reader } from '../../wire/reader.ts'
import { PROTOCOL_VERSION } from '../../wire/versions.ts'
import { WireError } from '../../wire/wire-error.ts'
import { write } from '../../wire/writer.ts'

export interface CodecSuite<T> {
  readonly codec: Codec<T>
  /** Values that show every field, and the largest and smallest where that matters. */
  readonly samples: readonly T[]
  /** Mutations tried per sample. Default 200. */
  readonly mutations?: number
}

const DEFAULT_MUTATIONS = 200

/** Registers the suite with `node:test`. */
export function testCodec<T>(name: string, suite: CodecSuite<T>): void {
  const { codec, samples, mutations = DEFAULT_MUTATIONS } = suite
  describe(`codec ${name}`, () => {
    it('reads back what it wrote, to the last byte', () => {
      for (const sample of samples) {
        const reader = new Reader(encode(codec, sample))
        assert.deepEqual(codec.decode(reader), sample)
        assert.equal(reader.remaining, 0)
      }
    })

    it('refuses every beginning of a value as truncated', () => {
      for (const sample of samples) {
        const bytes = encode(codec, sample)
        for (let length = 0; length < bytes.length; length++) {
          assert.throws(() => codec.decode(new Reader(bytes.subarray(0, length))), isWireError('truncated'))
        }
      }
    })

    it('gives each value one encoding, and answers everything else with a WireError', () => {
      const random = randomFrom(1)
      for (const sample of samples) {
        for (let count = 0; count < mutations; count++) {
          const bytes = mutate(encode(codec, sample), random)
          const value = decodeOrRefuse(codec, bytes)
          if (value !== undefined) assert.deepEqual(encode(codec, value.decoded), value.bytes)
        }
      }
    })
  })
}

/** Predicate for `assert.throws`. */
export function isWireError(kind: WireError['kind']): (error: unknown) => boolean {
  return (error) => error instanceof WireError && error.kind === kind
}

/** Numbers in [0, 1) that a seed decides. Mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** A copy with one to four bytes changed, removed, repeated or put in: bits, ends and lengths go wrong in all ways. */
export function mutate(bytes: Uint8Array, random: () => number): Uint8Array {
  const mutated = Array.from(bytes)
  const times = 1 + Math.floor(random() * 4)
  for (let time = 0; time < times; time++) {
    const at = Math.floor(random() * (mutated.length + 1))
    const kind = random()
    if (kind < 0.5) mutated[at] = interestingByte(random)
    else if (kind < 0.7) mutated.splice(at, 1)
    else if (kind < 0.9) mutated.splice(at, 0, interestingByte(random))
    else mutated.splice(at, Math.floor(random() * 16))
  }
  return Uint8Array.from(mutated)
}

const edges = [0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xc0, 0xed, 0xff]

function interestingByte(random: () => number): number {
  const edge = edges[Math.floor(random() * edges.length * 2)]
  return edge ?? Math.floor(random() * 256)
}

function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return Uint8Array.from(write(PROTOCOL_VERSION, (writer) => codec.encode(writer, value)))
}

/** What was read, and the bytes it was read from; undefined when they were refused. Any other error is the test's. */
function decodeOrRefuse<T>(codec: Codec<T>, bytes: Uint8Array): { decoded: T; bytes: Uint8Array } | undefined {
  const reader = new Reader(bytes)
  try {
    const decoded = codec.decode(reader)
    return { decoded, bytes: bytes.slice(0, bytes.length - reader.remaining) }
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}
