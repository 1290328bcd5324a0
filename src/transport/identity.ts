// Who a node is: an Ed25519 key, and the libp2p PeerId made of its public half (libp2p peer-ids specification: the
// identity multihash of the protobuf `PublicKey { Type: Ed25519, Data }`, in base58).

import { Buffer } from 'node:buffer'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { decodeBase58, encodeBase58 } from './base58.ts'

/**
 * Public keys by PeerId: whoever is linked signs what it says of itself, and reading a key costs half as much as a
 * signature.
 */
const publicKeys = new Map<string, KeyObject>()
/** Past that they are forgotten, and read again. */
const MAX_KNOWN_KEYS = 1_024

export interface Identity {
  /** The PeerId, as text. */
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/** multihash identity (00), length 36 (24), field 1 = Ed25519 (08 01), field 2 of 32 bytes (12 20). */
const PEER_ID_PREFIX = Buffer.from([0x00, 0x24, 0x08, 0x01, 0x12, 0x20])
const KEY_BYTES = 32
/** An id of 38 bytes has 52 letters; nobody decodes what cannot be one. */
const MAX_PEER_ID_LETTERS = 56
/** SubjectPublicKeyInfo of Ed25519, before the key (RFC 8410 section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A new key, in memory only. */
export function createIdentity(): Identity {
  return identityOf(generateKeyPairSync('ed25519').privateKey)
}

/** Reads what {@link exportIdentity} wrote. Throws `TypeError` for anything but an Ed25519 private key. */
export function loadIdentity(privateKeyPem: string): Identity {
  let key: KeyObject
  try {
    key = createPrivateKey({ key: privateKeyPem, format: 'pem' })
  } catch (cause) {
    throw new TypeError('this is no private key in PEM', { cause })
  }
  return identityOf(key)
}

/** PKCS8 as PEM text. */
export function exportIdentity(identity: Identity): string {
  return identity.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** The PeerId of an Ed25519 public key. Throws `TypeError` for any other. */
export function peerIdOf(publicKey: KeyObject): string {
  if (publicKey.asymmetricKeyType !== 'ed25519') throw new TypeError('a PeerId is made of an Ed25519 key')
  // As a JWK (RFC 8037 section 2) it costs a thirtieth of what DER does.
  const { x } = publicKey.export({ format: 'jwk' })
  const peerId = encodeBase58(Buffer.concat([PEER_ID_PREFIX, Buffer.from(x!, 'base64url')]))
  remember(peerId, publicKey)
  return peerId
}

/** The public key that a PeerId is made of; undefined: the text is no PeerId of an Ed25519 key. */
export function publicKeyOf(peerId: string): KeyObject | undefined {
  const known = publicKeys.get(peerId)
  if (known) return known
  const bytes = peerId.length <= MAX_PEER_ID_LETTERS ? decodeBase58(peerId) : undefined
  if (bytes?.length !== PEER_ID_PREFIX.length + KEY_BYTES) return undefined
  if (!PEER_ID_PREFIX.equals(bytes.subarray(0, PEER_ID_PREFIX.length))) return undefined
  const der = Buffer.concat([SPKI_PREFIX, bytes.subarray(PEER_ID_PREFIX.length)])
  const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
  remember(peerId, publicKey)
  return publicKey
}

function remember(peerId: string, publicKey: KeyObject): void {
  if (publicKeys.size >= MAX_KNOWN_KEYS) publicKeys.clear()
  publicKeys.set(peerId, publicKey)
}

function identityOf(privateKey: KeyObject): Identity {
  const publicKey = createPublicKey(privateKey)
  return { id: peerIdOf(publicKey), privateKey, publicKey }
}
