import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { slopeOf } from '../../scripts/slope.ts'

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
