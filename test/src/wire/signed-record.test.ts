// What a member signs of itself: every part of it counts, whoever passes it on, and nobody else can sign it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createIdentity } from '../../../src/transport/identity.ts'
import { MAX_EVIDENCE_BYTES } from '../../../src/wire/limits.ts'
import { evidenceOf, RecordSigner } from '../../../src/wire/signed-record.ts'
import { recordOf } from '../../topology/swim/records.ts'

const instance = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
const identity = createIdentity()
const signer = new RecordSigner(identity, instance)
const other = new RecordSigner(createIdentity(), instance)
const unsigned = recordOf(identity.id, { generation: 7, refutation: 3, roles: ['server'], zone: 'z', livenessPort: 9 })
const record = { ...unsigned, signature: signer.sign(unsigned) }

describe('a signed record', () => {
  it('holds for everybody, whatever others believe of its member', () => {
    for (const state of ['alive', 'suspect', 'down'] as const)
      for (const condition of ['ok', 'stalled'] as const) assert.ok(other.holds({ ...record, state, condition }))
  })

  it('does not hold when anything is changed that only its member may say', () => {
    const changes = [
      { incarnation: { generation: 8, refutation: 3 } },
      { incarnation: { generation: 7, refutation: 4 } },
      { state: 'left' },
      { address: 'elsewhere:1' },
      { name: 'another' },
      { roles: [] },
      { zone: '' },
      { livenessPort: 0 },
      { id: createIdentity().id },
      { id: 'no PeerId' },
    ] as const
    for (const change of changes) assert.equal(other.holds({ ...record, ...change }), false, Object.keys(change)[0])
  })

  it('does not hold with another signature, or none that can be one', () => {
    for (const signature of [
      other.sign(unsigned),
      '',
      'AAAA',
      `${record.signature}AAAA`,
      record.signature.replace(/./, '_'),
    ])
      assert.equal(signer.holds({ ...record, signature }), false)
  })

  it('of a member that leaves says so', () => {
    const left = { ...unsigned, state: 'left' } as const
    const said = { ...left, signature: signer.sign(left) }
    assert.deepEqual([other.holds(said), other.holds({ ...said, state: 'alive' })], [true, false])
  })
})

describe('evidence', () => {
  const shown = evidenceOf(record)!
  const another = new RecordSigner(identity, instance.toReversed())

  it('shows its member a later life, and another process of the same', () => {
    assert.ok(shown.length <= MAX_EVIDENCE_BYTES)
    assert.deepEqual([another.laterLife(shown, 6), another.laterLife(shown, 7)], [7, 7])
  })

  it('shows it nothing of this life, or of an earlier one', () => {
    assert.deepEqual([signer.laterLife(shown, 7), another.laterLife(shown, 8)], [undefined, undefined])
  })

  it('shows nobody else anything, nor when it was changed', () => {
    assert.equal(other.laterLife(shown, 1), undefined)
    for (let at = 0; at < shown.length; at++) {
      const changed = shown.map((byte, index) => (index === at ? byte ^ 1 : byte))
      assert.equal(another.laterLife(changed, 1), undefined, `${at}`)
    }
    for (const bytes of [new Uint8Array(), shown.subarray(1), Uint8Array.of(...shown, 0)])
      assert.equal(another.laterLife(bytes, 1), undefined)
  })

  it('is made of signed records only', () => {
    for (const one of [unsigned, { ...unsigned, signature: 'AAAA' }]) assert.equal(evidenceOf(one), undefined)
  })
})
