import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isWireError, testCodec } from '../../../src/testing/compliance/codec.ts'
import {
  bool,
  bytes,
  type Codec,
  choice,
  f64,
  family,
  fixedBytes,
  list,
  optional,
  since,
  struct,
  text,
  u8,
  u16,
  u32,
  union,
  varint,
} from '../../../src/wire/codec.ts'
import { Reader } from '../../../src/wire/reader.ts'
import { write } from '../../../src/wire/writer.ts'

const everything = struct({
  byte: u8,
  short: u16,
  word: u32,
  count: varint,
  ratio: f64,
  flag: bool,
  name: text(16),
  blob: bytes(16),
  key: fixedBytes(4),
  names: list(text(9), 4),
  maybe: optional(varint),
  color: choice({ red: 0, green: 7 }),
  shape: union(family({ circle: 1, square: 2 }, { circle: struct({ radius: u8 }), square: struct({ side: u16 }) })),
})

testCodec('of every combinator', {
  codec: everything,
  mutations: 2_000,
  samples: [
    {
      byte: 255,
      short: 65_535,
      word: 4_294_967_295,
      count: Number.MAX_SAFE_INTEGER,
      ratio: -1.5e300,
      flag: true,
      name: 'zoë 🦒\ufffd',
      blob: Uint8Array.of(0, 255),
      key: Uint8Array.of(1, 2, 3, 4),
      names: ['', '__proto__'],
      maybe: 0,
      color: 'green',
      shape: { type: 'square', side: 300 },
    },
    {
      byte: 0,
      short: 0,
      word: 0,
      count: 0,
      ratio: 0,
      flag: false,
      name: '',
      blob: new Uint8Array(),
      key: new Uint8Array(4),
      names: [],
      maybe: undefined,
      color: 'red',
      shape: { type: 'circle', radius: 9 },
    },
  ],
})

describe('varint', () => {
  it('takes the fewest bytes and holds every safe whole number', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const encoded = encode(varint, value)
        assert.equal(decode(varint, encoded), value)
        assert.equal(encoded.length, Math.max(1, Math.ceil(value.toString(2).length / 7)))
      }),
    )
  })

  it('refuses padding, numbers above 2^53 - 1, and zero bits without end', () => {
    const refused = ['8000', '8100', 'ff00', 'ffffffffffffff1f', 'ffffffffffffffff0f', `${'80'.repeat(40)}01`]
    const [last, ...bad] = ['ffffffffffffff0f', ...refused]
    assert.equal(decode(varint, fromHex(last as string)), Number.MAX_SAFE_INTEGER)
    for (const hex of bad) assert.throws(() => decode(varint, fromHex(hex)), isWireError('bad-value'), hex)
  })

  it('is not written from what is no whole number, or too large', () => {
    for (const value of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      assert.throws(() => encode(varint, value), isWireError('bad-value'), String(value))
    }
    assert.throws(() => encode(u8, 256), isWireError('bad-value'))
    assert.throws(() => encode(u16, 65_536), isWireError('bad-value'))
    assert.throws(() => encode(u32, 2 ** 32), isWireError('bad-value'))
  })
})

describe('text', () => {
  it('counts bytes, not characters, against its maximum', () => {
    assert.equal(decode(text(4), encode(text(4), 'öö')), 'öö')
    assert.throws(() => encode(text(3), 'öö'), isWireError('too-long'))
    assert.throws(() => decode(text(3), encode(text(4), 'öö')), isWireError('too-long'))
  })

  it('refuses what is not UTF-8, and takes the replacement character as itself', () => {
    for (const hex of ['0180', '02c0af', '03eda080', '01ff', '04f8888080', '02e282']) {
      assert.throws(() => decode(text(8), fromHex(hex)), isWireError('bad-utf8'), hex)
    }
    assert.equal(decode(text(8), fromHex('03efbfbd')), '\ufffd')
  })

  it('keeps a byte order mark', () => {
    assert.equal(decode(text(8), encode(text(8), '\ufeffa')), '\ufeffa')
  })

  it('is not written from half a surrogate pair', () => {
    assert.throws(() => encode(text(8), '\ud800'), isWireError('bad-utf8'))
  })
})

