// Many members that start together: what a probe is worth before the first link to its target, and what links and news
// cost.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

const many = Array.from({ length: 99 }, (_, at) => recordOf(`m${at}`))
const ids = many.map(({ id }) => id)

/** Whom it probes in so many rounds, and whom it accuses. */
function probed(member: MemberUnderTest, rounds: number): string[] {
  const from = member.effects.length
  for (let round = 0; round < rounds; round++) member.fire('probe', Math.max(member.now, member.dueOf('probe')))
  return member.effects
    .slice(from)
    .flatMap((effect) => (effect.type === 'send' && effect.message.type === 'ping' ? [effect.to] : []))
}

/** How many records it tells at each new link. */
function told(member: MemberUnderTest): number[] {
  return member.sent().flatMap((message) => (message.type === 'push-pull' ? [message.records.length] : []))
}

describe('a neighbor before its first link', () => {
  it('is not probed while first links come up', () => {
    const member = new MemberUnderTest(many, { localHealthMax: 0 }).link('m0')
    for (let at = 1; at < 9; at++) {
      const linked = ids.slice(0, at)
      for (const target of probed(member, 10)) assert.ok(linked.includes(target), `${target} at ${member.now}`)
      member.link(`m${at}`)
    }
    assert.ok(member.now > 20_000)
  })

  it('is probed when none has come up for a while: it may have died before anybody was linked to it', () => {
    const member = new MemberUnderTest(many, { localHealthMax: 0 }).link('m0')
    member.now = 20_000
    assert.ok(new Set(probed(member, 50)).size > 20)
  })

  it('is probed in the end, though others come up again and again', () => {
    const member = new MemberUnderTest(many, { localHealthMax: 0 })
    for (let at = 0; at < 32; at++) {
      member.now = at * 4_000
      member.link(`m${at}`)
    }
    assert.ok(new Set(probed(member, 18)).size > 10)
    assert.ok(member.now < 31 * 4_000 + 10_000)
  })

  it('is probed at once after a link to it was lost', () => {
    const member = new MemberUnderTest(many).link('m0').give({ type: 'disconnected', peer: 'm0', announced: false })
    member.now = 1_000
    assert.deepEqual([...new Set(probed(member, 2))], ['m0'])
  })
})

describe('the table of a large cluster', () => {
  it('comes over some of the links to those who hear the same news, over all links of a small one', () => {
    const large = told(new MemberUnderTest(many).clear().link(...ids))
    const tables = large.filter((records) => records === 100).length
    assert.ok(tables > 2 && tables < 24, `${tables}`)
    // The others bring at least word of the member itself.
    assert.equal(large.filter((records) => records === 1).length, 99 - tables)
    assert.deepEqual(told(new MemberUnderTest(many.slice(0, 20)).clear().link(...ids.slice(0, 20))), Array(20).fill(21))
  })

  it('comes over each link of a member that is to have few', () => {
    const few = new MemberUnderTest(many).give({ type: 'neighbors', peers: ids.slice(0, 5) }).clear()
    assert.deepEqual(told(few.link(...ids.slice(0, 5))), Array(5).fill(100))
  })

  it('is always exchanged with who is not alive here', () => {
    const gone = ['x', 'y'].map((id) => recordOf(id, { state: 'down' }))
    for (let time = 0; time < 20; time++) {
      const member = new MemberUnderTest([...many, ...gone])
        .link(...ids.slice(0, time))
        .clear()
        .link('x', 'y')
      const asked = member.sent().filter((message) => message.type === 'push-pull' && message.reply)
      assert.equal(asked.length, 2)
    }
  })
})

describe('news', () => {
  it('are told at once one by one, and together when there are many in a moment', () => {
    const member = new MemberUnderTest(many).link(...ids).clear()
    for (const { id } of many) member.hearRecords('m0', recordOf(id, { refutation: 1 }))
    const told = member.sent().filter(({ type }) => type === 'gossip').length
    assert.ok(told >= 3 && told <= 15, `${told}`)
    member.now += 1_000
    assert.equal(
      member
        .clear()
        .hearRecords('m0', recordOf('m5', { refutation: 2 }))
        .sent().length,
      3,
    )
  })

  it('are at rest when enough others of many tell them, too; among few each tells them often enough itself', () => {
    const news = recordOf('m5', { refutation: 1 })
    const tellings = (size: number): number => {
      const member = new MemberUnderTest(many.slice(0, size)).link(...ids.slice(0, size)).hearRecords('m0', news)
      for (let again = 0; again < 30; again++) member.hearRecords(`m${again % 10}`, news)
      member.clear()
      for (let drop = 0; drop < 20; drop++) member.fire('gossip', member.now + 200)
      return member.sent().filter(({ type }) => type === 'gossip').length
    }
    assert.equal(tellings(99), 0)
    assert.ok(tellings(20) > 5, `${tellings(20)}`)
  })
})
