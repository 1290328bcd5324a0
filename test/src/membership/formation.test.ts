import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { clusterIdOf, parseFormingState } from '../../../src/membership/formation.ts'

describe('a stored forming state', () => {
  const set = ['a', 'b']
  const founders = set.map((id) => ({ id, storeId: `store-${id}` }))

  it('comes back as it was written', () => {
    const states = [
      { type: 'none' },
      { type: 'intent', set },
      { type: 'renounced', set },
      { type: 'started', set, founders },
    ]
    for (const state of states) assert.deepEqual(parseFormingState(JSON.parse(JSON.stringify(state))), state)
  })

  it('that makes no sense is none', () => {
    const mad: unknown[] = [
      undefined,
      null,
      1,
      'none',
      [],
      {},
      { type: 'intent' },
      { type: 'intent', set: 'ab' },
      { type: 'intent', set: ['a', 1] },
      { type: 'started', set },
      { type: 'started', set, founders: ['a'] },
      { type: 'started', set, founders: [{ id: 'a' }] },
      { type: 'begun', set },
    ]
    for (const state of mad) assert.equal(parseFormingState(state), undefined, JSON.stringify(state))
    fc.assert(fc.property(fc.anything(), (value) => void parseFormingState(value)))
  })
})

describe('the id of a cluster', () => {
  it('is the same at all founders, and another for another name or set', () => {
    const id = clusterIdOf('trellis', ['a', 'b'])
    assert.match(id, /^[0-9a-f]{32}$/)
    assert.equal(clusterIdOf('trellis', ['a', 'b']), id)
    assert.notEqual(clusterIdOf('trellis', ['a', 'b', 'c']), id)
    assert.notEqual(clusterIdOf('trellis', ['ab']), id)
    assert.notEqual(clusterIdOf('other', ['a', 'b']), id)
  })

  it('never changes between releases: it is written on disks', () => {
    assert.equal(clusterIdOf('trellis', ['a', 'b']), '81b804ec816f8f7fbb7cce19b335abdc')
  })
})
