// The rules by themselves, each with its section of the paper. What they bring about is in `raft.test.ts`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { paperRules as rules } from '../../consensus/index.ts'

const ballot = { term: 4, round: 9, granted: ['a'] }

describe('rules of the paper', () => {
  it('3.3: a larger term makes a follower, an equal or smaller one does not', () => {
    assert.deepEqual([rules.stepsDown(3, 2), rules.stepsDown(2, 2), rules.stepsDown(1, 2)], [true, false, false])
  })

  it('figure 3.1: a new term is written, and a new vote in the same term is too', () => {
    const state = { term: 2, votedFor: undefined }
    assert.equal(rules.mustPersist(state, { term: 3, votedFor: undefined }), true)
    assert.equal(rules.mustPersist(state, { term: 2, votedFor: 'b' }), true)
    assert.equal(rules.mustPersist(state, { ...state }), false)
  })

  it('3.6.1: the later last term is more up to date, whatever the lengths', () => {
    assert.equal(rules.isUpToDate({ index: 1, term: 3 }, { index: 9, term: 2 }), true)
    assert.equal(rules.isUpToDate({ index: 9, term: 2 }, { index: 1, term: 3 }), false)
  })

  it('3.6.1: in the same last term the longer log is more up to date, an equal one is enough', () => {
    const ours = { index: 5, term: 2 }
    assert.equal(rules.isUpToDate({ index: 4, term: 2 }, ours), false)
    assert.equal(rules.isUpToDate({ index: 5, term: 2 }, ours), true)
    assert.equal(rules.isUpToDate({ index: 6, term: 2 }, ours), true)
  })

  it('3.4: a vote is given once a term, again to the same candidate only', () => {
    assert.equal(rules.mayGrantVote(undefined, 'b', true), true)
    assert.equal(rules.mayGrantVote('b', 'b', true), true)
    assert.equal(rules.mayGrantVote('c', 'b', true), false)
    assert.equal(rules.mayGrantVote(undefined, 'b', false), false)
  })

  it('9.6: a pre-vote is granted for a later term, to a log as good, when no leader is heard', () => {
    assert.equal(rules.mayGrantPreVote(3, 2, true, false), true)
    assert.equal(rules.mayGrantPreVote(2, 2, true, false), false)
    assert.equal(rules.mayGrantPreVote(3, 2, false, false), false)
    assert.equal(rules.mayGrantPreVote(3, 2, true, true), false)
  })

  it('4.2.3: a leader is heard for the smallest election timeout, and not beyond own evidence against it', () => {
    assert.equal(rules.hearsLeader(599, 600, false), true)
    assert.equal(rules.hearsLeader(600, 600, false), false)
    assert.equal(rules.hearsLeader(0, 600, true), false)
  })

  it('3.4: a vote counts once per voter, for the term and round that asked', () => {
    assert.equal(rules.countsVote(ballot, 'b', { term: 4, round: 9 }), true)
    assert.equal(rules.countsVote(ballot, 'a', { term: 4, round: 9 }), false)
    assert.equal(rules.countsVote(ballot, 'b', { term: 4, round: 8 }), false)
    assert.equal(rules.countsVote(ballot, 'b', { term: 3, round: 9 }), false)
  })

  it('3.5: the previous entry must be there with the same term', () => {
    assert.equal(rules.previousMatches(2, 2), true)
    assert.equal(rules.previousMatches(1, 2), false)
    assert.equal(rules.previousMatches(undefined, 2), false)
  })

  it('3.5: only from the first difference on is anything replaced', () => {
    const ours = [0, 1, 1, 2]
    const sent = [
      { index: 2, term: 1 },
      { index: 3, term: 3 },
      { index: 4, term: 3 },
    ]
    assert.equal(
      rules.firstDifference(sent, (index) => ours[index]),
      3,
    )
    assert.equal(
      rules.firstDifference(sent.slice(0, 1), (index) => ours[index]),
      undefined,
    )
    assert.equal(
      rules.firstDifference([{ index: 4, term: 2 }], (index) => ours[index]),
      4,
    )
  })

  it('figure 3.1: a follower commits nothing beyond what the message has proved', () => {
    assert.deepEqual([rules.followerCommit(9, 4), rules.followerCommit(3, 4)], [4, 3])
  })

  it('3.6.2: only entries of the own term are committed by counting', () => {
    assert.deepEqual(
      [rules.mayCommit(4, 4), rules.mayCommit(3, 4), rules.mayCommit(undefined, 4)],
      [true, false, false],
    )
  })

  it('10.2.1: the leader counts itself up to what is durable, and applies no more either', () => {
    assert.equal(rules.ownMatch(7, 5), 5)
    assert.deepEqual([rules.mayApplyUpTo(7, 5), rules.mayApplyUpTo(3, 5)], [5, 3])
  })

  it('3.8: votes, candidacies and acknowledgements wait for their write', () => {
    for (const rule of [rules.voteAfterDurable, rules.candidacyAfterDurable, rules.ackAfterDurable]) {
      assert.deepEqual([rule(3, 2), rule(3, 3), rule(3, 4)], [false, true, true])
    }
  })

  it('6.2: a leader has lost its quorum after the largest election timeout', () => {
    assert.deepEqual([rules.lostQuorum(1_199, 1_200), rules.lostQuorum(1_200, 1_200)], [false, true])
  })

  it('6.4.1: a lease counts from the send time and ends by itself', () => {
    assert.equal(rules.leaseCountsFrom(100, 180), 100)
    assert.deepEqual([rules.holdsLease(599, 100, 500), rules.holdsLease(600, 100, 500)], [true, false])
    assert.equal(rules.holdsLease(0, undefined, 500), false)
  })

  it('a round from before a time away counts only if the clock has counted all of that time', () => {
    assert.deepEqual([rules.countsRoundFromBeforeAway(0), rules.countsRoundFromBeforeAway(1)], [true, false])
  })

  it('an unknown predecessor is waited out on the slowest clock, any other not at all', () => {
    assert.equal(rules.mayActivate(524, 500, 0.05, 'unknown'), false)
    assert.equal(rules.mayActivate(525, 500, 0.05, 'unknown'), true)
    for (const known of ['none', 'released', 'stopped-here'] as const)
      assert.equal(rules.mayActivate(0, 500, 0.05, known), true)
  })

  it('6.4: the predecessor is known once an entry of the own term is applied', () => {
    assert.deepEqual([rules.knowsPredecessor(3, 4), rules.knowsPredecessor(4, 4)], [false, true])
  })

  it('a token starts in the term of its activation, and once', () => {
    assert.equal(rules.mayStart(9, 4, 4, 0), true)
    assert.equal(rules.mayStart(9, 3, 4, 0), false)
    assert.equal(rules.mayStart(9, 4, 4, 9), false)
  })
})
