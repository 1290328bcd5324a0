// One voter against the paper (Ongaro 2014): a test per rule, its section in the name. Elections stand in
// `election.test.ts`, the stories of several voters in `test/scenarios/consensus/`.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { InvariantError, Raft, resolveRaftOptions, votersOnly } from '../../consensus/index.ts'
import { accepted, append, entries, VoterUnderTest, vote } from './voter-under-test.ts'

describe('raft, terms', () => {
  it('3.3: a voter that sees a larger term adopts it, durably, and follows', () => {
    const voter = new VoterUnderTest().elect()
    voter.receive('b', { ...accepted(7, 1, 0), accepted: false, matchIndex: 1 })
    assert.deepEqual([voter.view.role, voter.view.term, voter.view.leader], ['follower', 7, undefined])
    const persisted = voter.take().find((effect) => effect.type === 'persist')
    assert.deepEqual(persisted?.type === 'persist' && persisted.hardState, { term: 7, votedFor: undefined })
  })

  it('3.3: a request of an earlier term is answered with the current one', () => {
    const voter = new VoterUnderTest({ term: 5 })
    voter.take()
    voter.receive('b', append(4)).receive('c', vote(4))
    const answers = voter.take().flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    assert.deepEqual(
      answers.map((answer) => [
        answer.type,
        answer.term,
        'accepted' in answer ? answer.accepted : 'granted' in answer && answer.granted,
      ]),
      [
        ['append-reply', 5, false],
        ['vote-reply', 5, false],
      ],
    )
  })

  it('3.3: an answer of an earlier term is dropped', () => {
    const voter = new VoterUnderTest({ term: 5 }).elect()
    assert.deepEqual(voter.receive('b', accepted(5, 1, 1)).dropped(), ['stale-term'])
    assert.equal(voter.view.commitIndex, 0)
  })
})

