// What the scenarios do not show: bounds on what others can make a member keep, timers that fire early or late, statements
// about oneself, and messages that no honest member sends.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import {
  InvariantError,
  type MemberRecord,
  resolveSwimOptions,
  Swim,
  type SwimEffect,
  type SwimEvent,
  type SwimInput,
  type SwimMessage,
  type SwimOptions,
  type Update,
} from '../../../topology/index.ts'
import { generator } from '../generator.ts'
import { recordOf } from './records.ts'

/** Member `a`, driven by hand. */
class Hand {
  readonly swim: Swim
  effects: SwimEffect[]
  now = 0

  constructor(known: readonly MemberRecord[] = [], options: Partial<SwimOptions> = {}, pinned: readonly string[] = []) {
    const self = recordOf('a', { generation: 3 })
    this.swim = new Swim({ self, known, options: resolveSwimOptions(options), random: generator(1), pinned })
    this.effects = this.swim.start(0)
    this.give({ type: 'neighbors', peers: known.map(({ id }) => id) })
  }

  give(...inputs: readonly SwimInput[]): this {
    for (const input of inputs) this.effects.push(...this.swim.step(input, this.now))
    return this
  }

  link(...peers: readonly string[]): this {
    return this.give(...peers.map((peer): SwimInput => ({ type: 'connected', peer })))
  }

  hear(from: string, ...updates: readonly Update[]): this {
    return this.give({ type: 'message', from, message: { type: 'gossip', updates } })
  }

  hearRecords(from: string, ...records: readonly MemberRecord[]): this {
    return this.hear(from, ...records.map((record): Update => ({ type: 'record', record })))
  }

  /** Forgets what was asked so far. */
  clear(): this {
    this.effects = []
    return this
  }

  get events(): SwimEvent[] {
    return this.effects.flatMap((effect) => (effect.type === 'emit' ? [effect.event] : []))
  }

  get reasons(): string[] {
    return this.events.map((event) => (event.type === 'member' ? `${event.reason} ${event.after.id}` : `${event.type}`))
  }

  get drops(): string[] {
    return this.events.flatMap((event) => (event.type === 'dropped' ? [event.reason] : []))
  }

  sent(to?: string): SwimMessage[] {
    return this.effects.flatMap((effect) =>
      effect.type === 'send' && (!to || effect.to === to) ? [effect.message] : [],
    )
  }

  stateOf(id: string): string | undefined {
    return this.swim.member(id)?.state
  }

  dueOf(timer: string): number {
    const set = this.effects.flatMap((effect) =>
      effect.type === 'set-timer' && effect.timer === timer ? [effect.at] : [],
    )
    return set.at(-1) ?? Number.NaN
  }

  fire(timer: string, at: number): this {
    this.now = at
    return this.give({ type: 'timer', timer })
  }
}

function accusation(
  member: string,
  by: string,
  kind: 'silent' | 'refused' = 'refused',
  generation = 1,
  refutation = 0,
): Update {
  return { type: 'accusation', member, incarnation: { generation, refutation }, by, kind }
}

const four = ['b', 'c', 'd', 'e'].map((id) => recordOf(id))

