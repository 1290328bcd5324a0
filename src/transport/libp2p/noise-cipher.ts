// What Noise encrypts with: its package's own choice, but the key of each direction is made ready for OpenSSL once. By default every message
// does that anew, which takes as long as encrypting 20 KiB.

import { createSecretKey } from 'node:crypto'
import type { ICryptoInterface } from '@libp2p/noise'
import { defaultCrypto, nodeCrypto } from './packages.ts'

/** From here on OpenSSL is quicker than the package's WebAssembly, which has less to begin with. */
const OPENSSL_FROM_BYTES = 1_024

/** By its bytes: Noise keeps the array of each direction as long as the connection. */
const readyKeys = new WeakMap<Uint8Array, Uint8Array>()

/** Node takes a key that is ready wherever it takes one as bytes; the package hands on what it is given. */
function ready(key: Uint8Array): Uint8Array {
  const known = readyKeys.get(key)
  if (known !== undefined) return known
  const made = createSecretKey(key) as unknown as Uint8Array
  readyKeys.set(key, made)
  return made
}

export const noiseCipher: ICryptoInterface = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, associated, key) {
    return plaintext.byteLength < OPENSSL_FROM_BYTES
      ? defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, associated, key)
      : nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, associated, ready(key))
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, associated, key, into) {
    return ciphertext.byteLength < OPENSSL_FROM_BYTES
      ? defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, associated, key, into)
      : nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, associated, ready(key))
  },
}