describe('raft, the follower of a log', () => {
  it('3.5: a message whose previous entry is missing is refused', () => {
    const voter = new VoterUnderTest({ log: [1, 1] })
    voter.receive('b', append(2, { previousIndex: 5, previousTerm: 1, entries: entries(6, 2) }))
    const [reply] = voter.sent('append-reply')
    assert.deepEqual([reply?.accepted, reply?.matchIndex, reply?.hintIndex, reply?.hintTerm], [false, 5, 2, 1])
    assert.equal(voter.view.lastIndex, 2)
  })

  it('3.5: a message whose previous entry has another term is refused, with the last place that can agree', () => {
    const voter = new VoterUnderTest({ log: [1, 1, 3, 3, 3] })
    voter.receive('b', append(4, { previousIndex: 4, previousTerm: 2 }))
    const [reply] = voter.sent('append-reply')
    assert.deepEqual([reply?.accepted, reply?.hintIndex, reply?.hintTerm], [false, 2, 1])
  })

  it('3.5: a conflicting entry and all that follow it are replaced', () => {
    const voter = new VoterUnderTest({ log: [1, 1, 2, 2] })
    voter.receive('b', append(3, { previousIndex: 2, previousTerm: 1, entries: entries(3, 3) }))
    assert.equal(voter.view.lastIndex, 3)
    const written = voter.take().flatMap((effect) => (effect.type === 'persist' ? effect.entries : []))
    assert.deepEqual(written, entries(3, 3))
  })

  it('3.5: a delayed message does not cut off what a newer one brought', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: entries(1, 1, 1, 1) })).receive('b', append(1, { entries: entries(1, 1) }))
    assert.equal(voter.view.lastIndex, 3)
    assert.deepEqual(
      voter
        .flush()
        .sent('append-reply')
        .map((reply) => reply.matchIndex),
      [3, 1],
    )
  })

  it('figure 3.1: it commits what the leader has committed, up to the last entry this message proved', () => {
    const voter = new VoterUnderTest({ log: [1, 1, 1] })
    voter.receive('b', append(2, { previousIndex: 1, previousTerm: 1, commitIndex: 3 }))
    assert.equal(voter.view.commitIndex, 1)
  })

  it('3.8: it acknowledges entries when they are durable, not before', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: entries(1, 1) }))
    assert.deepEqual(voter.sent('append-reply'), [])
    assert.deepEqual(voter.flush().sent('append-reply')[0]?.matchIndex, 1)
  })

  it('3.8: an answer to an empty message waits for the write before it too', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: entries(1, 1) }))
    voter.receive('b', append(1, { round: 2, previousIndex: 1, previousTerm: 1 }))
    assert.deepEqual(voter.sent('append-reply'), [])
    assert.equal(voter.flush().sent('append-reply').length, 2)
  })

  it('3.8: an acknowledgement held back in one term does not leave in the next', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: entries(1, 1) }))
    voter.receive('c', append(2, { entries: entries(1, 2) }))
    assert.deepEqual(
      voter
        .flush()
        .sent('append-reply')
        .map((reply) => [reply.to, reply.term]),
      [['c', 2]],
    )
  })

  it('applies what is committed once it is durable here, in order, once', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: entries(1, 1, 1, 1), commitIndex: 2 }))
    assert.deepEqual(voter.applied(), [])
    assert.deepEqual(voter.flush().applied(), entries(1, 1, 1))
    voter.receive('b', append(1, { previousIndex: 3, previousTerm: 1, commitIndex: 3 }))
    assert.deepEqual(voter.applied(), entries(3, 1))
    assert.deepEqual(voter.receive('b', append(1, { entries: entries(1, 1), commitIndex: 3 })).applied(), [])
  })

  it('hands over no more of it in one step than it may, and says so', () => {
    const voter = new VoterUnderTest({ log: [1, 1, 1, 1, 1], options: { maxEntriesPerStep: 2 } })
    voter.receive('b', append(1, { previousIndex: 5, previousTerm: 1, commitIndex: 5 }))
    const steps = [voter.effects('apply')]
    for (let step = 0; step < 3; step++) steps.push(voter.step({ type: 'apply-due' }).effects('apply'))
    assert.deepEqual(steps, [
      [{ type: 'apply', entries: entries(1, 1, 1), hasMore: true }],
      [{ type: 'apply', entries: entries(3, 1, 1), hasMore: true }],
      [{ type: 'apply', entries: entries(5, 1), hasMore: false }],
      [],
    ])
  })

  it('3.6.3: nothing that is committed is ever replaced', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1, { entries: entries(1, 1, 1), commitIndex: 2 }))
    voter.take()
    assert.deepEqual(voter.receive('c', append(2, { entries: entries(1, 2) })).dropped(), ['rewrites-committed'])
    assert.equal(voter.view.lastIndex, 2)
  })
})

describe('raft, the leader of a log', () => {
  it('6.4: a new leader begins with an empty entry of its own term', () => {
    const voter = new VoterUnderTest({ log: [1, 2] })
    voter.elect({ flushed: false })
    assert.equal(voter.view.lastIndex, 3)
    voter.flush().receive('b', accepted(3, voter.raft.view().lastIndex, 3))
    assert.deepEqual(voter.applied().at(-1), { index: 3, term: 3, command: undefined })
  })

  it('3.6.2: an entry of an earlier term is not committed by counting, but with one of its own', () => {
    const voter = new VoterUnderTest({ log: [1, 2] }).elect()
    assert.equal(voter.receive('b', accepted(3, 1, 2)).view.commitIndex, 0)
    assert.equal(voter.receive('b', accepted(3, 1, 3)).view.commitIndex, 3)
  })

  it('10.2.1: it sends entries before they are durable, and counts itself when they are', () => {
    const voter = new VoterUnderTest().elect({ flushed: false })
    voter.receive('b', accepted(1, 1, 1))
    assert.equal(voter.view.commitIndex, 0)
    assert.equal(voter.flush().view.commitIndex, 1)
  })

  it('3.5: with three of five it needs two others, whoever they are', () => {
    const voter = new VoterUnderTest({ voters: ['a', 'b', 'c', 'd', 'e'] }).elect()
    assert.equal(voter.receive('e', accepted(1, 1, 1)).receive('e', accepted(1, 1, 1)).view.commitIndex, 0)
    assert.equal(voter.receive('d', accepted(1, 1, 1)).view.commitIndex, 1)
  })

  it('refuses proposals when it does not lead, and names who does', () => {
    const voter = new VoterUnderTest()
    voter.receive('b', append(1)).take()
    voter.step({ type: 'propose', proposal: 7, command: 'x' })
    assert.deepEqual(voter.take(), [{ type: 'reject', proposal: 7, code: 'not-leader', leader: 'b' }])
  })

  it('refuses proposals past its bound of uncommitted entries, and takes them again below it', () => {
    const voter = new VoterUnderTest({ options: { maxUncommittedEntries: 2 } }).elect()
    const propose = (proposal: number) => {
      voter.step({ type: 'propose', proposal, command: 'x' })
      return voter.take().flatMap(({ type }) => (type === 'accepted' || type === 'reject' ? [type] : []))
    }
    assert.deepEqual([propose(1), propose(2)], [['accepted'], ['reject']])
    voter.receive('b', accepted(1, 1, 1))
    assert.deepEqual(propose(3), ['accepted'])
  })
})

