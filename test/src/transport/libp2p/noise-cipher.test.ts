import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { pureJsCrypto } from '@libp2p/noise'
import { noiseCipher } from '../../../../src/transport/libp2p/noise-cipher.ts'

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
})
