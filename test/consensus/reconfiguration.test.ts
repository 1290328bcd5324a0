// Changes of voters, rule by rule (thesis chapter 4). Stories with several voters are in `test/scenarios/consensus`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Configuration, isJoint, type Reconfiguration } from '../../consensus/index.ts'
import { accepted, append, entries, stores, VoterUnderTest, vote } from './voter-under-test.ts'

const to = (voters: readonly string[], learners: readonly string[] = []): Reconfiguration => ({
  voters: stores(voters),
  learners: stores(learners),
})

function reconfigure(voter: VoterUnderTest, change: Reconfiguration): VoterUnderTest {
  return voter.step({ type: 'reconfigure', proposal: 1, change })
}

const ids = ({ voters, outgoing, learners }: Configuration): string =>
  [voters, outgoing, learners].map((list) => list.map(({ id }) => id).join('')).join('/')

/** A leader of a, b, c that has committed in its own term, with d as a learner that has caught up. */
function leader(): VoterUnderTest {
  const voter = new VoterUnderTest({ learners: ['d'] }).elect().follow('b', 'c', 'd')
  voter.take()
  return voter
}

describe('a change of voters', () => {
  it('4.1: is in force as soon as it is in the log, and gone with a truncated entry', () => {
    const configuration = { voters: stores(['a', 'd']), outgoing: stores(['a', 'b', 'c']), learners: [] }
    const change = { index: 1, term: 1, command: undefined, configuration }
    const voter = new VoterUnderTest().receive('b', append(1, { entries: [change] }))
    assert.equal(ids(voter.view.configuration), 'ad/abc/')
    assert.equal(voter.view.configurationSettled, false)
    voter.receive('c', append(2, { entries: entries(1, 2) }))
    assert.equal(ids(voter.view.configuration), 'abc//')
  })

  it('4.3: first appends both sets of voters, and the new one by itself when that is committed by both majorities', () => {
    const voter = reconfigure(leader(), to(['a', 'd']))
    assert.equal(ids(voter.view.configuration), 'ad/abc/')
    voter.flush().receive('b', accepted(1, 0, 2))
    assert.equal(voter.view.commitIndex, 1, 'a and b are a majority of a, b, c, but not of a, d')
    voter.receive('d', accepted(1, 0, 2))
    assert.equal(voter.view.commitIndex, 2)
    assert.equal(ids(voter.view.configuration), 'ad//')
    voter.flush()
    assert.equal(voter.view.configurationSettled, false)
    voter.receive('d', accepted(1, 0, 3))
    assert.equal(voter.view.configurationSettled, true)
  })

  it('4.3: elects with both majorities, and with neither alone', () => {
    const configuration = { voters: stores(['a', 'd', 'e']), outgoing: stores(['a', 'b', 'c']), learners: [] }
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: [{ index: 1, term: 1, command: undefined, configuration }] })).flush()
    voter.timeout()
    const answer = (from: string, type: 'pre-vote-reply' | 'vote-reply', term: number, round: number): void => {
      voter.receive(from, { type, term, round, granted: true })
    }
    const [{ round } = { round: 0 }] = voter.sent('pre-vote')
    for (const from of ['b', 'c']) answer(from, 'pre-vote-reply', 1, round)
    assert.equal(voter.view.role, 'pre-candidate')
    answer('d', 'pre-vote-reply', 1, round)
    assert.equal(voter.view.role, 'candidate')
    voter.flush()
    for (const from of ['d', 'e']) answer(from, 'vote-reply', 2, round + 1)
    assert.equal(voter.view.role, 'candidate')
    answer('b', 'vote-reply', 2, round + 1)
    assert.equal(voter.view.role, 'leader')
  })

  it('waits for an entry of the leader’s own term', () => {
    const voter = new VoterUnderTest({ learners: ['d'] }).elect()
    assert.equal(reconfigure(voter, to(['a', 'b', 'c'])).effects('reject')[0]?.code, 'unsettled')
    voter.follow('b', 'd')
    assert.equal(reconfigure(voter, to(['a', 'b', 'c'])).effects('accepted').length, 1)
  })

  it('comes one at a time', () => {
    const voter = reconfigure(leader(), to(['a', 'b', 'd'], ['c']))
    voter.take()
    assert.equal(reconfigure(voter, to(['a', 'b', 'c'])).effects('reject')[0]?.code, 'in-progress')
  })

  it('4.2.1: makes nobody a voter who has not caught up, or answers with another log', () => {
    const voter = new VoterUnderTest({ learners: ['d'] }).elect().follow('b', 'c')
    voter.take()
    assert.equal(reconfigure(voter, to(['a', 'b', 'd'])).effects('reject')[0]?.code, 'not-caught-up')
    voter.receive('d', accepted(1, 0, 1), 'another').take()
    assert.equal(reconfigure(voter, to(['a', 'b', 'd'])).effects('reject')[0]?.code, 'not-caught-up')
    voter.receive('d', accepted(1, 0, 1)).take()
    assert.equal(reconfigure(voter, to(['a', 'b', 'd'])).effects('accepted').length, 1)
  })

  it('4.2.1: makes nobody a voter by an answer that waited while the leader was away: its log may have gone meanwhile', () => {
    const voter = leader()
    voter.at(voter.now + 60_000).step({ type: 'away', ms: 60_000 })
    const rounds = voter.sent('append').map(({ round }) => round)
    voter.receive('d', accepted(1, 0, 1)).take()
    assert.equal(reconfigure(voter, to(['a', 'b', 'd'])).effects('reject')[0]?.code, 'not-caught-up')
    for (const from of ['b', 'd']) voter.receive(from, accepted(1, Math.max(...rounds), 1))
    voter.take()
    assert.equal(reconfigure(voter, to(['a', 'b', 'd'])).effects('accepted').length, 1)
  })

  it('is refused when it names nobody, or somebody twice, or changes nothing', () => {
    for (const change of [to([]), to(['a', 'b', 'b']), to(['a', 'b', 'c'], ['c']), to(['c', 'b', 'a'], ['d'])]) {
      assert.equal(reconfigure(leader(), change).effects('reject')[0]?.code, 'invalid')
    }
  })

  it('of learners only needs no joint part', () => {
    const voter = reconfigure(leader(), to(['a', 'b', 'c'], ['e']))
    assert.equal(isJoint(voter.view.configuration), false)
    assert.ok(voter.sent('append').some((message) => message.to === 'e'))
  })

  it('is finished by a leader that finds its joint part in its log', () => {
    const configuration = { voters: stores(['a', 'b']), outgoing: stores(['a', 'b', 'c']), learners: [] }
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: [{ index: 1, term: 1, command: undefined, configuration }] })).flush()
    voter.elect().follow('b')
    assert.equal(ids(voter.view.configuration), 'ab//')
  })

  it('4.2.2: that removes the leader is led by it until it is committed, without its own vote, and no longer', () => {
    const voter = reconfigure(leader(), to(['b', 'c', 'd']))
      .flush()
      .follow('b', 'd')
    assert.equal(voter.view.role, 'leader')
    voter.flush().receive('b', accepted(1, 0, 3))
    assert.equal(voter.view.commitIndex, 2, 'a and b are no majority of b, c, d')
    voter.take()
    voter.receive('c', accepted(1, 0, 3))
    assert.deepEqual([voter.view.commitIndex, voter.view.role], [3, 'follower'])
    assert.deepEqual(
      voter.sent('timeout-now').map((message) => message.to),
      ['b'],
    )
    voter.timeout()
    assert.deepEqual([voter.sent('pre-vote'), voter.view.role], [[], 'follower'], 'it has no vote to stand with')
  })

  it('4.2.2: is stood for by whom it leaves out, and who knows of nothing that is committed', () => {
    const [c, both] = [stores(['c']), stores(['c', 'a'])]
    const learners = stores(['a'])
    const since = [
      { voters: both, outgoing: c, learners: [] },
      { voters: both, outgoing: [], learners: [] },
      { voters: c, outgoing: both, learners },
      { voters: c, outgoing: [], learners },
    ]
    const log = since.map((configuration, i) => ({ index: i + 1, term: 1, command: undefined, configuration }))
    const voter = new VoterUnderTest({ voters: ['c'], learners: ['a'] })
    voter.receive('c', append(1, { entries: log })).flush()
    voter.timeout()
    assert.deepEqual(
      voter.sent('pre-vote').map(({ to }) => to),
      ['c'],
      'c may have lost the last of them: only this log can win',
    )
  })
})