describe('raft, contact with the majority', () => {
  it('6.2: a leader that no majority answers for the largest election timeout steps down', () => {
    const voter = new VoterUnderTest().elect()
    const elected = voter.now
    voter.at(elected + 1_199).step({ type: 'timer', timer: 'check-quorum' })
    assert.equal(voter.view.role, 'leader')
    voter.at(elected + 1_200).step({ type: 'timer', timer: 'check-quorum' })
    assert.equal(voter.view.role, 'follower')
  })

  it('6.2: a minority that answers does not keep it', () => {
    const voter = new VoterUnderTest({ voters: ['a', 'b', 'c', 'd', 'e'] }).elect()
    voter.at(voter.now + 1_100).step({ type: 'timer', timer: 'heartbeat' })
    for (const { to, round } of voter.sent('append')) if (to === 'b') voter.receive('b', accepted(1, round, 0))
    voter.at(voter.now + 100).step({ type: 'timer', timer: 'check-quorum' })
    assert.equal(voter.view.role, 'follower')
  })

  it('6.2: a leader whose own disk does not answer steps down, though a majority does', () => {
    const voter = new VoterUnderTest().elect({ flushed: false })
    const round = () => voter.sent('append').at(-1)?.round ?? 0
    for (let tick = 0; tick < 12; tick++) {
      voter.at(voter.now + 100).step({ type: 'timer', timer: 'heartbeat' })
      voter.receive('b', accepted(1, round(), 1))
    }
    assert.equal(voter.step({ type: 'timer', timer: 'check-quorum' }).view.role, 'follower')
  })

  it('6.4.1: contact counts from the send time of the latest round a majority answered', () => {
    const voter = new VoterUnderTest().elect()
    const start = voter.now
    assert.equal(voter.view.quorumAt, undefined)
    voter.at(start + 100).step({ type: 'timer', timer: 'heartbeat' })
    const first = voter.sent('append')[0]?.round ?? 0
    voter.at(start + 200).step({ type: 'timer', timer: 'heartbeat' })
    const second = voter.sent('append')[0]?.round ?? 0
    voter.at(start + 250).receive('b', accepted(1, second, 1))
    assert.equal(voter.view.quorumAt, start + 200)
    voter.at(start + 300).receive('c', accepted(1, first, 1))
    assert.equal(voter.view.quorumAt, start + 200, 'a late answer to an earlier round moves nothing back')
  })

  it('6.4.1: what is sent between two heartbeats belongs to the round before it', () => {
    const voter = new VoterUnderTest().elect()
    const elected = voter.now
    voter.receive('b', accepted(1, 2, 1))
    voter.at(elected + 60).step({ type: 'propose', proposal: 1, command: 'x' })
    const round = voter.sent('append')[0]?.round ?? 0
    voter.at(elected + 70).receive('b', accepted(1, round, 2))
    assert.equal(voter.view.quorumAt, elected)
  })

  it('a refusal proves contact as well as an acceptance does', () => {
    const voter = new VoterUnderTest({ log: [1] }).elect()
    voter.at(voter.now + 100).step({ type: 'timer', timer: 'heartbeat' })
    const [{ round, previousIndex } = { round: 0, previousIndex: 0 }] = voter.sent('append')
    voter.receive('b', { ...accepted(2, round, previousIndex), accepted: false })
    assert.equal(voter.view.quorumAt, voter.now)
  })

  it('after a time away no earlier round counts, and a new one is asked at once', () => {
    const voter = new VoterUnderTest().elect()
    voter.step({ type: 'timer', timer: 'heartbeat' })
    const [{ round: old } = { round: 0 }] = voter.sent('append')
    voter.at(voter.now + 10).step({ type: 'away', ms: 10 })
    const [{ round: fresh } = { round: 0 }] = voter.sent('append')
    assert.equal(voter.receive('b', accepted(1, old, 1)).view.quorumAt, undefined)
    assert.equal(voter.receive('b', accepted(1, fresh, 1)).view.quorumAt, voter.now)
  })

  it('after a block of the loop, which the clock has counted, earlier rounds count from when they were sent', () => {
    const voter = new VoterUnderTest().elect()
    const elected = voter.now
    voter.step({ type: 'timer', timer: 'heartbeat' })
    const [{ round } = { round: 0 }] = voter.sent('append')
    voter.at(elected + 300).step({ type: 'away', ms: 300, suspendedMs: 0 })
    assert.notEqual(voter.sent('append')[0]?.round, round, 'it asks anew all the same')
    assert.equal(voter.receive('b', accepted(1, round, 1)).view.quorumAt, elected)
  })

  it('after a time away a leader that nobody answers steps down when check-quorum says so', () => {
    const voter = new VoterUnderTest().elect()
    voter.at(voter.now + 60_000).step({ type: 'away', ms: 60_000 })
    assert.equal(
      voter.step({ type: 'timer', timer: 'check-quorum' }).view.role,
      'leader',
      'messages that wait come first',
    )
    voter.at(voter.now + 1_200).step({ type: 'timer', timer: 'check-quorum' })
    assert.equal(voter.view.role, 'follower')
  })

  it('a leader that resigns sends nothing more', () => {
    const voter = new VoterUnderTest().elect()
    voter.step({ type: 'resign' })
    assert.deepEqual([voter.view.role, voter.view.leader, voter.view.leaderSince], ['follower', undefined, undefined])
    voter.take()
    assert.deepEqual(voter.step({ type: 'timer', timer: 'heartbeat' }).take(), [])
  })
})

describe('raft, set up', () => {
  const setup = { options: resolveRaftOptions(), random: () => 0 }

  it('3.8: a restarted voter goes on with the term, vote and log of its disk', () => {
    const voter = new VoterUnderTest({ term: 6, votedFor: 'b', log: [1, 4] })
    assert.deepEqual([voter.view.term, voter.view.lastIndex, voter.view.commitIndex], [6, 2, 0])
    voter.take()
    voter.receive('c', vote(6, { lastIndex: 9, lastTerm: 6 }))
    assert.equal(voter.sent('vote-reply')[0]?.granted, false)
  })

  const a = { id: 'a', storeId: 'a' }

  it('refuses voters named twice, and a disk that contradicts itself', () => {
    const durable = { hardState: { term: 0, votedFor: undefined }, entries: [] }
    assert.throws(
      () => new Raft({ ...setup, self: 'a', storeId: 'a', configuration: votersOnly([a, a]), durable }),
      InvariantError,
    )
    const later = { ...durable, entries: entries(1, 3) }
    assert.throws(
      () => new Raft({ ...setup, self: 'a', storeId: 'a', configuration: votersOnly([a]), durable: later }),
      InvariantError,
    )
  })
})
