import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { pureJsCrypto } from '@libp2p/noise'
import { noiseCipher, sent } from '../../../../src/transport/libp2p/noise-cipher.ts'

const key = randomBytes(32)
const nothing = new Uint8Array(0)
const nonceOf = (number: number): Uint8Array => {
  const nonce = Buffer.alloc(12)
  nonce.writeUInt32LE(number, 4)
  return nonce
}

describe('the cipher of Noise', () => {
  it('says what another implementation says, for messages of any length, one after the other with one key', () => {
    for (const [number, length] of [0, 1, 1_007, 1_008, 1_023, 1_024, 1_025, 65_519].entries()) {
      const [plain, nonce] = [randomBytes(length), nonceOf(number)]
      const ours = noiseCipher.chaCha20Poly1305Encrypt(plain, nonce, nothing, key).subarray()
      const theirs = pureJsCrypto.chaCha20Poly1305Encrypt(plain, nonce, nothing, key).subarray()
      assert.deepEqual(Buffer.from(ours), Buffer.from(theirs))
      const read = noiseCipher.chaCha20Poly1305Decrypt(Buffer.from(theirs), nonce, nothing, key).subarray()
      assert.deepEqual(Buffer.from(read), plain)
    }
  })

  it('refuses what was changed, and another nonce', () => {
    for (const length of [100, 50_000]) {
      const sealed = Buffer.from(
        noiseCipher.chaCha20Poly1305Encrypt(randomBytes(length), nonceOf(1), nothing, key).subarray(),
      )
      const changed = Buffer.from(sealed)
      changed[length / 2]! ^= 1
      assert.throws(() => noiseCipher.chaCha20Poly1305Decrypt(changed, nonceOf(1), nothing, key))
      assert.throws(() => noiseCipher.chaCha20Poly1305Decrypt(sealed, nonceOf(2), nothing, key))
    }
  })

  const seal = (number: number, length: number): Buffer =>
    Buffer.from(noiseCipher.chaCha20Poly1305Encrypt(randomBytes(length), nonceOf(number), nothing, key).subarray())
  const read = (number: number, message: Uint8Array): unknown =>
    noiseCipher.chaCha20Poly1305Decrypt(message, nonceOf(number), nothing, key)

  it('gives the memory of a read back that large messages have filled, once the last of them is read', () => {
    const [one, other] = [seal(1, 20_000), seal(2, 30_000)]
    const memory = Buffer.alloc(one.length + other.length + 4)
    one.copy(memory, 2)
    other.copy(memory, 4 + one.length)
    read(1, memory.subarray(2, 2 + one.length))
    assert.equal(memory.length, one.length + other.length + 4)
    read(2, memory.subarray(4 + one.length))
    assert.equal(memory.length, 0)
  })

  it('keeps the memory of a read that has anything else in it', () => {
    const large = seal(1, 30_000)
    for (const before of [16, 1_000]) {
      const memory = Buffer.concat([Buffer.alloc(before), large])
      read(1, memory.subarray(before))
      assert.equal(memory.length, before + large.length)
    }
  })

  it('gives the memory of a large message back that is sent, and touches no other', () => {
    const sealed = noiseCipher.chaCha20Poly1305Encrypt(randomBytes(60_000), nonceOf(1), nothing, key) as Uint8Array
    const other = new Uint8Array(60_000)
    for (const bytes of [sealed, other]) sent(bytes)
    assert.deepEqual([sealed.length, other.length], [0, 60_000])
  })
})
