// Elections: thesis sections 3.4, 3.6.1, 4.2.3, 9.6, and what evidence against a leader changes.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Effect } from '../../consensus/index.ts'
import { accepted, append, entries, preVote, VoterUnderTest, vote } from './voter-under-test.ts'

function timerAt(effects: readonly Effect<string>[]): number | undefined {
  return effects.flatMap((each) => (each.type === 'set-timer' && each.timer === 'election' ? [each.at] : [])).at(-1)
}

function grant(term: number, round: number) {
  return { type: 'vote-reply', term, round, granted: true } as const
}

function preGrant(term: number, round: number, granted = true) {
  return { type: 'pre-vote-reply', term, round, granted } as const
}

/** A candidate of term 1 whose own vote is durable, and the round it asks in. */
function candidate(): { voter: VoterUnderTest; round: number } {
  const voter = new VoterUnderTest({ voters: ['a', 'b', 'c', 'd', 'e'] }).timeout()
  for (const { to, round } of voter.sent('pre-vote')) voter.receive(to, preGrant(0, round))
  voter.flush()
  return { voter, round: voter.sent('vote')[0]?.round ?? 0 }
}

describe('election, the wait', () => {
  it('3.4: is drawn between the two timeouts', () => {
    for (const [draw, at] of [
      [0, 600],
      [0.5, 900],
      [1, 1_200],
    ] as const) {
      assert.equal(timerAt(new VoterUnderTest({ term: 1, draw }).take()), at)
    }
  })

  it('is short in a log that never had a leader, for each voter in a part of its own', () => {
    const beside = (other: string, draw: number) => timerAt(new VoterUnderTest({ voters: ['a', other], draw }).take())
    assert.deepEqual([beside('b', 0), beside('b', 1), beside('0', 0), beside('0', 1)], [0, 25, 25, 50])
  })

  it('is short for a voter that has just begun and finds another one, once, unless it hears a leader', () => {
    const voter = new VoterUnderTest({ voters: ['a', 'b'], term: 1, draw: 0.5 })
    voter.take()
    voter.at(100).step({ type: 'connected', peer: 'b' })
    assert.equal(timerAt(voter.take()), 112.5, 'the first half of 50 ms is for the first of two')
    voter.at(110).step({ type: 'connected', peer: 'c' })
    assert.deepEqual(voter.take(), [])

    const led = new VoterUnderTest({ term: 1, draw: 0.5 })
    led.at(10).receive('b', append(1)).take()
    led.at(100).step({ type: 'connected', peer: 'c' })
    assert.deepEqual(led.take(), [])

    const stranger = new VoterUnderTest({ term: 1, draw: 0.5 })
    stranger.take()
    stranger.at(100).step({ type: 'connected', peer: 'nobody' })
    assert.deepEqual(stranger.take(), [], 'who is no voter is no reason')
  })

  it('3.4: begins again with every message of the leader, with no timer each', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.take()
    voter.at(800).receive('b', append(1))
    assert.equal(timerAt(voter.take()), undefined)
    voter.at(900).step({ type: 'timer', timer: 'election' })
    assert.equal(voter.view.role, 'follower')
    assert.equal(timerAt(voter.take()), 1_700, 'the timer that fired early is set to where the wait now ends')
  })

  it('3.4: begins again when a vote is granted, not when one is denied', () => {
    const voter = new VoterUnderTest({ term: 1, log: [1] })
    voter.at(800).receive('b', vote(2))
    voter.at(900).step({ type: 'timer', timer: 'election' })
    assert.equal(voter.view.role, 'pre-candidate')

    const granting = new VoterUnderTest({ term: 1, log: [1] })
    granting.at(800).receive('b', vote(2, { lastIndex: 1, lastTerm: 1 }))
    granting.at(900).step({ type: 'timer', timer: 'election' })
    assert.equal(granting.view.role, 'follower')
  })

  it('evidence against the leader makes it short, once and for this voter alone', () => {
    const voter = new VoterUnderTest({ term: 1, draw: 0.5 })
    voter.at(100).receive('b', append(1)).take()
    voter.step({ type: 'disconnected', peer: 'b', evidence: true })
    assert.equal(voter.view.leader, undefined)
    assert.equal(timerAt(voter.take()), 125)
    voter.at(110).step({ type: 'disconnected', peer: 'b', evidence: true })
    assert.deepEqual(voter.take(), [], 'the same evidence again changes nothing')
  })

  it('neither a mere close nor evidence against another voter makes it short', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.at(100).receive('b', append(1)).take()
    voter.step({ type: 'disconnected', peer: 'b', evidence: false })
    voter.step({ type: 'disconnected', peer: 'c', evidence: true })
    assert.deepEqual(voter.take(), [])
    assert.equal(voter.view.leader, 'b')
  })

  it('evidence is void when the leader is heard again', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.receive('b', append(1)).step({ type: 'disconnected', peer: 'b', evidence: true })
    voter.at(20).receive('b', append(1))
    assert.equal(voter.view.leader, 'b')
    voter.at(25).step({ type: 'timer', timer: 'election' })
    assert.equal(voter.view.role, 'follower')
  })

  it('evidence buys a bounded number of short waits, each from twice the span of the one before', () => {
    const voter = new VoterUnderTest({ term: 1, options: { evidenceAttempts: 2 } })
    voter.receive('b', append(1)).step({ type: 'disconnected', peer: 'b', evidence: true })
    const roleAfter = (ms: number) => voter.at(voter.now + ms).step({ type: 'timer', timer: 'election' }).view.role
    for (const ms of [25, 50]) {
      voter.take()
      assert.equal(roleAfter(ms - 1), 'follower')
      assert.equal(roleAfter(1), 'pre-candidate')
      const [{ round } = { round: 0 }] = voter.sent('pre-vote')
      assert.equal(voter.receive('c', preGrant(1, round, false)).view.role, 'follower')
    }
    assert.equal(roleAfter(899), 'follower')
    assert.equal(roleAfter(1), 'pre-candidate')
  })

  it('goes on being short for a candidate that saw a higher term, while there is evidence', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.receive('b', append(1)).step({ type: 'disconnected', peer: 'b', evidence: true })
    voter
      .at(voter.now + 25)
      .step({ type: 'timer', timer: 'election' })
      .take()
    voter.receive('c', {
      type: 'append-reply',
      term: 3,
      round: 0,
      accepted: true,
      matchIndex: 0,
      hintIndex: 0,
      hintTerm: 0,
    })
    assert.equal(voter.view.role, 'follower')
    assert.equal(voter.at(voter.now + 50).step({ type: 'timer', timer: 'election' }).view.role, 'pre-candidate')
  })

  it('a time away begins it anew: messages that wait are heard first', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.take()
    voter.at(60_000).step({ type: 'away', ms: 59_900 })
    assert.equal(voter.step({ type: 'timer', timer: 'election' }).view.role, 'follower')
    assert.equal(timerAt(voter.take()), 60_900)
  })
})

