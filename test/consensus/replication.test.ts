// What a leader sends: pipelined, batched, bounded, and again after a loss. Thesis sections 3.5 and 10.2.1.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Progress } from '../../consensus/progress.ts'
import { accepted, append, VoterUnderTest } from './voter-under-test.ts'

function propose(voter: VoterUnderTest, ...commands: string[]): void {
  for (const command of commands) voter.step({ type: 'propose', proposal: 1, command })
}

/** A leader of term 1 that `b` follows closely, and its round. */
function leader(options = {}): { voter: VoterUnderTest; round: number } {
  const voter = new VoterUnderTest({ options }).elect()
  voter.step({ type: 'timer', timer: 'heartbeat' })
  const round = voter.sent('append')[0]?.round ?? 0
  voter.receive('b', accepted(1, round, 1)).take()
  return { voter, round }
}

const refused = (round: number, previousIndex: number, hintIndex: number, hintTerm: number) => ({
  ...accepted(1, round, previousIndex),
  accepted: false,
  hintIndex,
  hintTerm,
})

describe('replication', () => {
  it('10.2.1: entries go out without waiting for the answers to those before', () => {
    const { voter } = leader()
    propose(voter, 'x', 'y', 'z')
    const sent = voter.sent('append').filter(({ to }) => to === 'b')
    assert.deepEqual(
      sent.map(({ entries }) => entries.map(({ command }) => command)),
      [['x'], ['y'], ['z']],
    )
  })

  it('10.2.1: past the bound they wait, and go together when there is room', () => {
    const { voter, round } = leader({ maxInflightAppends: 1, maxEntriesPerAppend: 2 })
    propose(voter, 'u', 'v', 'w', 'x')
    assert.equal(voter.sent('append').filter(({ to }) => to === 'b').length, 1)
    voter.receive('b', accepted(1, round, 2))
    const batch = voter.sent('append').find(({ to, entries }) => to === 'b' && entries.length > 0)
    assert.deepEqual(
      batch?.entries.map(({ command }) => command),
      ['v', 'w'],
    )
  })

  it('a follower that is not known yet gets one message at a time', () => {
    const { voter } = leader()
    voter.take()
    propose(voter, 'x', 'y')
    assert.deepEqual(
      voter.sent('append').filter(({ to }) => to === 'c'),
      [],
      'c has not answered the first',
    )
  })

  it('3.5: a refusal goes back to the last place that can agree, in one step a term', () => {
    const voter = new VoterUnderTest({ log: [1, 1, 1, 4, 4, 5] }).elect()
    voter.receive('b', { ...refused(1, 6, 5, 2), term: 6 })
    assert.equal(voter.sent('append')[0]?.previousIndex, 3)
  })

  it('a refusal that repeats what was acted on changes nothing', () => {
    const { voter, round } = leader()
    propose(voter, 'x', 'y', 'z')
    voter.take()
    voter.receive('b', refused(round, 2, 1, 1))
    assert.equal(voter.sent('append').length, 1)
    voter.receive('b', refused(round, 3, 1, 1)).receive('b', refused(round, 2, 1, 1))
    assert.deepEqual(voter.sent('append'), [])
  })

  it('a follower that lost what it acknowledged is not argued with at the speed of the wire', () => {
    const { voter, round } = leader()
    voter.receive('b', refused(round, 1, 0, 0))
    assert.deepEqual(voter.sent('append'), [])
  })

  it('a heartbeat follows what is under way, so a follower that misses it says so', () => {
    const { voter } = leader()
    propose(voter, 'x')
    voter.take()
    voter.step({ type: 'timer', timer: 'heartbeat' })
    assert.deepEqual(
      voter
        .sent('append')
        .filter(({ to }) => to === 'b')
        .map(({ previousIndex }) => previousIndex),
      [2],
    )
  })

  it('a new link is used at once, from the last sure place on', () => {
    const { voter } = leader()
    propose(voter, 'x', 'y')
    voter.take()
    voter.step({ type: 'disconnected', peer: 'b', evidence: true })
    assert.deepEqual(voter.sent('append'), [])
    const [sent] = voter.step({ type: 'connected', peer: 'b' }).sent('append')
    assert.deepEqual([sent?.to, sent?.previousIndex, sent?.entries.length], ['b', 1, 2])
  })

  it('followers learn of a commit at once, with the next entries or without', () => {
    const { voter, round } = leader()
    propose(voter, 'x')
    voter.flush().take()
    voter.receive('b', accepted(1, round, 2))
    assert.equal(
      voter
        .sent('append')
        .filter(({ to }) => to === 'b')
        .at(-1)?.commitIndex,
      2,
    )
  })

  it('an entry that was proposed is answered with its place, and done when it is applied there', () => {
    const { voter, round } = leader()
    voter.step({ type: 'propose', proposal: 42, command: 'x' })
    const answer = voter.take().find(({ type }) => type === 'accepted')
    assert.deepEqual(answer, { type: 'accepted', proposal: 42, index: 2, term: 1 })
    assert.deepEqual(
      voter
        .flush()
        .receive('b', accepted(1, round, 2))
        .applied(),
      [{ index: 2, term: 1, command: 'x' }],
    )
  })

  it('a leader deposed with entries of its own replaces them by those of the next', () => {
    const { voter } = leader()
    propose(voter, 'lost')
    voter.flush().receive(
      'b',
      append(2, {
        previousIndex: 1,
        previousTerm: 1,
        entries: [{ index: 2, term: 2, command: 'kept' }],
        commitIndex: 2,
      }),
    )
    assert.deepEqual(voter.flush().applied().at(-1)?.command, 'kept')
  })
})

describe('progress', () => {
  it('never forgets what a follower has', () => {
    const progress = new Progress(5, 2, 0)
    progress.accepted(7)
    progress.accepted(3)
    assert.deepEqual([progress.match, progress.next], [7, 8])
    progress.refused(2)
    assert.deepEqual([progress.match, progress.next, progress.mode], [7, 8, 'probe'])
  })

  it('frees room for all messages up to the one that is answered', () => {
    const progress = new Progress(1, 2, 0)
    progress.accepted(0)
    progress.sent(1, 1)
    progress.sent(2, 1)
    assert.equal(progress.hasRoom, false)
    progress.accepted(2)
    progress.sent(3, 1)
    assert.equal(progress.hasRoom, true)
  })
})
