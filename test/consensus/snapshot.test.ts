// Snapshots, rule by rule (thesis chapter 5). Bytes here are one letter each.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Snapshot } from '../../consensus/index.ts'
import { accepted, append, entries, type Message, stores, VoterUnderTest } from './voter-under-test.ts'

const configuration = { voters: stores(['a', 'b', 'c']), outgoing: [], learners: [] }

function snapshot(index: number, term: number, size = 4, id = `s/${index}`): Snapshot {
  return { index, term, configuration, id, size }
}

function part(term: number, of: Snapshot, offset: number, length: number): Message {
  return { type: 'snapshot', term, round: 1, snapshot: of, offset, bytes: new Uint8Array(length) }
}

const options = { snapshotEveryEntries: 2, snapshotTrailingEntries: 1, snapshotChunkBytes: 3 }

/** A follower that has applied `count` entries of term 1. */
function follower(count: number): VoterUnderTest {
  const terms = Array.from({ length: count }, () => 1)
  const voter = new VoterUnderTest({ options })
  return voter.receive('b', append(1, { entries: entries(1, ...terms), commitIndex: count })).flush()
}

describe('a snapshot of its own', () => {
  it('5.1: is captured right behind what was applied, and carries that entry’s term and configuration', () => {
    const effects = follower(3).take()
    const applied = effects.findIndex(({ type }) => type === 'apply')
    assert.deepEqual(effects[applied + 1], { type: 'capture', index: 3, term: 1, configuration })
  })

  it('cuts the log once it is durable, but for the entries that spare followers which lag', () => {
    const voter = follower(3)
    assert.deepEqual(voter.effects('compact'), [])
    voter.step({ type: 'captured', index: 3, id: 's/3', size: 4 })
    assert.deepEqual(voter.effects('compact'), [{ type: 'compact', through: { index: 2, term: 1 } }])
    assert.equal(voter.view.snapshotIndex, 3)
  })

  it('comes one at a time, and again when enough was applied since', () => {
    const voter = follower(3)
    voter.take()
    const more = append(1, { previousIndex: 3, previousTerm: 1, entries: entries(4, 1, 1), commitIndex: 5 })
    assert.deepEqual(voter.receive('b', more).flush().effects('capture'), [])
    assert.equal(voter.step({ type: 'captured', index: 3, id: 's/3', size: 4 }).effects('capture')[0]?.index, 5)
  })

  it('stands for the log at a restart', () => {
    const voter = new VoterUnderTest({ snapshot: snapshot(5, 2), log: [2, 3] })
    assert.deepEqual([voter.view.commitIndex, voter.view.lastIndex], [5, 7])
    voter.receive('b', append(3, { previousIndex: 7, previousTerm: 3, commitIndex: 6 })).flush()
    assert.deepEqual(
      voter.applied().map(({ index }) => index),
      [6],
    )
  })

  it('acknowledges what a message from before it says, for that is committed', () => {
    const voter = new VoterUnderTest({ snapshot: snapshot(5, 2), log: [2] })
    voter.receive('b', append(3, { previousIndex: 1, previousTerm: 1, entries: entries(2, 1) })).flush()
    assert.deepEqual(
      voter.sent('append-reply').map((reply) => [reply.accepted, reply.matchIndex]),
      [[true, 5]],
    )
  })
})

