import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { majority, reachedBy } from '../../consensus/quorum.ts'

describe('quorum', () => {
  it('any two majorities share a voter', () => {
    for (let voters = 1; voters <= 9; voters++) {
      assert.ok(2 * majority(voters) > voters)
      assert.ok(2 * (majority(voters) - 1) <= voters, 'and none is larger than it must be')
    }
  })

  it('what a majority has reached is what stands at its place in the sorted values', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }), (values) => {
        const sorted = [...values].sort((a, b) => b - a)
        assert.equal(reachedBy(majority(values.length), values), sorted[majority(values.length) - 1])
      }),
    )
  })
})
