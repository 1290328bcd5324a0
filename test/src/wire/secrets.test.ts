import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { describe, it } from 'node:test'
import { isProofOf, Keyring, type ProofContext, parseSecret } from '../../../src/wire/secrets.ts'

const [oldSecret, newSecret] = ['the old secret of them', 'the new secret of them']
const context: ProofContext = {
  role: 'dialer',
  binding: Uint8Array.from({ length: 32 }, (_, index) => index),
  dialer: 'id-a',
  acceptor: 'id-b',
  clusterName: 'trellis',
}

describe('a secret', () => {
  it('has at least 128 bits, counted in bytes', () => {
    assert.equal(parseSecret('x'.repeat(15)), 'must have at least 16 bytes (128 bits), has 15')
    assert.ok(parseSecret('x'.repeat(16)) instanceof Uint8Array)
    assert.ok(parseSecret('ö'.repeat(8)) instanceof Uint8Array)
  })

  it('is never repeated when it is refused', () => {
    const problem = parseSecret('hunter2')
    assert.ok(typeof problem === 'string' && !problem.includes('hunter2'))
    assert.throws(
      () => new Keyring(['hunter2']),
      (error) => error instanceof TypeError && !error.message.includes('hunter2'),
    )
  })
})

describe('a proof', () => {
  const keyring = new Keyring([newSecret])
  const proof = keyring.preferred(context)

  it('is an HMAC-SHA256 over role, binding, both ids and the cluster', () => {
    const part = (text: string): Buffer => Buffer.concat([Buffer.of(text.length), Buffer.from(text)])
    const input = Buffer.concat([
      part('trellis-link-proof-1'),
      Buffer.of(1),
      Buffer.of(32),
      context.binding,
      part('id-a'),
      part('id-b'),
      part('trellis'),
    ])
    assert.deepEqual(proof, createHmac('sha256', newSecret).update(input).digest())
  })

  it('holds for nothing but what it was made for', () => {
    const others: readonly ProofContext[] = [
      { ...context, role: 'acceptor' },
      { ...context, binding: new Uint8Array(32) },
      { ...context, dialer: 'id-c' },
      { ...context, acceptor: 'id-c' },
      { ...context, dialer: 'id-b', acceptor: 'id-a' },
      { ...context, dialer: 'id-ai', acceptor: 'd-b' },
      { ...context, clusterName: 'other' },
    ]
    assert.ok(keyring.find(proof, context))
    for (const other of others) assert.equal(keyring.find(proof, other), undefined, JSON.stringify(other))
  })

  it('of another length, or with a bit turned, is none', () => {
    assert.equal(keyring.find(new Uint8Array(0), context), undefined)
    assert.equal(keyring.find(proof.subarray(0, 31), context), undefined)
    const turned = new Uint8Array(proof)
    turned[31] = (turned[31] as number) ^ 1
    assert.equal(keyring.find(turned, context), undefined)
  })
})

describe('a keyring', () => {
  it('proves its first secret and accepts all, naming the one that was used', () => {
    const keyring = new Keyring([newSecret, oldSecret])
    const old = new Keyring([oldSecret])
    assert.deepEqual(keyring.preferred(context), new Keyring([newSecret]).preferred(context))
    const found = keyring.find(old.preferred(context), context)
    assert.ok(found)
    assert.deepEqual(found(context), old.preferred(context))
    assert.ok(isProofOf(found, old.preferred(context), context))
  })

  it('holds between one and sixteen secrets', () => {
    assert.throws(() => new Keyring([]), TypeError)
    assert.throws(() => new Keyring(new Array<string>(17).fill(newSecret)), TypeError)
  })
})