describe('lengths', () => {
  it('are compared with what is left before anything is allocated', () => {
    const huge = fromHex('ffffffffffff0f')
    const most = Number.MAX_SAFE_INTEGER
    for (const codec of [text(most), bytes(most), list(u8, most)] as readonly Codec<unknown>[]) {
      assert.throws(() => decode(codec, huge), isWireError('truncated'))
    }
    assert.throws(() => decode(bytes(10), huge), isWireError('too-long'))
    assert.throws(() => decode(list(u8, 10), huge), isWireError('too-long'))
  })

  it('are refused by the writer as they would be by the reader', () => {
    assert.throws(() => encode(bytes(2), new Uint8Array(3)), isWireError('too-long'))
    assert.throws(() => encode(list(u8, 2), [1, 2, 3]), isWireError('too-long'))
    assert.throws(() => encode(fixedBytes(2), new Uint8Array(3)), isWireError('bad-value'))
  })
})

describe('values', () => {
  it('are refused where their type forbids them', () => {
    assert.throws(() => decode(bool, Uint8Array.of(2)), isWireError('bad-value'))
    assert.throws(() => decode(f64, fromHex('7ff8000000000000')), isWireError('bad-value'))
    assert.throws(() => encode(f64, Number.NaN), isWireError('bad-value'))
  })

  it('without a number are not written, and a number without a value is not read', () => {
    const color = choice({ red: 0 })
    assert.throws(() => decode(color, Uint8Array.of(1)), isWireError('unknown-number'))
    assert.throws(() => encode(color as Codec<string>, 'blue'), isWireError('bad-value'))
    const shape = union(family({ circle: 1 }, { circle: struct({}) }))
    assert.throws(() => decode(shape, Uint8Array.of(2)), isWireError('unknown-number'))
    assert.throws(() => encode(shape as Codec<{ type: string }>, { type: 'toString' }), isWireError('unknown-number'))
  })

  it('are copies: what was read stays when its chunk is used again', () => {
    const chunk = encode(bytes(8), Uint8Array.of(1, 2, 3))
    const value = decode(bytes(8), chunk)
    chunk.fill(0)
    assert.deepEqual(value, Uint8Array.of(1, 2, 3))
  })
})

describe('a field added in a later version', () => {
  const codec = struct({ name: text(8), color: since(2, text(8), 'grey') })

  it('is not sent to an older peer and has its fallback when one of those sent the message', () => {
    const old = encode(codec, { name: 'a', color: 'red' }, 1)
    assert.deepEqual(old, encode(struct({ name: text(8) }), { name: 'a' }, 1))
    assert.deepEqual(codec.decode(new Reader(old, 1)), { name: 'a', color: 'grey' })
  })

  it('travels between peers of the later version', () => {
    const value = { name: 'a', color: 'red' }
    assert.deepEqual(codec.decode(new Reader(encode(codec, value, 2), 2)), value)
  })
})

describe('the writer', () => {
  it('keeps apart what is written one after the other and one inside the other', () => {
    const inner: Uint8Array[] = []
    const outer = write(1, (writer) => {
      writer.u8(1)
      inner.push(write(1, (nested) => nested.bytes(new Uint8Array(5_000).fill(7), 5_000)))
      writer.u8(2)
    })
    const next = write(1, (writer) => writer.u8(3))
    assert.deepEqual([...outer], [1, 2])
    assert.equal(inner[0]?.length, 5_002)
    assert.deepEqual([...next], [3])
  })

  it('leaves nothing behind when a value is refused', () => {
    const before = write(1, (writer) => writer.text('before', 8))
    assert.throws(() =>
      write(1, (writer) => {
        writer.text('half', 8)
        writer.u8(256)
      }),
    )
    assert.equal(decode(text(8), before), 'before')
    assert.equal(decode(text(8), encode(text(8), 'after')), 'after')
  })

  it('grows with what is written', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40_000 }), { maxLength: 8 }), (blobs) => {
        const codec = list(bytes(40_000), 8)
        assert.deepEqual(decode(codec, encode(codec, blobs)), blobs)
      }),
      { numRuns: 50 },
    )
  })
})

function encode<T>(codec: Codec<T>, value: T, version = 1): Uint8Array {
  return new Uint8Array(write(version, (writer) => codec.encode(writer, value)))
}

function decode<T>(codec: Codec<T>, from: Uint8Array): T {
  const reader = new Reader(from)
  const value = codec.decode(reader)
  reader.end()
  return value
}

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'))
}
