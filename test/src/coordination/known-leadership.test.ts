import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Coordination } from '../../../src/coordination/coordination.ts'
import { knownLeadership } from '../../../src/coordination/known-leadership.ts'

/** What a member knows of who leads, by what its coordination says. */
function knownBy(isInCluster: boolean) {
  const coordination = {
    leader: 'id-b',
    reachesMajority: false,
    unledMs: 700,
    knowledge: () => ({ voters: ['id-a', 'id-b'] }),
  } as unknown as Coordination
  return knownLeadership({
    coordination: () => (isInCluster ? coordination : undefined),
    nameOf: (id) => id.slice(3),
  })
}

describe('what is known of who leads', () => {
  it('is what the log says, by name who votes, and for how long it heard nothing', () => {
    const { leader, reachesMajority, voters, unledMs } = knownBy(true)
    assert.deepEqual([leader, reachesMajority, voters, unledMs], ['id-b', false, ['a', 'b'], 700])
  })

  it('is nothing before there is a cluster', () => {
    assert.deepEqual(knownBy(false), { leader: undefined, voters: [], reachesMajority: true, unledMs: 0 })
  })
})
