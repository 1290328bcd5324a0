// Members that come in over the links to one of them: it tells all of them of all.

import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import { MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

const peers = ['b', 'c', 'd', 'e', 'f', 'g', 'h']

/** `a` is linked to all of `peers`, of whom none has said who it is. */
function gathering(options = {}): MemberUnderTest {
  return new MemberUnderTest([], options)
    .give({ type: 'gathering', isOn: true })
    .link(...peers)
    .clear()
}

function come(member: MemberUnderTest, ...ids: readonly string[]): void {
  for (const id of ids)
    member.give({ type: 'message', from: id, message: { type: 'push-pull', reply: false, records: [recordOf(id)] } })
}

function pass(member: MemberUnderTest, ms: number): MemberUnderTest {
  member.now += ms
  return member.give({ type: 'timer', timer: 'newcomers' })
}

/** Of whom each was told in gossip. */
function told(member: MemberUnderTest): Record<string, readonly string[]> {
  const idsOf = (peer: string): string[] =>
    member
      .sent(peer)
      .flatMap((message) =>
        message.type !== 'gossip'
          ? []
          : message.updates.flatMap((update) => ('record' in update ? update.record.id : [])),
      )
  return Object.fromEntries(peers.map((peer) => [peer, idsOf(peer)]))
}

describe('while members gather', () => {
  it('all linked ones are told of those who came in the same moment, each in one message, but not of themselves', () => {
    const member = gathering()
    come(member, 'b', 'c')
    assert.deepEqual(told(member).d, [])
    pass(member, 19)
    assert.deepEqual(told(member).d, [])
    pass(member, 1)
    const all = ['b', 'c']
    assert.deepEqual(told(member), { b: ['c'], c: ['b'], d: all, e: all, f: all, g: all, h: all })
    assert.equal(member.sent('d').length, 1)
  })

  it('those who come later are told of later, and what is only news of somebody known is not', () => {
    const member = gathering()
    come(member, 'b')
    pass(member, 20).clear()
    come(member, 'c')
    member.hearRecords('b', recordOf('b', { refutation: 1 }))
    pass(member, 20)
    assert.deepEqual(told(member).d, ['c'])
    member.clear()
    assert.deepEqual(told(pass(member, 1_000)).d, [])
  })

  it('no message holds more than a message may', () => {
    const member = gathering({ maxUpdatesPerMessage: 2 })
    come(member, ...peers.slice(0, 5))
    pass(member, 20)
    assert.deepEqual(
      member.sent('h').map((message) => (message.type === 'gossip' ? message.updates.length : 0)),
      [2, 2, 1],
    )
  })

  it('whoever came last is told of when it ends, and from then on few are told at once', () => {
    const member = gathering()
    come(member, 'b')
    member.give({ type: 'gathering', isOn: false })
    assert.deepEqual(told(member).h, ['b'])
    member.clear()
    come(member, 'c')
    const some = Object.values(told(member)).filter(({ length }) => length > 0).length
    assert.ok(some > 0 && some < peers.length - 1, `${some}`)
    assert.deepEqual(told(pass(member.clear(), 1_000)).d, [])
  })
})
