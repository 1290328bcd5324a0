import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import { decodeBase58, encodeBase58 } from '../../../src/transport/base58.ts'
import { createIdentity, exportIdentity, loadIdentity, peerIdOf, publicKeyOf } from '../../../src/transport/identity.ts'

/** Published by libp2p (specs: tls, peer-ids): public key to PeerId. */
const vectors = [
  [
    'a77f1d92fedb59dddaea5a1c4abd1ac2fbde7d7b879ed364501809923d7c11b9',
    '12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv',
  ],
  [
    '1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e',
    '12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq',
  ],
] as const

describe('base58', () => {
  it('writes the vectors of its draft', () => {
    const text = (value: string): Uint8Array => Buffer.from(value)
    assert.equal(encodeBase58(text('Hello World!')), '2NEpo7TZRRrLZSi2U')
    const fox = 'The quick brown fox jumps over the lazy dog.'
    assert.equal(encodeBase58(text(fox)), 'USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z')
    assert.equal(encodeBase58(Buffer.from('0000287fb4cd', 'hex')), '11233QC4')
  })

  it('reads what it writes, and nothing else', () => {
    for (const hex of ['', '00', '000000', '0000287fb4cd', 'ff'.repeat(38)]) {
      const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
      assert.deepEqual(decodeBase58(encodeBase58(bytes)), bytes)
    }
    for (const text of ['0', 'I', 'O', 'l', ' ', 'é']) assert.equal(decodeBase58(text), undefined)
  })

  it('writes zeros as ones, and nothing as nothing', () => {
    assert.equal(encodeBase58(new Uint8Array()), '')
    assert.equal(encodeBase58(new Uint8Array(3)), '111')
  })
})

describe('a PeerId', () => {
  it('is what libp2p makes of the same key', () => {
    for (const [key, id] of vectors) assert.equal(peerIdOf(ed25519PublicKey(key)), id)
  })

  it('is what its key is read from again', () => {
    for (const [key, id] of vectors) assert.ok(publicKeyOf(id)?.equals(ed25519PublicKey(key)))
    const [[, id]] = vectors
    for (const text of ['', 'id-a', '0', '1'.repeat(1_000_000), id.slice(1), `${id}1`, `1${id}`, id.replace('D', '1')])
      assert.equal(publicKeyOf(text), undefined, text.slice(0, 60))
  })

  it('is read again when many others have been read since', () => {
    const identity = createIdentity()
    for (let count = 0; count < 1_100; count++) createIdentity()
    assert.ok(publicKeyOf(identity.id)?.equals(identity.publicKey))
  })

  it('is made of Ed25519 keys only', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    assert.throws(() => peerIdOf(publicKey), TypeError)
  })
})

describe('an identity', () => {
  it('is new each time it is created', () => {
    assert.notEqual(createIdentity().id, createIdentity().id)
  })

  it('is the same again when its key is loaded', () => {
    const identity = createIdentity()
    const pem = exportIdentity(identity)
    assert.match(pem, /^-----BEGIN PRIVATE KEY-----/)
    assert.equal(loadIdentity(pem).id, identity.id)
  })

  it('is not loaded from what is no Ed25519 private key', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const pem of ['', 'nonsense', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()]) {
      assert.throws(() => loadIdentity(pem), TypeError)
    }
  })
})

/** SubjectPublicKeyInfo of an Ed25519 key: a fixed beginning, then the key (RFC 8410). */
function ed25519PublicKey(hex: string): KeyObject {
  return createPublicKey({ key: Buffer.from(`302a300506032b6570032100${hex}`, 'hex'), format: 'der', type: 'spki' })
}
