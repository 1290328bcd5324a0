// What the scenarios do not show of verdicts: who counts, what is void, statements about oneself, timers early or late.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import type { SwimMessage } from '../../../topology/index.ts'
import { MAX_REFUTATION } from '../../../topology/swim/belief.ts'
import { accusation, four, MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

describe('accusations', () => {
  it('count once per accuser (Lifeguard section 4.2)', () => {
    const member = new MemberUnderTest(four)
    for (let time = 0; time < 5; time++) member.hear('b', accusation('e', 'b'), accusation('e', 'c'))
    assert.equal(member.stateOf('e'), 'suspect')
    assert.deepEqual(
      member.swim.evidenceView('e')?.suspectors.map(({ by }) => by),
      ['b', 'c'],
    )
    member.give({ type: 'evidence', peer: 'e' })
    assert.equal(member.stateOf('e'), 'down')
  })

  it('grow from silent to refused, never back', () => {
    const member = new MemberUnderTest(four).hear('b', accusation('e', 'b', 'silent'))
    member.hear('b', accusation('e', 'b', 'refused')).hear('b', accusation('e', 'b', 'silent'))
    assert.deepEqual(
      member.swim.evidenceView('e')?.suspectors.map(({ kind }) => kind),
      ['refused'],
    )
  })

  it('of silence never add up to a verdict at once', () => {
    const member = new MemberUnderTest(four).hear('b', ...['b', 'c', 'd'].map((by) => accusation('e', by, 'silent')))
    assert.equal(member.stateOf('e'), 'suspect')
  })

  it('by the accused, by strangers and by those that are gone do not count', () => {
    const member = new MemberUnderTest([...four, recordOf('x', { state: 'down' }), recordOf('y', { state: 'left' })])
    member.hear('b', ...['e', 'x', 'y', 'stranger'].map((by) => accusation('e', by)))
    assert.equal(member.stateOf('e'), 'alive')
    assert.equal(member.swim.evidenceView('e'), undefined)
  })

  it('are void once the member has said something newer', () => {
    const member = new MemberUnderTest(four).hear('b', accusation('e', 'b'), accusation('e', 'c'))
    member.hearRecords('e', recordOf('e', { refutation: 1 }))
    assert.equal(member.stateOf('e'), 'alive')
    assert.equal(member.swim.evidenceView('e'), undefined)
    member.hear('b', accusation('e', 'b'), accusation('e', 'c'), accusation('e', 'd'))
    assert.equal(member.stateOf('e'), 'alive')
  })

  it('that come too late are answered with what is known since', () => {
    const member = new MemberUnderTest([recordOf('b'), recordOf('c', { state: 'left', refutation: 1 })]).clear()
    member.hear('b', accusation('c', 'b'))
    const record = recordOf('c', { state: 'left', refutation: 1 })
    assert.deepEqual(member.sent('b'), [{ type: 'gossip', updates: [{ type: 'record', record }] }])
  })

  it('that others believed, and verdicts on them, are answered likewise, but not what is as new', () => {
    const known = recordOf('c', { refutation: 1 })
    const member = new MemberUnderTest([recordOf('b'), known]).clear()
    for (const state of ['suspect', 'down'] as const) {
      member.clear().hearRecords('b', recordOf('c', { state }))
      assert.deepEqual(member.sent('b'), [{ type: 'gossip', updates: [{ type: 'record', record: known }] }])
    }
    assert.deepEqual(member.clear().hearRecords('b', recordOf('c'), known).sent('b'), [])
  })

  it('leave the verdict to each observer, which one that crashed beside the accused does not hold up', () => {
    const member = new MemberUnderTest(four).link('b', 'c').hear('b', accusation('e', 'b'))
    member.give({ type: 'evidence', peer: 'e' })
    assert.equal(member.stateOf('e'), 'suspect')
    // c and d fall silent too: now a and b are all that is left to agree.
    member.hear('b', accusation('c', 'b', 'silent'), accusation('d', 'b', 'silent'))
    assert.equal(member.stateOf('e'), 'down')
  })

  it('of a former life by our own evidence accuse nobody', () => {
    const member = new MemberUnderTest([recordOf('b'), recordOf('c', { generation: 2 })])
    member.give({ type: 'evidence', peer: 'c', generation: 1 })
    assert.equal(member.stateOf('c'), 'alive')
    member.give({ type: 'evidence', peer: 'c', generation: 2 })
    assert.equal(member.stateOf('c'), 'suspect')
  })
})

describe('verdicts', () => {
  it('are told again to a neighbor with each probe, for whoever knows better to say so', () => {
    const down = recordOf('c', { state: 'down' })
    const member = new MemberUnderTest([recordOf('b'), down, recordOf('d', { state: 'left' })]).link('b').clear()
    member.fire('probe', 60_000)
    const repeated = member.sent('b').filter(({ type }) => type === 'push-pull')
    assert.deepEqual(repeated, [{ type: 'push-pull', reply: false, records: [down] }])
  })

  it('that are old are answered in one message, and all others not at all', () => {
    const known = ['c', 'd'].map((id) => recordOf(id, { refutation: 1 }))
    const member = new MemberUnderTest([recordOf('b'), ...known]).clear()
    const records = ['c', 'd'].map((id) => recordOf(id, { state: 'down' }))
    member.give({ type: 'message', from: 'b', message: { type: 'push-pull', reply: false, records } })
    assert.deepEqual(member.sent('b'), [{ type: 'push-pull', reply: false, records: known }])
    member.clear().give({ type: 'message', from: 'b', message: { type: 'push-pull', reply: false, records: known } })
    assert.deepEqual(member.sent('b'), [])
  })
})

describe('what is said of ourselves', () => {
  it('is refuted when it is bad news of this life, with a higher number (SWIM section 4.2)', () => {
    for (const state of ['suspect', 'down'] as const) {
      const member = new MemberUnderTest(four).hearRecords('b', recordOf('a', { generation: 3, refutation: 4, state }))
      assert.deepEqual(member.swim.member('a'), recordOf('a', { generation: 3, refutation: 5 }))
      assert.deepEqual(member.reasons, ['refuted a'])
    }
  })

  it('is refuted when it is called stalled, keeping its own condition', () => {
    const member = new MemberUnderTest(four).give({ type: 'condition', condition: 'draining' })
    member.hearRecords('b', recordOf('a', { generation: 3, refutation: 1, condition: 'stalled' }))
    assert.deepEqual(member.swim.member('a'), recordOf('a', { generation: 3, refutation: 2, condition: 'draining' }))
  })

  it('is answered to whoever repeats what was refuted long ago', () => {
    const member = new MemberUnderTest(four).hear('b', accusation('a', 'b', 'silent', 3)).clear()
    member.hear('c', accusation('a', 'b', 'silent', 3))
    const record = recordOf('a', { generation: 3, refutation: 1 })
    assert.deepEqual(member.sent('c'), [{ type: 'gossip', updates: [{ type: 'record', record }] }])
  })

  it('tells that a later copy of us lives, once, when two others say so; in a cluster of two, when the other does', () => {
    const copy = recordOf('a', { generation: 4 })
    const superseded = { type: 'superseded', incarnation: copy.incarnation }
    const member = new MemberUnderTest(four).hearRecords('b', copy).hearRecords('b', copy)
    assert.deepEqual(member.events, [])
    assert.deepEqual(member.hearRecords('c', copy).hearRecords('d', copy).events, [superseded])
    const two = new MemberUnderTest(four.slice(0, 1)).hearRecords('b', copy)
    assert.deepEqual(two.events, [superseded])
  })

  it('refutes that it left: it would know', () => {
    const lie = recordOf('a', { generation: 3, state: 'left' })
    const member = new MemberUnderTest(four).link('b').clear().hearRecords('c', lie)
    const refutation = recordOf('a', { generation: 3, refutation: 1 })
    assert.deepEqual(member.sent('b'), [{ type: 'gossip', updates: [{ type: 'record', record: refutation }] }])
  })

  it('is believed again by who was told, by whomever, that it left', () => {
    const member = new MemberUnderTest(four).hearRecords('b', recordOf('c', { state: 'left' })).clear()
    assert.deepEqual(member.hearRecords('d', recordOf('c', { refutation: 1 })).reasons, ['refuted c'])
  })

  it('has its numbers bounded, whatever others say that they are', () => {
    const told = { generation: 3, refutation: MAX_REFUTATION }
    const member = new MemberUnderTest(four).hearRecords('b', recordOf('a', { ...told, state: 'suspect' }))
    assert.deepEqual(member.swim.member('a')?.incarnation, { generation: 3, refutation: 0 })
    assert.deepEqual(member.drops, ['not-believable'])
  })

  it('is ignored when it is about a former life', () => {
    const member = new MemberUnderTest(four).hearRecords('b', recordOf('a', { generation: 2, state: 'left' }))
    assert.deepEqual(member.events, [])
  })

  it('is never refuted once we left', () => {
    const member = new MemberUnderTest(four).link('b', 'c').clear().give({ type: 'leave' })
    const left = recordOf('a', { generation: 3, refutation: 1, state: 'left' })
    const farewell: SwimMessage = { type: 'gossip', updates: [{ type: 'record', record: left }] }
    assert.deepEqual([member.sent('b'), member.sent('c')], [[farewell], [farewell]])
    member
      .clear()
      .hear('b', accusation('a', 'b', 'silent', 3, 1))
      .fire('probe', 1e6)
    assert.deepEqual(member.effects, [])
    assert.deepEqual(member.swim.member('a'), left)
  })

  it('answers pings until its process ends, so that nobody accuses whoever leaves', () => {
    const member = new MemberUnderTest(four).link('b').give({ type: 'leave' }).clear()
    member.give({ type: 'message', from: 'b', message: { type: 'ping', probe: 5, updates: [] } })
    assert.deepEqual(
      member.sent('b').map(({ type }) => type),
      ['ack'],
    )
  })
})

describe('suspicion', () => {
  it('ends in a verdict at its deadline, not before, however early the timer fires', () => {
    const member = new MemberUnderTest(four).hear('b', accusation('e', 'b', 'silent'))
    const due = member.dueOf('suspect:e')
    member.clear().fire('suspect:e', due - 0.5)
    assert.equal(member.stateOf('e'), 'suspect')
    assert.equal(member.dueOf('suspect:e'), due)
    assert.equal(member.fire('suspect:e', due).stateOf('e'), 'down')
  })

  it('has nothing to say when its timer fires after a refutation', () => {
    const member = new MemberUnderTest(four).hear('b', accusation('e', 'b', 'silent'))
    const due = member.dueOf('suspect:e')
    member.hearRecords('e', recordOf('e', { refutation: 1 })).fire('suspect:e', due)
    assert.equal(member.stateOf('e'), 'alive')
  })

  it('is told first to the suspect itself on whatever goes to it (Lifeguard section 4.3)', () => {
    const member = new MemberUnderTest(four, { maxUpdatesPerMessage: 2 })
      .link('b', 'c', 'd', 'e')
      .hear('b', accusation('e', 'b', 'silent'))
    for (let time = 0; time < 40; time++) member.fire('gossip', member.now + 200)
    member.clear().give({ type: 'message', from: 'e', message: { type: 'ping', probe: 1, updates: [] } })
    const ack = member.sent('e').find(({ type }) => type === 'ack')
    const record = recordOf('e', { state: 'suspect' })
    assert.deepEqual(ack && 'updates' in ack && ack.updates[0], { type: 'record', record })
  })

  it('goes on for a member that was suspect when it was remembered', () => {
    const member = new MemberUnderTest([recordOf('b', { state: 'suspect' })])
    assert.equal(member.fire('suspect:b', member.dueOf('suspect:b')).stateOf('b'), 'down')
  })
})

describe('swim, a stranger on a link', () => {
  it('is asked who it is when it speaks, until it has said so: its first exchange may be lost', () => {
    const member = new MemberUnderTest().link('b').clear()
    const asks = (): boolean => member.sent('b').some((message) => message.type === 'push-pull' && message.reply)
    member.hear('b')
    assert.ok(asks())
    member.give({ type: 'message', from: 'b', message: { type: 'push-pull', reply: false, records: [recordOf('b')] } })
    member.clear().hear('b')
    assert.ok(!asks())
    member.clear().hear('c')
    assert.deepEqual(member.sent('c'), [], 'there is no link')
  })
})