describe('a leader whose log no longer goes back far enough', () => {
  /** It leads term 3 behind a snapshot of 5; `b` answers that it has nothing. */
  function leader(): VoterUnderTest {
    const voter = new VoterUnderTest({ snapshot: snapshot(5, 2), log: [2], options }).elect()
    const refusal = { accepted: false, matchIndex: 6, hintIndex: 0, hintTerm: 0 } as const
    return voter.receive('b', { type: 'append-reply', term: 3, round: 1, ...refusal })
  }

  const refusal = { accepted: false, matchIndex: 5, hintIndex: 0, hintTerm: 0 } as const

  it('5.2: sends the snapshot in pieces, one at a time', () => {
    const voter = leader()
    const [first] = voter.effects('fetch-chunk')
    assert.deepEqual(first, { type: 'fetch-chunk', to: 'b', id: 's/5', offset: 0, length: 3 })
    voter.step({ type: 'chunk', to: 'b', id: 's/5', offset: 0, bytes: new Uint8Array(3) })
    assert.deepEqual(
      voter.sent('snapshot').map(({ to, offset, bytes }) => [to, offset, bytes.length]),
      [['b', 0, 3]],
    )
    voter.receive('b', { type: 'snapshot-reply', term: 3, round: 1, index: 5, id: 's/5', offset: 3 })
    assert.deepEqual(voter.effects('fetch-chunk')[0], { ...first, offset: 3, length: 1 })
  })

  it('goes on where the follower says, after a break', () => {
    const voter = leader()
    voter.step({ type: 'chunk', to: 'b', id: 's/5', offset: 0, bytes: new Uint8Array(3) }).take()
    voter.step({ type: 'timer', timer: 'heartbeat' })
    const round = voter.sent('append').at(-1)!.round
    // What was sent behind the bytes was answered: they are lost.
    voter.receive('b', {
      type: 'append-reply',
      term: 3,
      round,
      accepted: false,
      matchIndex: 5,
      hintIndex: 0,
      hintTerm: 0,
    })
    voter.take()
    voter.at(voter.now + 600).step({ type: 'timer', timer: 'heartbeat' })
    assert.equal(voter.effects('fetch-chunk')[0]?.offset, 0)
    voter.step({ type: 'chunk', to: 'b', id: 's/5', offset: 0, bytes: new Uint8Array(3) })
    voter.receive('b', { type: 'snapshot-reply', term: 3, round: 1, index: 5, id: 's/5', offset: 3 })
    assert.equal(voter.effects('fetch-chunk')[0]?.offset, 3)
  })

  it('puts no more than one piece in front of a heartbeat, however slow the link and large the snapshot', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4_000 }), { minLength: 1, maxLength: 40 }), (delays) => {
        const size = 100 * 1024 * 1024
        const voter = new VoterUnderTest({ snapshot: snapshot(5, 2, size), log: [2] }).elect()
        voter.receive('b', { ...refusal, matchIndex: 6, type: 'append-reply', term: 3, round: 1 })
        // A link that keeps order, on which one message after the other takes as long as was drawn.
        const link: Message[] = []
        let [busyUntil, stored, drawn, answered] = [0, 0, 0, 0]
        for (; answered < delays.length; voter.now += 100) {
          assert.ok(voter.now < 1_000_000, `still at ${stored}`)
          voter.step({ type: 'timer', timer: 'heartbeat' })
          for (let effects = voter.take(); effects.length > 0; effects = voter.take()) {
            for (const effect of effects) {
              if (effect.type === 'send' && effect.to === 'b') link.push(effect.message)
              if (effect.type === 'fetch-chunk') {
                assert.ok(effect.length <= 262_144)
                const { to, id, offset } = effect
                voter.step({ type: 'chunk', to, id, offset, bytes: new Uint8Array(effect.length) })
              }
            }
          }
          assert.ok(link.filter(({ type }) => type === 'snapshot').length <= 1, 'one piece is on the link')
          assert.ok(
            link.some(({ type }) => type === 'append'),
            'and a heartbeat behind it',
          )
          if (voter.now < busyUntil) continue
          for (const message of link.splice(0)) {
            const { term, round } = message
            voter.receive('c', { ...refusal, accepted: true, type: 'append-reply', term, round, matchIndex: 7 })
            if (message.type !== 'snapshot') {
              voter.receive('b', { ...refusal, type: 'append-reply', term, round })
              continue
            }
            stored = message.offset + message.bytes.length
            voter.receive('b', { type: 'snapshot-reply', term, round, index: 5, id: 's/5', offset: stored })
            busyUntil = voter.now + delays[drawn++ % delays.length]!
            answered++
          }
        }
        assert.equal(stored, delays.length * 262_144)
      }),
    )
  })

  it('keeps in contact with that follower meanwhile, and counts its answers', () => {
    const voter = leader()
    voter.take()
    voter.step({ type: 'timer', timer: 'heartbeat' })
    const [contact] = voter.sent('append').filter(({ to }) => to === 'b')
    assert.deepEqual([contact?.previousIndex, contact?.entries], [5, []])
    const { now } = voter
    const refusal = { accepted: false, matchIndex: 5, hintIndex: 0, hintTerm: 0 } as const
    voter.receive('b', { type: 'append-reply', term: 3, round: contact?.round ?? 0, ...refusal })
    assert.equal(voter.view.quorumAt, now)
  })

  it('sends entries again when the follower has taken it up', () => {
    const voter = leader()
    voter.take()
    voter.receive('b', accepted(3, 1, 5))
    assert.deepEqual(
      voter.sent('append').map(({ to, previousIndex, entries: sent }) => [to, previousIndex, sent.length]),
      [['b', 5, 2]],
    )
  })
})

