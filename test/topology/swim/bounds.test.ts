// Bounds on what others can make a member keep or send, full exchanges, helpers, and what no honest member sends.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { InvariantError, resolveSwimOptions, Swim, type SwimMessage } from '../../../topology/index.ts'
import { MAX_REFUTATION_LEAP } from '../../../topology/swim/belief.ts'
import { accusation, four, MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

describe('full exchanges', () => {
  it('make suspect, not down, whom an old verdict calls down', () => {
    const records = [recordOf('e', { state: 'down' })]
    const message: SwimMessage = { type: 'push-pull', reply: false, records }
    const member = new MemberUnderTest(four).give({ type: 'message', from: 'b', message })
    assert.equal(member.stateOf('e'), 'suspect')
  })

  it('make us tell a linked member what is said of it, for it can speak for itself', () => {
    const records = [recordOf('e', { state: 'down' })]
    const message: SwimMessage = { type: 'push-pull', reply: false, records }
    const member = new MemberUnderTest(four).link('e').clear().give({ type: 'message', from: 'b', message })
    assert.equal(member.stateOf('e'), 'alive')
    assert.deepEqual(member.sent('e'), [{ type: 'gossip', updates: [{ type: 'record', record: records[0] }] }])
  })

  it('split a large table, and ask for the answer with the last part', () => {
    const many = Array.from({ length: 9 }, (_, index) => recordOf(`m${index}`))
    const member = new MemberUnderTest(many, { maxRecordsPerMessage: 4 }).link('m0').clear()
    member.give({ type: 'message', from: 'm0', message: { type: 'push-pull', reply: true, records: [] } })
    const parts = member.sent('m0').flatMap((message) => (message.type === 'push-pull' ? [message.records.length] : []))
    assert.deepEqual(parts, [4, 4, 2])
    member.clear().fire('push-pull', 1e6)
    const replies = member.sent('m0').flatMap((message) => (message.type === 'push-pull' ? [message.reply] : []))
    assert.deepEqual(replies, [false, false, true])
  })
})

describe('bounds', () => {
  it('drop new members beyond maxMembers, counted', () => {
    const member = new MemberUnderTest([recordOf('b')], { maxMembers: 3 })
    member.hearRecords('b', recordOf('c'), recordOf('d'), recordOf('e'))
    assert.deepEqual(
      member.swim.members().map(({ id }) => id),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(member.drops, ['table-full', 'table-full'])
  })

  it('forget the member longest gone beyond maxRememberedMembers, but never a pinned one', () => {
    const member = new MemberUnderTest(four, { maxRememberedMembers: 2 }, ['b'])
    for (const id of ['b', 'c', 'd', 'e']) member.hearRecords('b', recordOf(id, { state: 'down' }))
    assert.deepEqual(
      member.swim.members().map(({ id }) => id),
      ['a', 'b', 'e'],
    )
    assert.deepEqual(member.reasons, ['down b', 'down c', 'down d', 'forgotten', 'down e', 'forgotten'])
  })

  it('do not let the gone of others push out our own', () => {
    const member = new MemberUnderTest([recordOf('b', { state: 'down' })], { maxRememberedMembers: 1 })
    member.hearRecords('c', recordOf('x', { state: 'down' }))
    assert.equal(member.stateOf('b'), 'down')
    assert.deepEqual(member.drops, ['table-full'])
  })

  it('count at most maxAccusersPerMember against one', () => {
    const many = Array.from({ length: 8 }, (_, index) => recordOf(`m${index}`))
    const member = new MemberUnderTest([recordOf('e'), ...many], { maxAccusersPerMember: 3 })
    member.hear('m0', ...many.slice(0, 5).map(({ id }) => accusation('e', id, 'silent')))
    assert.equal(member.swim.evidenceView('e')?.suspectors.length, 3)
    assert.deepEqual(member.drops, ['accusers-full', 'accusers-full'])
  })

  it('relay at most maxRelayedProbes at once', () => {
    const member = new MemberUnderTest(four, { maxRelayedProbes: 2 })
    for (let probe = 1; probe <= 3; probe++)
      member.give({ type: 'message', from: 'b', message: { type: 'ping-req', probe, target: 'c', updates: [] } })
    assert.deepEqual(member.drops, ['relays-full'])
  })

  it('carry at most maxUpdatesPerMessage updates, and trickle the rest', () => {
    const member = new MemberUnderTest([], { maxUpdatesPerMessage: 4 }).link('b').clear()
    member.hearRecords('c', ...Array.from({ length: 11 }, (_, index) => recordOf(`m${index}`)))
    for (let time = 1; time <= 20; time++) member.fire('gossip', time * 200)
    const sizes = member.sent('b').map((message) => ('updates' in message ? message.updates.length : 0))
    assert.ok(sizes.every((size) => size <= 4))
    const told = new Set(
      member
        .sent('b')
        .flatMap((message) => ('updates' in message ? message.updates : []))
        .map((update) => (update.type === 'record' ? update.record.id : '')),
    )
    assert.equal(told.size, 11)
  })
})

describe('helpers', () => {
  it('answer with the ack of the target, or nack in time to be heard (Lifeguard section 4.1)', () => {
    const member = new MemberUnderTest(four)
    member.give({ type: 'message', from: 'b', message: { type: 'ping-req', probe: 9, target: 'c', updates: [] } })
    const ping = member.sent('c')[0]
    assert.ok(ping?.type === 'ping')
    assert.equal(member.dueOf(`relay:${ping.probe}`), 200)
    member.give({ type: 'message', from: 'c', message: { type: 'ack', probe: ping.probe, target: 'c', updates: [] } })
    assert.deepEqual(member.sent('b'), [{ type: 'ack', probe: 9, target: 'c', updates: [] }])

    member
      .clear()
      .give({ type: 'message', from: 'b', message: { type: 'ping-req', probe: 10, target: 'd', updates: [] } })
    const other = member.sent('d')[0]
    assert.ok(other?.type === 'ping')
    member.fire(`relay:${other.probe}`, 200)
    assert.deepEqual(member.sent('b'), [{ type: 'nack', probe: 10, target: 'd', updates: [] }])
  })

  it('pass on an answer that comes after their nack, for four periods', () => {
    for (const isInTime of [true, false]) {
      const member = new MemberUnderTest(four)
      member.give({ type: 'message', from: 'b', message: { type: 'ping-req', probe: 9, target: 'c', updates: [] } })
      const ping = member.sent('c')[0]
      assert.ok(ping?.type === 'ping')
      const relay = `relay:${ping.probe}`
      member.fire(relay, 200).clear()
      member.fire(relay, isInTime ? 2_199 : 2_200)
      const { probe } = ping
      member.give({ type: 'message', from: 'c', message: { type: 'ack', probe, target: 'c', updates: [] } })
      assert.deepEqual(member.sent('b'), isInTime ? [{ type: 'ack', probe: 9, target: 'c', updates: [] }] : [])
    }
  })
})

describe('what no honest member sends', () => {
  it('is dropped and counted, and changes nothing', () => {
    const member = new MemberUnderTest(four)
    const messages: SwimMessage[] = [
      { type: 'ack', probe: 99, target: 'b', updates: [] },
      { type: 'nack', probe: 99, target: 'b', updates: [] },
      { type: 'gossip', updates: [accusation('nobody', 'b'), accusation('c', 'b', 'silent', 9)] },
    ]
    for (const message of messages) member.give({ type: 'message', from: 'b', message })
    assert.deepEqual(member.drops, ['unknown-probe', 'unknown-probe', 'unknown-member', 'unknown-member'])
    assert.deepEqual(member.swim.members().slice(1), four)
  })

  it('is not believed of a linked member that is alive: that it left, lives another life, or has refuted a thousand times', () => {
    const lies = [
      recordOf('c', { state: 'left' }),
      recordOf('c', { generation: 2 }),
      recordOf('c', { refutation: MAX_REFUTATION_LEAP + 1 }),
    ]
    for (const lie of lies) {
      const member = new MemberUnderTest(four).link('c').clear().hearRecords('b', lie)
      member.give({ type: 'message', from: 'b', message: { type: 'push-pull', reply: false, records: [lie] } })
      assert.deepEqual(member.swim.member('c'), recordOf('c'))
      assert.deepEqual(member.drops, ['not-its-own', 'not-its-own'])
      // That it left it can refute, so it is told.
      assert.equal(member.sent('c').length, lie.state === 'left' ? 2 : 0)
      // Its own word counts, and anybody's once its link has gone or it does not answer.
      assert.deepEqual(member.hearRecords('c', lie).swim.member('c'), lie)
      const unlinked = new MemberUnderTest(four).link('c').give({ type: 'disconnected', peer: 'c', announced: false })
      assert.deepEqual(unlinked.hearRecords('b', lie).swim.member('c'), lie)
      const suspected = new MemberUnderTest(four).link('c').hear('d', accusation('c', 'd', 'silent'))
      assert.deepEqual(suspected.hearRecords('b', lie).swim.member('c'), lie)
    }
  })

  it('is not needed to accept a message of a peer whose record is not known yet', () => {
    const member = new MemberUnderTest().hearRecords('stranger', recordOf('b'))
    assert.deepEqual(member.reasons, ['joined b'])
  })
})

describe('construction', () => {
  it('ignores what is remembered of itself, and what is more than the bounds allow', () => {
    const known = [recordOf('a', { state: 'down' }), recordOf('b'), recordOf('c'), recordOf('d', { state: 'left' })]
    const member = new MemberUnderTest(known, { maxMembers: 2, maxRememberedMembers: 0 })
    assert.deepEqual(member.swim.members(), [recordOf('a', { generation: 3 }), recordOf('b')])
  })

  it('refuses a self that is not alive', () => {
    const self = recordOf('a', { state: 'left' })
    assert.throws(() => new Swim({ self, known: [], options: resolveSwimOptions(), random: () => 0 }), InvariantError)
  })

  it('refuses options with all their problems at once', () => {
    const wrong = { probeIntervalMs: 200, gossipFanout: 1.5, ...{ fanout: 3 } }
    assert.throws(
      () => resolveSwimOptions(wrong),
      /swim\.fanout is not an option; swim\.gossipFanout \(1\.5\) must be a whole number; swim\.probeIntervalMs \(200\) must exceed swim\.probeTimeoutMs \(250\)/,
    )
    for (const preset of ['local', 'lan', 'wan'] as const) assert.ok(resolveSwimOptions({}, preset))
  })

  it('forgets whom it is told to forget, until somebody names it again', () => {
    const member = new MemberUnderTest(four).give({ type: 'forget', peer: 'e' }, { type: 'forget', peer: 'a' })
    assert.equal(member.swim.member('e'), undefined)
    assert.deepEqual(member.reasons, ['forgotten'])
    assert.equal(member.hearRecords('b', recordOf('e')).stateOf('e'), 'alive')
  })
})
