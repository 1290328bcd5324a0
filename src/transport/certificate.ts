// The certificate of a link: self-signed, Ed25519, made anew at each start. It carries the key and nothing that anyone
// trusts; TLS proves that the other end owns that key (RFC 8446 section 4.4.3), and the key is the identity. Dates say
// nothing and are not read. Written by hand because Node cannot make one: RFC 5280 section 4.1, RFC 8410.

import { Buffer } from 'node:buffer'
import { randomBytes, sign, type X509Certificate } from 'node:crypto'
import { type Identity, peerIdOf } from './identity.ts'

// Tags of DER (X.690).
const INTEGER = 0x02
const BIT_STRING = 0x03
const UTF8_STRING = 0x0c
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
const SEQUENCE = 0x30
const SET = 0x31
const EXPLICIT_0 = 0xa0

const OID_ED25519 = Buffer.from('06032b6570', 'hex')
const OID_COMMON_NAME = Buffer.from('0603550403', 'hex')
/** Version 3. */
const VERSION = Buffer.from('020102', 'hex')

/** A self-signed certificate of this identity's key, as PEM. */
export function createCertificate(identity: Identity): string {
  const algorithm = der(SEQUENCE, OID_ED25519)
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, OID_COMMON_NAME, der(UTF8_STRING, Buffer.from('trellis')))))
  const validity = der(
    SEQUENCE,
    der(UTC_TIME, Buffer.from('700101000000Z')),
    der(GENERALIZED_TIME, Buffer.from('99991231235959Z')),
  )
  const subjectPublicKeyInfo = identity.publicKey.export({ type: 'spki', format: 'der' })
  const toBeSigned = der(
    SEQUENCE,
    der(EXPLICIT_0, VERSION),
    der(INTEGER, serialNumber()),
    algorithm,
    name,
    validity,
    name,
    subjectPublicKeyInfo,
  )
  const signature = der(BIT_STRING, Buffer.from([0]), sign(null, toBeSigned, identity.privateKey))
  return toPem(der(SEQUENCE, toBeSigned, algorithm, signature))
}

/**
 * The PeerId of the key in a peer's certificate, or undefined unless that is an Ed25519 key that signed the certificate
 * itself. That the peer owns the key is TLS's to prove, not this function's.
 */
export function peerIdOfCertificate(certificate: X509Certificate): string | undefined {
  const bytes = certificate.raw.toString('latin1')
  const known = peerIds.get(bytes)
  if (known !== undefined) return known
  const key = certificate.publicKey
  if (key.asymmetricKeyType !== 'ed25519' || !certificate.verify(key)) return undefined
  const peerId = peerIdOf(key)
  if (bytes.length <= MAX_KNOWN_CERTIFICATE_BYTES) {
    if (peerIds.size >= MAX_KNOWN_CERTIFICATES) peerIds.clear()
    peerIds.set(bytes, peerId)
  }
  return peerId
}

/** By the bytes of the certificate, which a member shows on each of its connections for as long as it runs. */
const peerIds = new Map<string, string>()
/** Past that they are forgotten, and looked through again. */
const MAX_KNOWN_CERTIFICATES = 1_024
/**
 * One that {@link createCertificate} made is 228 bytes; a longer one is a stranger's, who may show as many as it likes.
 */
const MAX_KNOWN_CERTIFICATE_BYTES = 512

/** Positive and without a leading zero byte (RFC 5280 section 4.1.2.2). */
function serialNumber(): Buffer {
  const serial = randomBytes(16)
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40
  return serial
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag, ...derLength(content.length)]), content])
}

/** One byte below 128, else the count of the bytes that follow. No certificate here reaches 64 KiB. */
function derLength(length: number): readonly number[] {
  if (length < 0x80) return [length]
  if (length < 0x100) return [0x81, length]
  return [0x82, length >> 8, length & 0xff]
}

function toPem(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}