describe('election, asking', () => {
  it('9.6: a pre-vote changes neither term nor vote, at the asker either', () => {
    const voter = new VoterUnderTest({ term: 4, log: [4] }).timeout()
    assert.deepEqual([voter.view.role, voter.view.term], ['pre-candidate', 4])
    const effects = voter.take()
    assert.equal(
      effects.some((each) => each.type === 'persist'),
      false,
    )
    const asked = effects.flatMap((each) => (each.type === 'send' ? [each.message] : []))
    assert.deepEqual(asked[0], preVote(5, { lastIndex: 1, lastTerm: 4 }))
  })

  it('3.8: a candidate asks nobody before its own term and vote are durable', () => {
    const voter = new VoterUnderTest().timeout()
    const [{ round } = { round: 0 }] = voter.sent('pre-vote')
    voter.receive('b', preGrant(0, round))
    assert.equal(voter.view.role, 'candidate')
    assert.deepEqual(voter.sent('vote'), [])
    assert.deepEqual(
      voter
        .flush()
        .sent('vote')
        .map(({ to, term }) => [to, term]),
      [
        ['b', 1],
        ['c', 1],
      ],
    )
  })

  it('3.4: a majority makes a leader; the same vote twice is one', () => {
    const { voter, round } = candidate()
    voter.receive('b', grant(1, round)).receive('b', grant(1, round))
    assert.equal(voter.view.role, 'candidate')
    assert.equal(voter.receive('c', grant(1, round)).view.role, 'leader')
  })

  it('3.4: an answer to an earlier question counts for nothing', () => {
    const { voter, round } = candidate()
    voter.receive('b', grant(1, round - 1)).receive('c', grant(1, round - 1))
    assert.equal(voter.view.role, 'candidate')
    voter.receive('b', grant(1, round)).receive('c', grant(1, round))
    assert.equal(voter.view.role, 'leader')
  })

  it('9.6: a late pre-vote of an earlier round does not make a candidate', () => {
    const voter = new VoterUnderTest().timeout()
    const [{ round } = { round: 0 }] = voter.sent('pre-vote')
    voter.timeout().receive('b', preGrant(0, round))
    assert.equal(voter.view.role, 'pre-candidate')
  })

  it('3.4: a candidate that hears a leader of its term follows it', () => {
    const { voter } = candidate()
    voter.receive('d', append(1))
    assert.deepEqual([voter.view.role, voter.view.term, voter.view.leader], ['follower', 1, 'd'])
  })

  it('9.6: a pre-candidate learns a later term from a denial', () => {
    const voter = new VoterUnderTest().timeout()
    const [{ round } = { round: 0 }] = voter.sent('pre-vote')
    voter.receive('b', preGrant(8, round, false))
    assert.deepEqual([voter.view.role, voter.view.term], ['follower', 8])
  })

  it('a ballot that cannot be won any more is given up', () => {
    const { voter, round } = candidate()
    for (const from of ['b', 'c', 'd']) voter.receive(from, { ...grant(1, round), granted: false })
    assert.equal(voter.view.role, 'follower')
  })

  it('a voter that connects late is asked late', () => {
    const voter = new VoterUnderTest().timeout()
    voter.take()
    assert.deepEqual(
      voter
        .step({ type: 'connected', peer: 'c' })
        .sent('pre-vote')
        .map(({ to }) => to),
      ['c'],
    )
  })
})

