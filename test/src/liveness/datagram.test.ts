import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  DATAGRAM_BYTES,
  decodeAnswer,
  decodeQuestion,
  encodeAnswer,
  encodeQuestion,
  livenessKey,
} from '../../../src/liveness/datagram.ts'

const key = livenessKey('a secret of a cluster', 'trellis')
const old = livenessKey('the secret it had before', 'trellis')
const question = { nonce: randomBytes(16), from: '12D3KooWprober', to: '12D3KooWtarget' }
const answer = { ...question, generation: 7, ageMs: 1_234, condition: 1 }

describe('the datagrams of liveness', () => {
  it('come back as they were written, with the key that sealed them', () => {
    const asked = decodeQuestion(encodeQuestion(question, old), [key, old])
    assert.equal(asked?.key, old)
    assert.deepEqual({ ...asked.question, nonce: question.nonce }, question)
    assert.deepEqual(Buffer.from(asked.question.nonce), question.nonce)
    const told = decodeAnswer(encodeAnswer(answer, key), [key, old])
    assert.deepEqual({ ...told, nonce: question.nonce }, answer)
  })

  it('are of one length, so that no answer is longer than its question', () => {
    assert.equal(encodeQuestion(question, key).length, DATAGRAM_BYTES)
    assert.equal(encodeAnswer(answer, key).length, DATAGRAM_BYTES)
  })

  it('are nothing to whoever has another secret, another cluster, or takes one for the other', () => {
    const sealed = encodeQuestion(question, key)
    assert.equal(decodeQuestion(sealed, [old]), undefined)
    assert.equal(decodeQuestion(sealed, [livenessKey('a secret of a cluster', 'other')]), undefined)
    assert.equal(decodeAnswer(sealed, [key]), undefined)
    assert.equal(decodeQuestion(encodeAnswer(answer, key), [key]), undefined)
  })

  it('are nothing when one bit is another, or when they are anything else', () => {
    fc.assert(
      fc.property(fc.nat(DATAGRAM_BYTES * 8 - 1), (bit) => {
        const bytes = encodeQuestion(question, key)
        bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
        assert.equal(decodeQuestion(bytes, [key]), undefined)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        assert.equal(decodeQuestion(Buffer.from(bytes), [key]), undefined)
        assert.equal(decodeAnswer(Buffer.from(bytes), [key]), undefined)
      }),
    )
  })
})
