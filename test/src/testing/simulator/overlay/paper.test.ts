// The experiments of the papers with some hundred members instead of ten thousand: the same cores, the same measures.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  broadcastTree,
  failAtOnce,
  form,
  graphFigures,
  worldOf,
} from '../../../../../src/testing/simulator/overlay/paper.ts'

const formation = form({ members: 300, seed: 1, rounds: 10 })

describe('HyParView as in its paper', () => {
  it('gives almost everybody five neighbors, on both sides, in one piece', () => {
    const { inDegrees, cutOff, oneSided, clustering, meanPath } = graphFigures(worldOf(formation))
    assert.ok((inDegrees.get(5) ?? 0) >= 0.95 * formation.members.length)
    assert.deepEqual([cutOff, oneSided], [0, 0])
    assert.ok(clustering < 0.05 && meanPath < 5)
  })

  it('reaches all that live once links are replaced, after half of the members fail at once', () => {
    const { first, later, healingRounds } = failAtOnce(formation, 0.5, 30)
    assert.ok(first < 1 && later >= 0.99, `${first}, then ${later}`)
    assert.equal(healingRounds, 1)
  })
})

describe('Plumtree as in its paper', () => {
  it('sends no copy too many once its tree stands, and reaches everybody', () => {
    const { firstRedundancy, steadyRedundancy, delivered } = broadcastTree(formation, 8, 'one')
    assert.ok(firstRedundancy > 2)
    assert.ok(steadyRedundancy <= 0.05)
    assert.equal(delivered, 1)
  })
})
