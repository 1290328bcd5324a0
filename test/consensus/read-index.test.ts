// Reads without a write, rule by rule (thesis section 6.4; design rule 21).

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accepted, append, entries, VoterUnderTest } from './voter-under-test.ts'

function leader(): VoterUnderTest {
  const voter = new VoterUnderTest().elect().follow('b', 'c')
  voter.take()
  return voter
}

const read = (voter: VoterUnderTest, number: number): VoterUnderTest => voter.step({ type: 'read', read: number })

/** The round that the latest messages asked in. */
function round(voter: VoterUnderTest): number {
  return Math.max(...voter.sent('append').map((message) => message.round))
}

describe('a leader that is asked to read', () => {
  it('begins a round, and answers when a majority has', () => {
    const voter = read(leader(), 1)
    const asked = round(voter)
    assert.deepEqual(voter.receive('b', accepted(1, asked, 1)).effects('readable'), [
      { type: 'readable', read: 1, index: 1 },
    ])
  })

  it('takes no answer to an earlier round for it', () => {
    const voter = leader().step({ type: 'timer', timer: 'heartbeat' })
    const before = round(voter)
    const asked = round(read(voter, 1))
    assert.ok(asked > before)
    assert.deepEqual(voter.receive('b', accepted(1, before, 1)).effects('readable'), [])
    assert.equal(voter.receive('b', accepted(1, asked, 1)).effects('readable').length, 1)
  })

  it('lets a read that comes later wait for the next round', () => {
    const voter = read(leader(), 1)
    const first = round(voter)
    read(voter, 2)
    assert.deepEqual(voter.sent('append'), [], 'one round of reads at a time')
    voter.receive('b', accepted(1, first, 1))
    const effects = voter.take()
    assert.deepEqual(
      effects.flatMap((effect) => (effect.type === 'readable' ? [effect.read] : [])),
      [1],
    )
    assert.equal(voter.receive('b', accepted(1, first + 1, 1)).effects('readable')[0]?.read, 2)
  })

  it('waits for an entry of its own term', () => {
    const voter = new VoterUnderTest({ log: [1] }).elect()
    read(voter, 1).receive('b', accepted(2, 1, 1))
    assert.deepEqual(voter.effects('readable'), [])
    voter.receive('b', accepted(2, 1, 2))
    const asked = round(voter)
    assert.equal(voter.receive('b', accepted(2, asked, 2)).effects('readable')[0]?.index, 2)
  })

  it('answers what was committed when the round began, once that is applied', () => {
    const voter = leader().step({ type: 'propose', proposal: 1, command: 'x' })
    voter.receive('b', accepted(1, 1, 2)).receive('c', accepted(1, 1, 2))
    assert.equal(voter.view.commitIndex, 2)
    voter.take()
    const asked = round(read(voter, 1))
    assert.deepEqual(voter.receive('b', accepted(1, asked, 2)).effects('readable'), [], 'its own disk has not answered')
    assert.equal(voter.flush().effects('readable')[0]?.index, 2)
  })

  it('refuses all that wait when it steps down', () => {
    const voter = read(leader(), 1)
    voter.receive('b', append(2))
    assert.deepEqual(
      voter.effects('unreadable').map(({ read: number, code }) => [number, code]),
      [[1, 'not-leader']],
    )
  })

  it('alone answers at once', () => {
    const voter = new VoterUnderTest({ voters: ['a'] }).flush().flush()
    voter.take()
    assert.equal(read(voter, 1).effects('readable').length, 1)
  })

  it('refuses past its bound', () => {
    const voter = new VoterUnderTest({ options: { maxPendingReads: 1 } }).elect().follow('b')
    voter.take()
    for (const number of [1, 2, 3]) read(voter, number)
    assert.deepEqual(
      voter.effects('unreadable').map(({ read: number, code }) => [number, code]),
      [[3, 'busy']],
    )
  })
})

describe('a follower that is asked to read', () => {
  function follower(): VoterUnderTest {
    const voter = new VoterUnderTest().receive('b', append(1, { entries: entries(1, 1, 1), commitIndex: 1 })).flush()
    voter.take()
    return voter
  }

  it('asks its leader, and serves when it has applied that much', () => {
    const voter = read(follower(), 1)
    const [question] = voter.sent('read-index')
    assert.equal(question?.to, 'b')
    voter.receive('b', { type: 'read-index-reply', term: 1, round: question?.round ?? 0, index: 2 })
    assert.deepEqual(voter.effects('readable'), [])
    voter.receive('b', append(1, { previousIndex: 2, previousTerm: 1, commitIndex: 2 }))
    assert.deepEqual(voter.effects('readable'), [{ type: 'readable', read: 1, index: 2 }])
  })

  it('takes no late answer for the one to its new question', () => {
    const voter = read(follower(), 1)
    const [first] = voter.sent('read-index')
    voter.at(600).step({ type: 'timer', timer: 'read' })
    assert.equal(voter.effects('unreadable')[0]?.code, 'timed-out')
    read(voter, 2).take()
    voter.receive('b', { type: 'read-index-reply', term: 1, round: first?.round ?? 0, index: 1 })
    assert.deepEqual(voter.effects('readable'), [])
  })

  it('asks no question of an earlier life again', () => {
    const questions = [0.25, 0.75].map((draw) => {
      const voter = new VoterUnderTest({ draw }).receive('b', append(1))
      return read(voter, 1).sent('read-index')[0]?.round
    })
    assert.notEqual(questions[0], questions[1])
  })

  it('shares one question among the reads that came before it', () => {
    const voter = read(follower(), 1)
    const [question] = voter.sent('read-index')
    read(read(voter, 2), 3)
    assert.deepEqual(voter.sent('read-index'), [])
    voter.receive('b', { type: 'read-index-reply', term: 1, round: question?.round ?? 0, index: 1 })
    assert.equal(voter.sent('read-index').length, 1)
  })

  it('refuses when it knows no leader, or another one came', () => {
    assert.equal(read(new VoterUnderTest(), 1).effects('unreadable')[0]?.code, 'not-leader')
    const voter = read(follower(), 1)
    voter.receive('c', append(2))
    assert.equal(voter.effects('unreadable')[0]?.code, 'not-leader')
  })

  it('gets its answer from a leader that has asked a majority since, and a refusal from anybody else', () => {
    const voter = leader().receive('c', { type: 'read-index', term: 1, round: 5 })
    const asked = round(voter)
    assert.deepEqual(voter.sent('read-index-reply'), [])
    voter.receive('b', accepted(1, asked, 1))
    assert.deepEqual(
      voter.sent('read-index-reply').map(({ to, round: answered, index }) => [to, answered, index]),
      [['c', 5, 1]],
    )
    const other = new VoterUnderTest().receive('c', { type: 'read-index', term: 0, round: 5 })
    assert.equal(other.sent('read-index-reply')[0]?.index, undefined)
  })
})
