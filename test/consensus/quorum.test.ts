import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { paperRules } from '../../consensus/index.ts'
import { agreedBy, majority, reachedBy } from '../../consensus/quorum.ts'

describe('quorum', () => {
  it('any two majorities share a voter', () => {
    for (let voters = 1; voters <= 9; voters++) {
      assert.ok(2 * majority(voters) > voters)
      assert.ok(2 * (majority(voters) - 1) <= voters, 'and none is larger than it must be')
    }
  })

  it('a joint decision is one of both majorities, by the slow way of asking every set of voters', () => {
    const voters = (ids: readonly string[]) => ids.map((id) => ({ id, storeId: id }))
    const some = fc.subarray(['a', 'b', 'c', 'd', 'e'], { minLength: 1 })
    fc.assert(
      fc.property(some, some, fc.array(fc.nat(9), { minLength: 5, maxLength: 5 }), (incoming, outgoing, values) => {
        const value = (id: string): number => values['abcde'.indexOf(id)] as number
        const reached = (level: number, ids: readonly string[]): boolean =>
          2 * ids.filter((id) => value(id) >= level).length > ids.length
        const best = Math.max(
          ...[...values, 0].filter((level) => reached(level, incoming) && reached(level, outgoing)),
          0,
        )
        const joint = { voters: voters(incoming), outgoing: voters(outgoing), learners: voters(['x']) }
        assert.equal(
          agreedBy(joint, paperRules, ({ id }) => value(id)),
          best,
        )
      }),
    )
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
