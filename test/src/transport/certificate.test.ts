import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it, mock } from 'node:test'
import { createSecureContext } from 'node:tls'
import { createCertificate, peerIdOfCertificate } from '../../../src/transport/certificate.ts'
import { createIdentity, exportIdentity } from '../../../src/transport/identity.ts'

/** A self-signed certificate of an EC key, from the test vectors of libp2p's TLS specification. */
const ecCertificate =
  '308201ae30820156a0030201020204499602d2300a06082a8648ce3d040302302031123010060355040a13096c69627032702e696f310a3008' +
  '06035504051301313020170d3735303130313133303030305a180f34303936303130313133303030305a302031123010060355040a13096c69' +
  '627032702e696f310a300806035504051301313059301306072a8648ce3d020106082a8648ce3d030107034200040c901d423c831ca85e27c7' +
  '3c263ba132721bb9d7a84c4f0380b2a6756fd601331c8870234dec878504c174144fa4b14b66a651691606d8173e55bd37e381569ea37c307a' +
  '3078060a2b0601040183a25a0101046a3068042408011220a77f1d92fedb59dddaea5a1c4abd1ac2fbde7d7b879ed364501809923d7c11b904' +
  '40d90d2769db992d5e6195dbb08e706b6651e024fda6cfb8846694a435519941cac215a8207792e42849cccc6cd8136c6e4bde92a58c5e08cf' +
  'd4206eb5fe0bf909300a06082a8648ce3d0403020346003043021f50f6b6c52711a881778718238f650c9fb48943ae6ee6d28427dc6071ae55' +
  'e702203625f116a7a454db9c56986c82a25682f7248ea1cb764d322ea983ed36a31b77'

describe('the certificate of an identity', () => {
  const identity = createIdentity()
  const certificate = new X509Certificate(createCertificate(identity))

  it('carries the key that signed it, and so the id', () => {
    assert.equal(certificate.publicKey.asymmetricKeyType, 'ed25519')
    assert.ok(certificate.publicKey.equals(identity.publicKey))
    assert.ok(certificate.verify(identity.publicKey))
    assert.ok(certificate.checkIssued(certificate))
    assert.equal(peerIdOfCertificate(certificate), identity.id)
  })

  it('has a positive serial number of its own and all the time there is', () => {
    const other = new X509Certificate(createCertificate(identity))
    assert.notEqual(other.serialNumber, certificate.serialNumber)
    assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/)
    assert.equal(new Date(certificate.validFrom).getUTCFullYear(), 1970)
    assert.equal(new Date(certificate.validTo).getUTCFullYear(), 9999)
  })

  it('is taken by TLS together with its key', () => {
    createSecureContext({ cert: createCertificate(identity), key: exportIdentity(identity) })
    assert.throws(() =>
      createSecureContext({ cert: createCertificate(identity), key: exportIdentity(createIdentity()) }),
    )
  })

  it('gives no id once another key stands in it, or a byte of it differs, however often it is shown', () => {
    const [own, other] = [identity, createIdentity()].map(({ publicKey }) =>
      publicKey.export({ type: 'spki', format: 'der' }).subarray(-32),
    )
    assert.ok(own && other)
    const swapped = Buffer.from(certificate.raw)
    other.copy(swapped, swapped.indexOf(own))
    const spoilt = Buffer.from(certificate.raw)
    spoilt[spoilt.length - 1] = (spoilt.at(-1) as number) ^ 1
    for (const forged of [swapped, spoilt, swapped, spoilt])
      assert.equal(peerIdOfCertificate(new X509Certificate(forged)), undefined)
  })
})

describe('the id of a certificate', () => {
  /** A certificate that counts how often its signature is checked, and is filled up to `length` bytes. */
  function counted(length: number) {
    const identity = createIdentity()
    const { raw, publicKey } = new X509Certificate(createCertificate(identity))
    const verify = mock.fn(() => true)
    const bytes = Buffer.concat([raw, Buffer.alloc(Math.max(0, length - raw.length))])
    return { identity, verify, certificate: { raw: bytes, publicKey, verify } as unknown as X509Certificate }
  }

  it('is looked for once, however often it is shown', () => {
    const { identity, verify, certificate } = counted(0)
    for (let times = 0; times < 3; times++) assert.equal(peerIdOfCertificate(certificate), identity.id)
    assert.equal(verify.mock.callCount(), 1)
  })

  it('of a longer one than members have is not kept: a stranger cannot fill the memory with them', () => {
    const { identity, verify, certificate } = counted(16_000)
    for (let times = 0; times < 3; times++) assert.equal(peerIdOfCertificate(certificate), identity.id)
    assert.equal(verify.mock.callCount(), 3)
  })

  it('is looked for again when many others were shown since', () => {
    const { identity, verify, certificate } = counted(0)
    peerIdOfCertificate(certificate)
    for (let count = 0; count < 1_100; count++) peerIdOfCertificate(counted(0).certificate)
    assert.equal(peerIdOfCertificate(certificate), identity.id)
    assert.equal(verify.mock.callCount(), 2)
  })
})

describe('the certificate of another kind of key', () => {
  it('gives no id, though it signed itself', () => {
    const certificate = new X509Certificate(Buffer.from(ecCertificate, 'hex'))
    assert.ok(certificate.verify(certificate.publicKey))
    assert.equal(peerIdOfCertificate(certificate), undefined)
  })
})
