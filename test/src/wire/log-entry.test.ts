import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isWireError, testCodec } from '../../../src/testing/compliance/codec.ts'
import { content, decodeContent, encodeContent } from '../../../src/wire/log-entry.ts'

const change = {
  voters: [{ id: 'a', storeId: 's1' }],
  outgoing: [{ id: 'b', storeId: 's2' }],
  learners: [{ id: 'c', storeId: 's3' }],
}

const samples = [
  [{ command: undefined }, undefined],
  [{ command: { type: 'release', singleton: 's5', token: 7 } }, '010302733507'],
  [{ command: undefined, configuration: change }, '01f0010161027331010162027332010163027333'],
] as const

testCodec('what an entry carries', { codec: content, samples: samples.map(([value]) => value), mutations: 1_000 })

describe('what an entry carries', () => {
  it('has the same bytes on every disk, for ever', () => {
    for (const [value, hex] of samples) {
      const bytes = encodeContent(value)
      assert.equal(bytes && Buffer.from(bytes).toString('hex'), hex)
      assert.deepEqual(decodeContent(bytes), value)
    }
  })

  it('is encoded once', () => {
    assert.equal(
      encodeContent({ command: undefined, configuration: change }),
      encodeContent({ command: undefined, configuration: change }),
    )
  })

  it('is never taken for a no-op or a command that it is not', () => {
    assert.throws(() => decodeContent(Uint8Array.of(2, 240, 0, 0, 0)), isWireError('unknown-number'))
    assert.throws(() => decodeContent(Uint8Array.of(1, 240, 0, 0)), isWireError('truncated'))
    assert.throws(() => decodeContent(Uint8Array.of(1, 240, 0, 0, 0, 0)), isWireError('trailing-bytes'))
  })
})
