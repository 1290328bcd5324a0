// What a voter does not accept: it is dropped, counted by reason, and changes nothing; and nothing that is sent to it
// throws.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { maxHeldAnswers } from '../../consensus/outbox.ts'
import { accepted, append, entries, type Message, preVote, VoterUnderTest, vote } from './voter-under-test.ts'

const malformed: [name: string, message: Message][] = [
  ['a term that is not a whole number', vote(1.5)],
  ['a negative term', vote(-1)],
  ['a term too large to count on', vote(2 ** 53)],
  ['a round that is not a number', preVote(1, { round: Number.NaN })],
  ['a log that ends before it begins', vote(1, { lastIndex: -1 })],
  ['entries that leave a gap', append(1, { entries: entries(2, 1) })],
  ['entries whose terms fall', append(3, { entries: entries(1, 2, 1) })],
  ['entries of a term later than the leader', append(1, { entries: entries(1, 2) })],
  ['an entry of term 0', append(1, { entries: entries(1, 0) })],
  ['a previous entry of term 0', append(1, { previousIndex: 1 })],
  ['a previous term before the log', append(1, { previousTerm: 1 })],
  ['a commit index that is not a number', append(1, { commitIndex: Number.NaN })],
]

describe('a message', () => {
  for (const [name, message] of malformed) {
    it(`with ${name} is dropped`, () => {
      const voter = new VoterUnderTest()
      const before = voter.view
      assert.deepEqual(voter.receive('b', message).dropped(), ['malformed'])
      assert.deepEqual(voter.view, before)
    })
  }

  it('that answers is dropped when a stranger sends it; a stranger may ask, for it may know a newer configuration', () => {
    const voter = new VoterUnderTest().elect()
    assert.deepEqual(voter.receive('x', accepted(1, 1, 0)).dropped(), ['not-a-voter'])
    assert.equal(new VoterUnderTest().receive('x', vote(9)).flush().sent('vote-reply')[0]?.granted, true)
  })

  it('of the voter itself is dropped', () => {
    assert.deepEqual(new VoterUnderTest().receive('a', vote(9)).dropped(), ['not-a-voter'])
  })

  it('of a second leader in the same term is dropped', () => {
    const voter = new VoterUnderTest()
    assert.deepEqual(voter.receive('b', append(1)).receive('c', append(1)).dropped(), ['second-leader'])
    assert.deepEqual(new VoterUnderTest().elect().receive('b', append(1)).dropped(), ['second-leader'])
  })

  it('that answers what was never asked is dropped', () => {
    const voter = new VoterUnderTest().elect()
    assert.deepEqual(voter.receive('b', accepted(1, 999, 1)).dropped(), ['malformed'])
    assert.deepEqual(voter.receive('b', accepted(1, 1, 2)).dropped(), ['malformed'])
    assert.deepEqual(voter.receive('b', { ...accepted(1, 1, 0), accepted: false }).dropped(), ['malformed'])
    assert.equal(voter.view.commitIndex, 0)
  })

  it('is dropped while too many writes are under way', () => {
    const voter = new VoterUnderTest({ options: { maxUncommittedEntries: 2, maxPendingWrites: 3 } })
    for (const term of [1, 2, 3]) voter.receive('b', append(term))
    assert.deepEqual(voter.receive('b', append(4)).dropped(), ['disk-behind'])
    voter.flush()
    assert.deepEqual(voter.receive('b', append(4)).dropped(), [])
  })

  it('is answered at most so often when the disk comes back', () => {
    const voter = new VoterUnderTest()
    for (let count = 0; count < maxHeldAnswers + 10; count++) voter.receive('b', append(1, { round: count }))
    const rounds = voter
      .flush()
      .sent('append-reply')
      .map(({ round }) => round)
    assert.equal(rounds.length, maxHeldAnswers)
    assert.equal(rounds.at(-1), maxHeldAnswers + 9, 'the oldest are lost, as if the network had lost them')
  })

  it('never throws, whatever it says, and never undoes what is committed', () => {
    const number = fc.oneof(fc.nat(6), fc.constantFrom(-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53))
    const voters = fc.array(
      fc.constantFrom('a', 'b', 'c', 'd').map((id) => ({ id, storeId: id })),
      { maxLength: 4 },
    )
    const configuration = fc.record({ voters, outgoing: voters, learners: voters })
    const entry = fc.oneof(
      fc.record({ index: number, term: number, command: fc.constant('x') }),
      fc.record({ index: number, term: number, command: fc.constant(undefined), configuration }),
    )
    const id = fc.constantFrom('s', 't', '')
    const message = fc.record({
      type: fc.constantFrom(
        ...[
          'pre-vote',
          'pre-vote-reply',
          'vote',
          'vote-reply',
          'append',
          'append-reply',
          'timeout-now',
          'transfer-vote',
        ],
        ...['read-index', 'read-index-reply', 'snapshot', 'snapshot-reply'],
      ),
      snapshot: fc.record({ index: number, term: number, configuration, id, size: number }),
      index: fc.oneof(number, fc.constant(undefined)),
      id,
      offset: number,
      bytes: fc.uint8Array({ maxLength: 4 }),
      term: number,
      round: number,
      granted: fc.boolean(),
      accepted: fc.boolean(),
      lastIndex: number,
      lastTerm: number,
      previousIndex: number,
      previousTerm: number,
      commitIndex: number,
      matchIndex: number,
      hintIndex: number,
      hintTerm: number,
      entries: fc.array(entry, { maxLength: 3 }),
    })
    const act = fc.oneof(
      fc.record({ from: fc.constantFrom('b', 'c'), message }),
      fc.constantFrom('election' as const, 'heartbeat' as const, 'check-quorum' as const, 'flush' as const),
      fc.constantFrom('transfer' as const, 'read' as const, 'drive' as const),
    )
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
        const options = { snapshotEveryEntries: 1, snapshotTrailingEntries: 0, snapshotChunkBytes: 2 }
        const voter = new VoterUnderTest({ log: [1, 2], options })
        let committed = 0
        let term = 2
        for (const each of acts) {
          if (each === 'flush') voter.flush()
          else if (each === 'drive') drive(voter)
          else if (typeof each === 'string') voter.at(voter.now + 700).step({ type: 'timer', timer: each })
          else voter.receive(each.from, each.message as unknown as Message)
          assert.ok(voter.view.commitIndex >= committed && voter.view.term >= term)
          committed = voter.view.commitIndex
          term = voter.view.term
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Asks for everything a driver can, and answers everything it owes. */
function drive(voter: VoterUnderTest): void {
  voter.step({ type: 'transfer', proposal: 1, to: undefined }).step({ type: 'read', read: 1 })
  const change = { voters: [{ id: 'a', storeId: 'a' }], learners: [] }
  voter.step({ type: 'reconfigure', proposal: 2, change })
  for (const effect of voter.take()) {
    if (effect.type === 'capture') voter.step({ type: 'captured', index: effect.index, id: 'own', size: 3 })
    if (effect.type === 'fetch-chunk') voter.step({ ...effect, type: 'chunk', bytes: new Uint8Array(effect.length) })
    if (effect.type !== 'store-chunk') continue
    const offset = effect.offset + effect.bytes.length
    voter.step({ type: 'chunk-stored', id: effect.snapshot.id, offset })
  }
}
