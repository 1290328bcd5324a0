import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Condition, type MemberRecord, type MemberState, mergeRecords } from '../../../topology/index.ts'
import { recordOf } from './records.ts'

const states: readonly MemberState[] = ['alive', 'suspect', 'down', 'left']
const conditions: readonly Condition[] = ['ok', 'draining', 'stalled']

/** Few values, so that equal incarnations with different contents are common. */
const records: fc.Arbitrary<MemberRecord> = fc
  .record({
    generation: fc.integer({ min: 1, max: 3 }),
    refutation: fc.integer({ min: 0, max: 3 }),
    state: fc.constantFrom(...states),
    condition: fc.constantFrom(...conditions),
    address: fc.constantFrom('a:1', 'a:2'),
    zone: fc.constantFrom('', 'z'),
    roles: fc.constantFrom([], ['r'], ['r', 's']),
    livenessPort: fc.constantFrom(0, 7),
  })
  .map((changes) => recordOf('m', changes))

describe('the merge rule (SWIM section 4.2)', () => {
  it('is commutative', () => {
    fc.assert(fc.property(records, records, (x, y) => assert.deepEqual(mergeRecords(x, y), mergeRecords(y, x))))
  })

  it('is associative', () => {
    fc.assert(
      fc.property(records, records, records, (x, y, z) =>
        assert.deepEqual(mergeRecords(mergeRecords(x, y), z), mergeRecords(x, mergeRecords(y, z))),
      ),
    )
  })

  it('is idempotent, and gives back the very record when nothing changes', () => {
    fc.assert(
      fc.property(records, records, (x, y) => {
        const both = mergeRecords(x, y)
        assert.equal(mergeRecords(both, both), both)
        assert.equal(mergeRecords(both, { ...y }), both)
      }),
    )
  })

  it('leads to one belief, in whatever order and how often things are heard', () => {
    fc.assert(
      fc.property(fc.array(records, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (heard, draws) => {
        const believe = (all: readonly MemberRecord[]) => all.reduce(mergeRecords)
        const again = [...heard, ...heard].map((record) => ({ record, at: draws.next().value as number }))
        const shuffled = again.sort((x, y) => x.at - y.at).map(({ record }) => record)
        assert.deepEqual(believe(shuffled), believe(heard))
      }),
    )
  })

  it('takes what the member itself says from the higher incarnation', () => {
    const old = recordOf('m', { state: 'down', address: 'old:1' })
    const told = recordOf('m', { refutation: 1, address: 'new:1' })
    assert.deepEqual(mergeRecords(old, told), told)
  })

  it('believes the worse state and the worse condition within one incarnation, each for itself', () => {
    const merged = mergeRecords(recordOf('m', { state: 'suspect' }), recordOf('m', { condition: 'stalled' }))
    assert.deepEqual(merged, recordOf('m', { state: 'suspect', condition: 'stalled' }))
  })

  it('lets nothing but a later word of the member itself overrule that it left', () => {
    const left = recordOf('m', { state: 'left', refutation: 3 })
    for (const state of states) assert.equal(mergeRecords(left, recordOf('m', { state, refutation: 3 })).state, 'left')
    assert.equal(mergeRecords(left, recordOf('m', { refutation: 4 })).state, 'alive')
    const restarted = recordOf('m', { generation: 2 })
    assert.equal(mergeRecords(left, restarted), restarted)
  })
})
