// Handing leadership over, rule by rule (thesis section 3.10).

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { accepted, append, entries, VoterUnderTest, vote } from './voter-under-test.ts'

/** A leader of three in term 1, whose first entry everybody has. */
function leader(): VoterUnderTest {
  const voter = new VoterUnderTest().elect().follow('b', 'c')
  voter.take()
  return voter
}

function transfer(voter: VoterUnderTest, to?: string): VoterUnderTest {
  return voter.step({ type: 'transfer', proposal: 7, to })
}

describe('a leader that hands over', () => {
  it('tells its successor to stand at once when that has everything', () => {
    assert.deepEqual(
      transfer(leader(), 'c')
        .sent('timeout-now')
        .map(({ to }) => to),
      ['c'],
    )
  })

  it('first brings its log to the end, and takes no proposals meanwhile', () => {
    const voter = leader().step({ type: 'propose', proposal: 1, command: 'x' }).flush()
    assert.deepEqual(transfer(voter, 'b').sent('timeout-now'), [])
    assert.equal(voter.step({ type: 'propose', proposal: 2, command: 'y' }).effects('reject')[0]?.code, 'transferring')
    assert.equal(voter.receive('b', accepted(1, 0, 2)).sent('timeout-now').length, 1)
  })

  it('brings a successor that it spared to the end at once', () => {
    const voter = leader()
    for (const command of ['x', 'y', 'z']) voter.step({ type: 'propose', proposal: 1, command })
    const toldUpTo = (id: string): number | undefined =>
      voter
        .sent('append')
        .findLast(({ to }) => to === id)
        ?.entries.at(-1)?.index
    const before = toldUpTo('c')
    assert.ok(before! < 4, 'spared')
    transfer(voter, 'c')
    assert.equal(toldUpTo('c'), 4)
  })

  it('chooses the longest log when nobody is named', () => {
    const voter = leader().step({ type: 'propose', proposal: 1, command: 'x' }).flush()
    voter.receive('c', accepted(1, 0, 2)).take()
    assert.equal(transfer(voter).sent('timeout-now')[0]?.to, 'c')
  })

  it('says so when the successor leads', () => {
    const voter = transfer(leader(), 'b')
    voter.receive('b', { ...vote(2, { lastIndex: 1, lastTerm: 1 }), type: 'transfer-vote' }).flush()
    assert.equal(voter.sent('vote-reply')[0]?.granted, true)
    voter.receive('b', append(2, { previousIndex: 1, previousTerm: 1 }))
    assert.deepEqual(voter.effects('transferred'), [{ type: 'transferred', proposal: 7, to: 'b' }])
  })

  it('leads on when nothing comes of it for an election timeout', () => {
    const voter = transfer(leader(), 'b')
    voter.take()
    voter.at(voter.now + 600).step({ type: 'timer', timer: 'transfer' })
    assert.equal(voter.effects('reject')[0]?.code, 'timed-out')
    assert.equal(voter.step({ type: 'propose', proposal: 2, command: 'y' }).effects('accepted').length, 1)
  })

  it('tells its successor again with the next heartbeat, for the first word may be lost', () => {
    const voter = transfer(leader(), 'b')
    voter.take()
    assert.equal(voter.step({ type: 'timer', timer: 'heartbeat' }).sent('timeout-now').length, 1)
  })

  it('refuses itself, strangers, who lags, and a second transfer', () => {
    for (const to of ['a', 'x']) assert.equal(transfer(leader(), to).effects('reject')[0]?.code, 'invalid')
    const fresh = new VoterUnderTest().elect()
    assert.equal(transfer(fresh, 'b').effects('reject')[0]?.code, 'not-caught-up')
    assert.equal(transfer(transfer(leader(), 'b'), 'c').effects('reject')[0]?.code, 'in-progress')
    assert.equal(transfer(new VoterUnderTest(), 'b').effects('reject')[0]?.code, 'not-leader')
  })
})

describe('a follower that is told to stand', () => {
  it('asks for votes without a pre-vote, once its own is durable', () => {
    const voter = new VoterUnderTest().receive('b', append(1, { entries: entries(1, 1) })).flush()
    voter.receive('b', { type: 'timeout-now', term: 1, round: 1 })
    assert.deepEqual([voter.view.role, voter.view.term, voter.sent('transfer-vote')], ['candidate', 2, []])
    assert.equal(voter.flush().sent('transfer-vote').length, 2)
  })

  it('listens to the leader of its term alone', () => {
    const voter = new VoterUnderTest().receive('b', append(2))
    voter.receive('c', { type: 'timeout-now', term: 2, round: 1 })
    voter.receive('b', { type: 'timeout-now', term: 1, round: 1 })
    assert.deepEqual([voter.view.role, voter.view.term], ['follower', 2])
  })

  it('is given votes though the leader is heard; who stands by itself is not', () => {
    const voter = new VoterUnderTest().receive('b', append(1)).flush()
    voter.take()
    assert.deepEqual(voter.receive('c', vote(2)).dropped(), ['leader-heard'])
    const asked = voter.receive('c', { ...vote(2), type: 'transfer-vote' }).flush()
    assert.equal(asked.sent('vote-reply')[0]?.granted, true)
  })

  it('is given none with a shorter log', () => {
    const voter = new VoterUnderTest({ log: [1, 1] })
    voter.receive('c', { ...vote(2, { lastIndex: 1, lastTerm: 1 }), type: 'transfer-vote' }).flush()
    assert.equal(voter.sent('vote-reply')[0]?.granted, false)
  })
})
