// A member to whom no link is up.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { four, MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

/** `a`, linked to `b` and `c`, which are its neighbors; it knows `d`, `e` and `far` besides. */
function withTwoNeighbors(): MemberUnderTest {
  const a = new MemberUnderTest([...four, recordOf('far')]).link('b', 'c')
  return a.give({ type: 'neighbors', peers: ['b', 'c'] }).clear()
}

function lose(a: MemberUnderTest, ...peers: readonly string[]): void {
  for (const peer of peers) a.give({ type: 'disconnected', peer, announced: false })
}

const strangers = ['d', 'e', 'far']

describe('a member that has lost its last link', () => {
  it('accuses everybody when none has come up for twenty probe intervals', () => {
    const a = withTwoNeighbors()
    a.now = 1_000
    lose(a, 'b')
    assert.ok(Number.isNaN(a.dueOf('alone')))
    lose(a, 'c')
    assert.equal(a.dueOf('alone'), 11_000)
    a.now = 3_000
    lose(a, 'b')
    assert.equal(a.dueOf('alone'), 11_000)
    a.fire('alone', 11_000)
    assert.deepEqual(
      strangers.map((id) => a.stateOf(id)),
      ['suspect', 'suspect', 'suspect'],
    )
    for (const id of strangers) a.fire(`suspect:${id}`, a.dueOf(`suspect:${id}`))
    assert.deepEqual(
      strangers.map((id) => a.stateOf(id)),
      ['down', 'down', 'down'],
    )
    assert.equal(a.now, 20_000)
    assert.equal(a.stateOf('a'), 'alive')
  })

  it('accuses nobody when one comes up in time', () => {
    const a = withTwoNeighbors()
    lose(a, 'b', 'c')
    a.now = 9_999
    a.link('far').fire('alone', 10_000)
    assert.deepEqual(
      strangers.map((id) => a.stateOf(id)),
      ['alive', 'alive', 'alive'],
    )
  })

  it('waits as much longer as it did not run, and anew when that was long', () => {
    const a = withTwoNeighbors()
    lose(a, 'b', 'c')
    a.now = 5_000
    a.give({ type: 'away', ms: 1_000 })
    assert.equal(a.dueOf('alone'), 11_000)
    a.now = 20_000
    a.give({ type: 'away', ms: 15_000 })
    assert.equal(a.dueOf('alone'), 30_000)
    a.fire('alone', 11_000)
    assert.equal(a.stateOf('far'), 'alive')
  })
})

describe('a member that never had a link', () => {
  it('waits for its first one', () => {
    const a = new MemberUnderTest(four)
    assert.ok(Number.isNaN(a.dueOf('alone')))
  })
})