describe('election, answering', () => {
  it('3.4: a voter votes once a term, first come first served, again to the same candidate', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.receive('b', vote(2)).receive('c', vote(2)).receive('b', vote(2))
    assert.deepEqual(
      voter
        .flush()
        .sent('vote-reply')
        .map(({ to, granted }) => [to, granted]),
      [
        ['c', false],
        ['b', true],
        ['b', true],
      ],
    )
  })

  it('3.6.1: a voter denies a candidate whose log is behind its own', () => {
    const voter = new VoterUnderTest({ log: [1, 3] })
    voter.receive('b', vote(4, { lastIndex: 9, lastTerm: 2 }))
    voter.receive('c', vote(5, { lastIndex: 1, lastTerm: 3 }))
    assert.deepEqual(
      voter.sent('vote-reply').map(({ granted }) => granted),
      [false, false],
    )
    assert.equal(voter.view.term, 5, 'the later term is adopted all the same')
  })

  it('3.8: a vote leaves when it is durable', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', vote(1))
    assert.deepEqual(voter.sent('vote-reply'), [])
    assert.equal(voter.flush().sent('vote-reply')[0]?.granted, true)
  })

  it('figure 3.1: a vote in a term that is on disk already is written too', () => {
    const voter = new VoterUnderTest({ term: 2 })
    voter.take()
    const [persisted] = voter.receive('b', vote(2)).take()
    assert.deepEqual(persisted?.type === 'persist' && persisted.hardState, { term: 2, votedFor: 'b' })
    assert.equal(voter.flush().sent('vote-reply')[0]?.granted, true)
  })

  it('9.6: a pre-vote for a term that is not later than the own is denied, and answered with the own', () => {
    const voter = new VoterUnderTest({ term: 4 })
    voter.receive('b', preVote(4)).receive('c', preVote(3))
    assert.deepEqual(
      voter.sent('pre-vote-reply').map(({ granted, term }) => [granted, term]),
      [
        [false, 4],
        [false, 4],
      ],
    )
  })

  it('a pre-candidate may vote for another', () => {
    const voter = new VoterUnderTest().timeout()
    voter.receive('b', vote(1))
    assert.equal(voter.flush().sent('vote-reply')[0]?.granted, true)
    assert.equal(voter.view.role, 'follower')
  })

  it('4.2.3: a voter that hears its leader adopts no later term and answers no vote', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.at(100).receive('b', append(1)).take()
    assert.deepEqual(voter.at(699).receive('c', vote(5)).dropped(), ['leader-heard'])
    assert.equal(voter.view.term, 1)
    voter.at(700).receive('c', vote(5))
    assert.equal(voter.flush().sent('vote-reply')[0]?.granted, true)
  })

  it('9.6: it denies the pre-vote meanwhile, and grants it afterwards', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.at(100).receive('b', append(1)).take()
    voter.at(699).receive('c', preVote(2))
    voter.at(700).receive('c', preVote(2))
    assert.deepEqual(
      voter.sent('pre-vote-reply').map(({ granted, term }) => [granted, term]),
      [
        [false, 1],
        [true, 1],
      ],
    )
  })

  it('a voter with evidence of its own does not count as hearing its leader', () => {
    const voter = new VoterUnderTest({ term: 1 })
    voter.at(100).receive('b', append(1)).step({ type: 'disconnected', peer: 'b', evidence: true }).take()
    voter.receive('c', preVote(2))
    assert.equal(voter.sent('pre-vote-reply')[0]?.granted, true)
  })

  it('4.2.3: a leader that a majority answers denies too; one that has been away does not', () => {
    const voter = new VoterUnderTest().elect()
    voter.step({ type: 'timer', timer: 'heartbeat' })
    const [{ round } = { round: 0 }] = voter.sent('append')
    voter.receive('b', accepted(1, round, 1)).take()
    const ask = preVote(2, { lastIndex: 5, lastTerm: 1 })
    assert.equal(voter.receive('c', ask).sent('pre-vote-reply')[0]?.granted, false)
    voter.step({ type: 'away', ms: 1 }).take()
    assert.equal(voter.receive('c', ask).sent('pre-vote-reply')[0]?.granted, true)
  })

  it('9.6: who has just voted for one, or was just elected, denies another its pre-vote for as long as it would had it heard a leader', () => {
    const ask = (voter: VoterUnderTest, from: string) =>
      voter.receive(from, preVote(3)).sent('pre-vote-reply').at(-1)?.granted
    const voter = new VoterUnderTest({ term: 1 })
    voter.at(100).receive('b', vote(2)).take()
    assert.equal(ask(voter.at(699), 'c'), false, 'b may have won')
    assert.equal(ask(voter, 'b'), true, 'b knows that it has not')
    voter.receive('c', vote(3))
    assert.equal(voter.view.term, 3, 'a vote is asked for by whom a majority has let')

    const patient = new VoterUnderTest({ term: 1 })
    patient.at(100).receive('b', vote(2)).take()
    assert.equal(ask(patient.at(700), 'c'), true)

    const knowing = new VoterUnderTest({ term: 1 })
    knowing.at(100).receive('b', vote(2)).step({ type: 'disconnected', peer: 'b', evidence: true }).take()
    assert.equal(ask(knowing, 'c'), true, 'b is gone')

    const later = new VoterUnderTest({ log: [1] })
    later
      .at(100)
      .receive('b', vote(2, { lastIndex: 1, lastTerm: 1 }))
      .receive('c', vote(3))
      .take()
    const up = preVote(4, { lastIndex: 1, lastTerm: 1 })
    assert.equal(later.receive('b', up).sent('pre-vote-reply').at(-1)?.granted, true, 'nobody leads any more in term 2')

    const split = new VoterUnderTest({ voters: ['a', 'b', 'c', 'd', 'e'] }).timeout()
    for (const { to, round } of split.sent('pre-vote')) split.receive(to, preGrant(0, round))
    split.flush()
    assert.equal(ask(split, 'c'), true, 'who stands itself and has not won is in nobody\u2019s way')

    const leader = new VoterUnderTest().elect()
    const late = preVote(2, { lastIndex: 5, lastTerm: 1 })
    assert.equal(leader.receive('c', late).sent('pre-vote-reply').at(-1)?.granted, false)
  })

  it('a voter that denied its vote for an outdated log still stores what the winner sends', () => {
    const voter = new VoterUnderTest({ log: [1, 1] })
    voter.receive('b', vote(2)).receive('c', append(2, { previousIndex: 2, previousTerm: 1, entries: entries(3, 2) }))
    assert.equal(voter.flush().sent('append-reply')[0]?.matchIndex, 3)
  })
})

describe('a doubted leader that has connected again', () => {
  it('may answer: of two voters neither is elected without the other', () => {
    const voter = new VoterUnderTest({ voters: ['a', 'b'] }).receive('b', append(1))
    voter.step({ type: 'disconnected', peer: 'b', evidence: true })
    voter.timeout()
    assert.equal(voter.view.role, 'follower', 'nobody is there to be won')
    voter.step({ type: 'connected', peer: 'b' })
    voter.timeout().take()
    assert.equal(voter.view.role, 'pre-candidate')
  })
})
