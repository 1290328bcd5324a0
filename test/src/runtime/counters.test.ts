import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Counters } from '../../../src/runtime/counters.ts'

describe('counters', () => {
  it('count by name and only grow', () => {
    const counters = new Counters()
    counters.add('refused')
    counters.add('refused')
    counters.add('dropped', 5)
    assert.deepEqual(counters.snapshot(), { refused: 2, dropped: 5 })
  })

  it('give a snapshot that later counts do not change', () => {
    const counters = new Counters()
    counters.add('refused')
    const before = counters.snapshot()
    counters.add('refused')
    assert.equal(before.refused, 1)
  })

  it('keep a bounded number of names, and count the rest under one', () => {
    const counters = new Counters()
    for (let name = 0; name < 3_000; name++) counters.add(`name-${name}`)
    counters.add('name-0')
    const all = counters.snapshot()
    assert.ok(Object.keys(all).length <= 1_025, `${Object.keys(all).length} names`)
    assert.equal(all['name-0'], 2)
    assert.equal(
      Object.values(all).reduce((sum, count) => sum + count, 0),
      3_001,
    )
  })
})