describe('a snapshot that arrives', () => {
  it('5.2: is stored piece by piece, and answered with what is wanted next', () => {
    const voter = new VoterUnderTest().receive('b', part(2, snapshot(5, 2), 0, 3))
    assert.deepEqual(voter.effects('store-chunk')[0]?.offset, 0)
    voter.step({ type: 'chunk-stored', id: 's/5', offset: 3 })
    assert.equal(voter.sent('snapshot-reply')[0]?.offset, 3)
  })

  it('takes the place of log and machine when all of it is durable', () => {
    const voter = new VoterUnderTest({ log: [1, 1] }).receive('b', part(2, snapshot(5, 2), 0, 4))
    assert.equal(voter.view.lastIndex, 2)
    voter.step({ type: 'chunk-stored', id: 's/5', offset: 4 })
    const effects = voter.take()
    assert.ok(effects.some((effect) => effect.type === 'restore' && effect.snapshot.index === 5))
    assert.ok(effects.some((effect) => effect.type === 'persist' && effect.base?.index === 5))
    assert.deepEqual([voter.view.commitIndex, voter.view.lastIndex], [5, 5])
    assert.deepEqual(voter.sent('append-reply'), [], 'its log does not say so durably yet')
    assert.equal(voter.flush().sent('append-reply')[0]?.matchIndex, 5)
  })

  it('whose pieces do not follow each other is asked for where it was left', () => {
    const voter = new VoterUnderTest().receive('b', part(2, snapshot(5, 2), 2, 2))
    assert.deepEqual(voter.effects('store-chunk'), [])
    voter.receive('b', part(2, snapshot(5, 2), 2, 2))
    assert.equal(voter.sent('snapshot-reply')[0]?.offset, 0)
  })

  it('that was damaged is begun anew', () => {
    const voter = new VoterUnderTest().receive('b', part(2, snapshot(5, 2), 0, 4))
    voter.take()
    voter.step({ type: 'chunk-stored', id: 's/5', offset: 0 })
    assert.equal(voter.sent('snapshot-reply')[0]?.offset, 0)
    assert.equal(voter.view.commitIndex, 0)
  })

  it('of what is committed here changes nothing', () => {
    const voter = follower(3)
    voter.take()
    voter.receive('b', part(1, snapshot(2, 1), 0, 4))
    const effects = voter.take()
    assert.ok(!effects.some(({ type }) => type === 'store-chunk' || type === 'restore'))
    assert.equal(voter.view.commitIndex, 3)
  })

  it('that ends with an entry of this log keeps what was acknowledged behind it', () => {
    const voter = new VoterUnderTest().receive('b', append(1, { entries: entries(1, 1, 1, 1) })).flush()
    voter.take()
    voter.receive('b', part(1, snapshot(2, 1), 0, 4))
    assert.deepEqual([voter.view.commitIndex, voter.view.lastIndex], [2, 3])
    assert.deepEqual(
      voter.applied().map(({ index }) => index),
      [1, 2],
    )
  })

  it('replaces entries that say otherwise', () => {
    const voter = new VoterUnderTest({ log: [1, 1, 1] }).receive('b', part(2, snapshot(2, 2), 0, 4))
    voter.step({ type: 'chunk-stored', id: 's/2', offset: 4 })
    assert.deepEqual([voter.view.commitIndex, voter.view.lastIndex], [2, 2])
  })

  it('brings its configuration along', () => {
    const other = { ...snapshot(5, 2), configuration: { voters: stores(['b', 'c']), outgoing: [], learners: [] } }
    const voter = new VoterUnderTest().receive('b', part(2, other, 0, 4))
    voter.step({ type: 'chunk-stored', id: 's/5', offset: 4 })
    assert.deepEqual(voter.view.configuration, other.configuration)
  })

  it('and was durable when the process died takes the place of the log at the start', () => {
    const voter = new VoterUnderTest({ snapshot: snapshot(5, 2), log: [] })
    assert.deepEqual([voter.view.term, voter.view.commitIndex, voter.view.lastIndex], [2, 5, 5])
  })

  it('of an earlier term is answered with the later one', () => {
    const voter = new VoterUnderTest({ term: 3 }).receive('b', part(2, snapshot(5, 2), 0, 4))
    assert.equal(voter.sent('snapshot-reply')[0]?.term, 3)
  })

  it('with impossible sizes or places is dropped', () => {
    for (const bad of [
      part(2, snapshot(5, 3), 0, 4),
      part(2, snapshot(0, 0), 0, 4),
      part(2, snapshot(5, 2), 3, 2),
      part(2, snapshot(5, 2), 0, 0),
      part(2, snapshot(5, 2, 4, ''), 0, 4),
    ]) {
      assert.deepEqual(new VoterUnderTest().receive('b', bad).dropped(), ['malformed'])
    }
  })
})
