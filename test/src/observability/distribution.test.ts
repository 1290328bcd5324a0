import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { Distribution } from '../../../src/observability/distribution.ts'

describe('a distribution', () => {
  it('counts, for each bound, what was not longer', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 3, noNaN: true })), (all) => {
        const distribution = new Distribution()
        for (const seconds of all) distribution.record(seconds)
        const { buckets, count } = distribution.view()
        assert.equal(count, all.length)
        for (const { le, count: below } of buckets) assert.equal(below, all.filter((seconds) => seconds <= le).length)
      }),
    )
  })
})
