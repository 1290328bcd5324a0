import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { slopeOf, trendOf } from '../../scripts/slope.ts'

describe('the slope through points', () => {
  it('is that of the line that they stand on, wherever they stand on it', () => {
    assert.equal(slopeOf([5, 1, 3].map((x) => ({ x, y: 2 * x + 7 }))), 2)
  })

  it('is 0 for noise around a level, and for too few points', () => {
    assert.equal(slopeOf([4, 6, 6, 4].map((y, x) => ({ x, y }))), 0)
    assert.equal(slopeOf([{ x: 1, y: 1 }]), 0)
    assert.equal(slopeOf([]), 0)
  })
})

describe('the trend of points in blocks', () => {
  it('is the slope, with no error where they stand on a line', () => {
    const { slope, error } = trendOf(
      Array.from({ length: 60 }, (_, x) => ({ x, y: 3 * x + 1 })),
      10,
    )
    assert.ok(Math.abs(slope - 3) < 1e-9 && error < 1e-9)
  })

  it('does not grow surer by the same measured twice', () => {
    const points = [0, 10, 20, 30, 40].map((x, at) => ({ x, y: at % 2 }))
    const { slope, error } = trendOf(points, 10)
    assert.deepEqual(trendOf([...points, ...points], 10), { slope, error })
    assert.ok(error > 0)
  })

  it('is not moved by what is high for a moment', () => {
    const { slope } = trendOf(
      Array.from({ length: 60 }, (_, x) => ({ x, y: x === 3 || x === 57 ? 100 : 7 })),
      10,
    )
    assert.equal(slope, 0)
  })

  it('says that two blocks are too few', () => {
    assert.ok(
      Number.isNaN(
        trendOf(
          [1, 2, 3, 11].map((x) => ({ x, y: x })),
          10,
        ).error,
      ),
    )
  })
})