describe('a member without a vote', () => {
  it('4.2.1: learns the log, and never stands', () => {
    const voter = new VoterUnderTest({ voters: ['b', 'c'], learners: ['a'] })
    voter.receive('b', append(1, { entries: entries(1, 1), commitIndex: 1 })).flush()
    assert.equal(voter.sent('append-reply')[0]?.matchIndex, 1)
    voter.timeout()
    assert.deepEqual(voter.sent('pre-vote'), [])
  })

  it('counts for nothing', () => {
    const voter = new VoterUnderTest({ learners: ['d', 'e'] }).elect().follow('d', 'e')
    assert.equal(voter.view.commitIndex, 0)
    voter.follow('b')
    assert.equal(voter.view.commitIndex, 1)
  })

  it('answers a candidate, who may know that it has one', () => {
    const voter = new VoterUnderTest({ voters: ['b', 'c'], learners: ['a'] })
    assert.equal(voter.receive('b', vote(1)).flush().sent('vote-reply')[0]?.granted, true)
  })
})

describe('a member with another log than its voter had', () => {
  it('does not vote for it', () => {
    const voter = new VoterUnderTest().timeout()
    for (const { to: peer, round } of voter.sent('pre-vote')) {
      voter.receive(peer, { type: 'pre-vote-reply', term: 0, round, granted: true }, 'new')
    }
    assert.equal(voter.view.role, 'pre-candidate')
  })

  it('stores nothing for it, and its answers prove nothing', () => {
    const voter = new VoterUnderTest().elect()
    for (const id of ['b', 'c']) voter.receive(id, accepted(1, voter.view.term, 1), 'new')
    assert.deepEqual([voter.view.commitIndex, voter.view.quorumAt], [0, undefined])
  })

  it('is begun with anew, and may become the voter in the place of its old log', () => {
    const voter = leader()
    voter.receive('c', accepted(1, 0, 0), 'new')
    assert.equal(voter.raft.followers(voter.now).find(({ id }) => id === 'c')?.matchIndex, 0)
    voter.receive('c', accepted(1, 0, 1), 'new').take()
    const change = { voters: [...stores(['a', 'b']), { id: 'c', storeId: 'new' }], learners: [] }
    assert.equal(reconfigure(voter, change).effects('accepted').length, 1)
    voter.flush().receive('c', accepted(1, 0, 2), 'new')
    assert.equal(voter.view.commitIndex, 1, 'it counts for the new voter alone')
    voter.receive('b', accepted(1, 0, 2))
    assert.equal(voter.view.commitIndex, 2)
  })
})