describe('accusations', () => {
  it('count once per accuser (Lifeguard section 4.2)', () => {
    const member = new Hand(four)
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
    const member = new Hand(four).hear('b', accusation('e', 'b', 'silent'))
    member.hear('b', accusation('e', 'b', 'refused')).hear('b', accusation('e', 'b', 'silent'))
    assert.deepEqual(
      member.swim.evidenceView('e')?.suspectors.map(({ kind }) => kind),
      ['refused'],
    )
  })

  it('of silence never add up to a verdict at once', () => {
    const member = new Hand(four).hear('b', ...['b', 'c', 'd'].map((by) => accusation('e', by, 'silent')))
    assert.equal(member.stateOf('e'), 'suspect')
  })

  it('by the accused, by strangers and by those that are gone do not count', () => {
    const member = new Hand([...four, recordOf('x', { state: 'down' }), recordOf('y', { state: 'left' })])
    member.hear('b', ...['e', 'x', 'y', 'stranger'].map((by) => accusation('e', by)))
    assert.equal(member.stateOf('e'), 'alive')
    assert.equal(member.swim.evidenceView('e'), undefined)
  })

  it('are void once the member has said something newer', () => {
    const member = new Hand(four).hear('b', accusation('e', 'b'), accusation('e', 'c'))
    member.hearRecords('e', recordOf('e', { refutation: 1 }))
    assert.equal(member.stateOf('e'), 'alive')
    assert.equal(member.swim.evidenceView('e'), undefined)
    member.hear('b', accusation('e', 'b'), accusation('e', 'c'), accusation('e', 'd'))
    assert.equal(member.stateOf('e'), 'alive')
  })

  it('that come too late are answered with what is known since', () => {
    const member = new Hand([recordOf('b'), recordOf('c', { state: 'left', refutation: 1 })]).clear()
    member.hear('b', accusation('c', 'b'))
    const record = recordOf('c', { state: 'left', refutation: 1 })
    assert.deepEqual(member.sent('b'), [{ type: 'gossip', updates: [{ type: 'record', record }] }])
  })

  it('leave the verdict to each observer, which one that crashed beside the accused does not hold up', () => {
    const member = new Hand(four).link('b', 'c').hear('b', accusation('e', 'b'))
    member.give({ type: 'evidence', peer: 'e' })
    assert.equal(member.stateOf('e'), 'suspect')
    // c and d fall silent too: now a and b are all that is left to agree.
    member.hear('b', accusation('c', 'b', 'silent'), accusation('d', 'b', 'silent'))
    assert.equal(member.stateOf('e'), 'down')
  })

  it('of a former life by our own evidence accuse nobody', () => {
    const member = new Hand([recordOf('b'), recordOf('c', { generation: 2 })])
    member.give({ type: 'evidence', peer: 'c', generation: 1 })
    assert.equal(member.stateOf('c'), 'alive')
    member.give({ type: 'evidence', peer: 'c', generation: 2 })
    assert.equal(member.stateOf('c'), 'suspect')
  })
})

describe('what is said of ourselves', () => {
  it('is refuted when it is bad news of this life, with a higher number (SWIM section 4.2)', () => {
    for (const state of ['suspect', 'down'] as const) {
      const member = new Hand(four).hearRecords('b', recordOf('a', { generation: 3, refutation: 4, state }))
      assert.deepEqual(member.swim.member('a'), recordOf('a', { generation: 3, refutation: 5 }))
      assert.deepEqual(member.reasons, ['refuted a'])
    }
  })

  it('is refuted when it is called stalled, keeping its own condition', () => {
    const member = new Hand(four).give({ type: 'condition', condition: 'draining' })
    member.hearRecords('b', recordOf('a', { generation: 3, refutation: 1, condition: 'stalled' }))
    assert.deepEqual(member.swim.member('a'), recordOf('a', { generation: 3, refutation: 2, condition: 'draining' }))
  })

  it('is answered to whoever repeats what was refuted long ago', () => {
    const member = new Hand(four).hear('b', accusation('a', 'b', 'silent', 3)).clear()
    member.hear('c', accusation('a', 'b', 'silent', 3))
    const record = recordOf('a', { generation: 3, refutation: 1 })
    assert.deepEqual(member.sent('c'), [{ type: 'gossip', updates: [{ type: 'record', record }] }])
  })

  it('tells that a later copy of us lives, once', () => {
    const member = new Hand(four)
    for (let time = 0; time < 2; time++) member.hearRecords('b', recordOf('a', { generation: 4 }))
    assert.deepEqual(member.events, [{ type: 'superseded', incarnation: { generation: 4, refutation: 0 } }])
  })

  it('is ignored when it is about a former life', () => {
    const member = new Hand(four).hearRecords('b', recordOf('a', { generation: 2, state: 'left' }))
    assert.deepEqual(member.events, [])
  })

  it('is never refuted once we left', () => {
    const member = new Hand(four).link('b', 'c').clear().give({ type: 'leave' })
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
    const member = new Hand(four).link('b').give({ type: 'leave' }).clear()
    member.give({ type: 'message', from: 'b', message: { type: 'ping', probe: 5, updates: [] } })
    assert.deepEqual(
      member.sent('b').map(({ type }) => type),
      ['ack'],
    )
  })
})

