import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { summarize } from '../../../src/bench/statistics.ts'

describe('summarize', () => {
  it('says nothing of no samples', () => {
    assert.equal(summarize([]), undefined)
  })

  it('answers one sample with itself', () => {
    assert.deepEqual(summarize([7]), { count: 1, min: 7, median: 7, p99: 7, max: 7 })
  })

  it('sorts as numbers, leaves the samples alone, and takes the lower of two middles', () => {
    const samples = [100, 9, 20, 3]
    assert.deepEqual(summarize(samples), { count: 4, min: 3, median: 9, p99: 100, max: 100 })
    assert.deepEqual(samples, [100, 9, 20, 3])
  })

  it('leaves one of 100 samples above the 99th percentile, and two of 200', () => {
    const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
    assert.equal(summarize(upTo(100))?.p99, 99)
    assert.equal(summarize(upTo(200))?.p99, 198)
  })

  it('answers only with what was measured, in order', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (samples) => {
        const { min, median, p99, max } = summarize(samples)!
        for (const value of [min, median, p99, max]) assert.ok(samples.includes(value))
        assert.ok(min <= median && median <= p99 && p99 <= max)
        const below = samples.filter((sample) => sample <= median).length
        assert.ok(below * 2 >= samples.length)
      }),
    )
  })
})
