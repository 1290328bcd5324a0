// What Noise encrypts with: its package's own choice, but the key of each direction is made ready for OpenSSL once. By
// default every message does that anew, which takes as long as encrypting 20 KiB. And what was encrypted is given back
// as soon as nobody needs it: left to the collector it is what bulk has most of, outside of the heap, where V8 counts
// it and marks the whole heap again and again to find it.

import { createSecretKey } from 'node:crypto'
import type { ICryptoInterface } from '@libp2p/noise'
import { freeMemory } from '../free-memory.ts'
import { defaultCrypto, nodeCrypto } from './packages.ts'

/** From here on OpenSSL is quicker than the package's WebAssembly, which has less to begin with. */
const OPENSSL_FROM_BYTES = 1_024
/**
 * Smaller ones are the collector's: they are cheap to find, and what the handshake still hashes after it has read it is
 * among them.
 */
const FREED_FROM_BYTES = 16_384

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

/** What was encrypted here, and is nobody's once it is sent: only large ones, each in memory of its own. */
const sealed = new WeakSet<Uint8Array>()
/** Of memory that came from the network, how far messages have filled it from its beginning. */
const opened = new WeakMap<ArrayBufferLike, number>()
/** What Noise has before a message: its length. */
const LENGTH_BYTES = 2

/** Gives the memory of an encrypted message back, which has been sent; leaves what is none. */
export function sent(bytes: Uint8Array): void {
  if (sealed.delete(bytes)) freeMemory(bytes)
}

type Bytes = Parameters<ICryptoInterface['chaCha20Poly1305Decrypt']>[0]

const arraysOf = (bytes: Bytes): Iterable<Uint8Array> => (bytes instanceof Uint8Array ? [bytes] : bytes)

/**
 * Memory that decrypted messages have filled from its beginning to its end holds nothing else: whatever is in it was
 * read here.
 */
function read(bytes: Bytes): void {
  for (const one of arraysOf(bytes)) {
    const { buffer, byteOffset, byteLength } = one
    if (byteOffset - (opened.get(buffer) ?? 0) > LENGTH_BYTES) continue
    const end = byteOffset + byteLength
    if (end < buffer.byteLength) opened.set(buffer, end)
    else freeMemory(new Uint8Array(buffer))
  }
}

export const noiseCipher: ICryptoInterface = {
  ...defaultCrypto,
  chaCha20Poly1305Encrypt(plaintext, nonce, associated, key) {
    if (plaintext.byteLength < OPENSSL_FROM_BYTES)
      return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, associated, key)
    const ciphertext = nodeCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, associated, ready(key))
    for (const one of arraysOf(ciphertext)) if (one.byteLength >= FREED_FROM_BYTES) sealed.add(one)
    return ciphertext
  },
  chaCha20Poly1305Decrypt(ciphertext, nonce, associated, key, into) {
    if (ciphertext.byteLength < OPENSSL_FROM_BYTES)
      return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, associated, key, into)
    const plaintext = nodeCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, associated, ready(key))
    if (ciphertext.byteLength < FREED_FROM_BYTES) return plaintext
    read(ciphertext)
    // Where OpenSSL is not asked to write; a copy of the message when that came in several arrays.
    if (into !== undefined) freeMemory(into)
    return plaintext
  },
}