describe('suspicion', () => {
  it('ends in a verdict at its deadline, not before, however early the timer fires', () => {
    const member = new Hand(four).hear('b', accusation('e', 'b', 'silent'))
    const due = member.dueOf('suspect:e')
    member.clear().fire('suspect:e', due - 0.5)
    assert.equal(member.stateOf('e'), 'suspect')
    assert.equal(member.dueOf('suspect:e'), due)
    assert.equal(member.fire('suspect:e', due).stateOf('e'), 'down')
  })

  it('has nothing to say when its timer fires after a refutation', () => {
    const member = new Hand(four).hear('b', accusation('e', 'b', 'silent'))
    const due = member.dueOf('suspect:e')
    member.hearRecords('e', recordOf('e', { refutation: 1 })).fire('suspect:e', due)
    assert.equal(member.stateOf('e'), 'alive')
  })

  it('is told first to the suspect itself on whatever goes to it (Lifeguard section 4.3)', () => {
    const member = new Hand(four, { maxUpdatesPerMessage: 2 })
      .link('b', 'c', 'd', 'e')
      .hear('b', accusation('e', 'b', 'silent'))
    for (let time = 0; time < 40; time++) member.fire('gossip', member.now + 200)
    member.clear().give({ type: 'message', from: 'e', message: { type: 'ping', probe: 1, updates: [] } })
    const ack = member.sent('e').find(({ type }) => type === 'ack')
    const record = recordOf('e', { state: 'suspect' })
    assert.deepEqual(ack && 'updates' in ack && ack.updates[0], { type: 'record', record })
  })

  it('goes on for a member that was suspect when it was remembered', () => {
    const member = new Hand([recordOf('b', { state: 'suspect' })])
    assert.equal(member.fire('suspect:b', member.dueOf('suspect:b')).stateOf('b'), 'down')
  })
})

describe('full exchanges', () => {
  it('make suspect, not down, whom an old verdict calls down', () => {
    const records = [recordOf('e', { state: 'down' })]
    const message: SwimMessage = { type: 'push-pull', reply: false, records }
    const member = new Hand(four).give({ type: 'message', from: 'b', message })
    assert.equal(member.stateOf('e'), 'suspect')
  })

  it('make us tell a linked member what is said of it, for it can speak for itself', () => {
    const records = [recordOf('e', { state: 'down' })]
    const message: SwimMessage = { type: 'push-pull', reply: false, records }
    const member = new Hand(four).link('e').clear().give({ type: 'message', from: 'b', message })
    assert.equal(member.stateOf('e'), 'alive')
    assert.deepEqual(member.sent('e'), [{ type: 'gossip', updates: [{ type: 'record', record: records[0] }] }])
  })

  it('split a large table, and ask for the answer with the last part', () => {
    const many = Array.from({ length: 9 }, (_, index) => recordOf(`m${index}`))
    const member = new Hand(many, { maxRecordsPerMessage: 4 }).link('m0').clear()
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
    const member = new Hand([recordOf('b')], { maxMembers: 3 })
    member.hearRecords('b', recordOf('c'), recordOf('d'), recordOf('e'))
    assert.deepEqual(
      member.swim.members().map(({ id }) => id),
      ['a', 'b', 'c'],
    )
    assert.deepEqual(member.drops, ['table-full', 'table-full'])
  })

  it('forget the member longest gone beyond maxRememberedMembers, but never a pinned one', () => {
    const member = new Hand(four, { maxRememberedMembers: 2 }, ['b'])
    for (const id of ['b', 'c', 'd', 'e']) member.hearRecords('b', recordOf(id, { state: 'down' }))
    assert.deepEqual(
      member.swim.members().map(({ id }) => id),
      ['a', 'b', 'e'],
    )
    assert.deepEqual(member.reasons, ['down b', 'down c', 'down d', 'forgotten', 'down e', 'forgotten'])
  })

  it('do not let the gone of others push out our own', () => {
    const member = new Hand([recordOf('b', { state: 'down' })], { maxRememberedMembers: 1 })
    member.hearRecords('c', recordOf('x', { state: 'down' }))
    assert.equal(member.stateOf('b'), 'down')
    assert.deepEqual(member.drops, ['table-full'])
  })

  it('count at most maxAccusersPerMember against one', () => {
    const many = Array.from({ length: 8 }, (_, index) => recordOf(`m${index}`))
    const member = new Hand([recordOf('e'), ...many], { maxAccusersPerMember: 3 })
    member.hear('m0', ...many.slice(0, 5).map(({ id }) => accusation('e', id, 'silent')))
    assert.equal(member.swim.evidenceView('e')?.suspectors.length, 3)
    assert.deepEqual(member.drops, ['accusers-full', 'accusers-full'])
  })

  it('relay at most maxRelayedProbes at once', () => {
    const member = new Hand(four, { maxRelayedProbes: 2 })
    for (let probe = 1; probe <= 3; probe++)
      member.give({ type: 'message', from: 'b', message: { type: 'ping-req', probe, target: 'c', updates: [] } })
    assert.deepEqual(member.drops, ['relays-full'])
  })

  it('carry at most maxUpdatesPerMessage updates, and trickle the rest', () => {
    const member = new Hand([], { maxUpdatesPerMessage: 4 }).link('b').clear()
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
    const member = new Hand(four)
    member.give({ type: 'message', from: 'b', message: { type: 'ping-req', probe: 9, target: 'c', updates: [] } })
    const ping = member.sent('c')[0]
    assert.ok(ping?.type === 'ping')
    assert.equal(member.dueOf(`relay:${ping.probe}`), 400)
    member.give({ type: 'message', from: 'c', message: { type: 'ack', probe: ping.probe, target: 'c', updates: [] } })
    assert.deepEqual(member.sent('b'), [{ type: 'ack', probe: 9, target: 'c', updates: [] }])

    member
      .clear()
      .give({ type: 'message', from: 'b', message: { type: 'ping-req', probe: 10, target: 'd', updates: [] } })
    const other = member.sent('d')[0]
    assert.ok(other?.type === 'ping')
    member.fire(`relay:${other.probe}`, 400)
    assert.deepEqual(member.sent('b'), [{ type: 'nack', probe: 10, target: 'd', updates: [] }])
  })
})

