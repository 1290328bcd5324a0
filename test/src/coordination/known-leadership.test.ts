import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Coordination } from '../../../src/coordination/coordination.ts'
import { knownLeadership } from '../../../src/coordination/known-leadership.ts'

/** What a member knows of who leads, by what its coordination says. */
function knownBy(isVoter: boolean | undefined) {
  const coordination = {
    leader: 'id-b',
    reachesMajority: false,
    isVoter,
    ageMs: () => 700,
    knowledge: () => ({ voters: ['id-a', 'id-b'] }),
  } as unknown as Coordination
  return knownLeadership({
    coordination: () => (isVoter === undefined ? undefined : coordination),
    nameOf: (id) => id.slice(3),
  })
}

describe('what is known of who leads', () => {
  it('is what the log says, by name who votes, and of a voter for how long it heard nothing', () => {
    const { leader, reachesMajority, voters, unledMs } = knownBy(true)
    assert.deepEqual([leader, reachesMajority, voters, unledMs], ['id-b', false, ['a', 'b'], 700])
  })

  it('of a member without the log does not say for how long: it hears of a leader only now and then', () => {
    assert.equal(knownBy(false).unledMs, 0)
  })

  it('is nothing before there is a cluster', () => {
    assert.deepEqual(knownBy(undefined), { leader: undefined, voters: [], reachesMajority: true, unledMs: 0 })
  })
})
