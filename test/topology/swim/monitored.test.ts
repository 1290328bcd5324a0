// A member that this one monitors without a link to it: what is said passes over others, each of which may be late or
// lose it.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { four, MemberUnderTest } from './member-under-test.ts'
import { recordOf } from './records.ts'

/** After sixteen periods in which its neighbors answered, `a` has pinged `far`; the number of that probe. */
function untilFarIsAsked(): { readonly a: MemberUnderTest; readonly probe: number } {
  const a = new MemberUnderTest([...four, recordOf('far')]).link('b', 'c', 'd', 'e')
  a.give({ type: 'neighbors', peers: ['b', 'c', 'd', 'e'] }, { type: 'monitored', peers: ['far'] })
  for (let period = 0; pingsOf(a, 'far').length === 0; period++) {
    assert.ok(period < 20)
    nextPeriod(a)
  }
  return { a, probe: pingsOf(a, 'far')[0]! }
}

/** One period of the neighbors, all of which answer at once. */
function nextPeriod(a: MemberUnderTest): void {
  const before = a.effects.length
  a.fire('probe', a.dueOf('probe'))
  for (const effect of a.effects.slice(before)) {
    if (effect.type !== 'send' || effect.message.type !== 'ping' || effect.to === 'far') continue
    const { to, message } = effect
    a.give({ type: 'message', from: to, message: { type: 'ack', probe: message.probe, target: to, updates: [] } })
  }
}

/** Lets the periods of the neighbors pass until the probe of `far` is over. */
function endFar(a: MemberUnderTest): void {
  while (a.dueOf('probe') < a.dueOf('far-probe')) nextPeriod(a)
  a.fire('far-probe', a.dueOf('far-probe'))
}

function pingsOf(a: MemberUnderTest, peer: string): number[] {
  return a.sent(peer).flatMap((message) => (message.type === 'ping' ? [message.probe] : []))
}

describe('a member that is monitored over others', () => {
  it('has four periods to answer, while neighbors are probed in each of them', () => {
    const { a, probe } = untilFarIsAsked()
    assert.equal(a.dueOf('far-probe') - a.now, 2_000)
    assert.equal(a.dueOf('far-probe-timeout') - a.now, 1_000)
    const begun = a.dueOf('far-probe') - 2_000
    for (let period = 0; period < 3; period++) nextPeriod(a)
    assert.equal(a.now - begun, 1_500)
    a.give({ type: 'message', from: 'far', message: { type: 'ack', probe, target: 'far', updates: [] } })
    assert.deepEqual(a.drops, [])
    endFar(a)
    assert.equal(a.stateOf('far'), 'alive')
  })

  it('is asked twice before it is suspected', () => {
    const { a, probe } = untilFarIsAsked()
    a.fire('far-probe-timeout', a.dueOf('far-probe-timeout'))
    assert.equal(a.sent().filter(({ type }) => type === 'ping-req').length, 3)
    endFar(a)
    assert.equal(a.stateOf('far'), 'alive')
    const [, second] = pingsOf(a, 'far')
    assert.ok(second !== undefined && second > probe)
    endFar(a)
    assert.equal(a.stateOf('far'), 'suspect')
  })

  it('that answers the second time is asked twice again the next time', () => {
    const { a } = untilFarIsAsked()
    endFar(a)
    const [, second] = pingsOf(a, 'far')
    a.give({ type: 'message', from: 'far', message: { type: 'ack', probe: second!, target: 'far', updates: [] } })
    endFar(a)
    while (pingsOf(a, 'far').length === 2) nextPeriod(a)
    endFar(a)
    assert.equal(a.stateOf('far'), 'alive')
    assert.equal(pingsOf(a, 'far').length, 4)
  })
})