describe('what no honest member sends', () => {
  it('is dropped and counted, and changes nothing', () => {
    const member = new Hand(four)
    const messages: SwimMessage[] = [
      { type: 'ack', probe: 99, target: 'b', updates: [] },
      { type: 'nack', probe: 99, target: 'b', updates: [] },
      { type: 'gossip', updates: [accusation('nobody', 'b'), accusation('c', 'b', 'silent', 9)] },
    ]
    for (const message of messages) member.give({ type: 'message', from: 'b', message })
    assert.deepEqual(member.drops, ['unknown-probe', 'unknown-probe', 'unknown-member', 'unknown-member'])
    assert.deepEqual(member.swim.members().slice(1), four)
  })

  it('is not needed to accept a message of a peer whose record is not known yet', () => {
    const member = new Hand().hearRecords('stranger', recordOf('b'))
    assert.deepEqual(member.reasons, ['joined b'])
  })
})

describe('construction', () => {
  it('ignores what is remembered of itself, and what is more than the bounds allow', () => {
    const known = [recordOf('a', { state: 'down' }), recordOf('b'), recordOf('c'), recordOf('d', { state: 'left' })]
    const member = new Hand(known, { maxMembers: 2, maxRememberedMembers: 0 })
    assert.deepEqual(member.swim.members(), [recordOf('a', { generation: 3 }), recordOf('b')])
  })

  it('refuses a self that is not alive', () => {
    const self = recordOf('a', { state: 'left' })
    assert.throws(() => new Swim({ self, known: [], options: resolveSwimOptions(), random: () => 0 }), InvariantError)
  })

  it('refuses options with all their problems at once', () => {
    const wrong = { probeIntervalMs: 400, gossipFanout: 1.5, ...{ fanout: 3 } }
    assert.throws(
      () => resolveSwimOptions(wrong),
      /swim\.fanout is not an option; swim\.gossipFanout \(1\.5\) must be a whole number; swim\.probeIntervalMs \(400\) must exceed swim\.probeTimeoutMs \(500\)/,
    )
    for (const preset of ['local', 'lan', 'wan'] as const) assert.ok(resolveSwimOptions({}, preset))
  })

  it('forgets whom it is told to forget, until somebody names it again', () => {
    const member = new Hand(four).give({ type: 'forget', peer: 'e' }, { type: 'forget', peer: 'a' })
    assert.equal(member.swim.member('e'), undefined)
    assert.deepEqual(member.reasons, ['forgotten'])
    assert.equal(member.hearRecords('b', recordOf('e')).stateOf('e'), 'alive')
  })
})
