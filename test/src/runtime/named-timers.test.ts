import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { NamedTimers } from '../../../src/runtime/named-timers.ts'
import { FakeClock } from './fake-clock.ts'

describe('named timers', () => {
  let clock: FakeClock
  let fired: string[]
  let timers: NamedTimers
  let start: number

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] })
    clock = new FakeClock()
    start = clock.now()
    fired = []
    timers = new NamedTimers(clock, (name) => fired.push(name))
  })

  afterEach(() => {
    timers.clearAll()
    mock.timers.reset()
  })

  function pass(ms: number): void {
    clock.pass(ms)
    mock.timers.tick(ms)
  }

  it('fire once, at their time', () => {
    timers.set('probe', start + 100)
    pass(99)
    assert.deepEqual(fired, [])
    pass(1)
    assert.deepEqual(fired, ['probe'])
    pass(1_000)
    assert.deepEqual(fired, ['probe'])
  })

  it('are replaced under the same name, earlier or later', () => {
    timers.set('later', start + 10)
    timers.set('later', start + 50)
    timers.set('earlier', start + 500)
    timers.set('earlier', start + 20)
    pass(20)
    assert.deepEqual(fired, ['earlier'])
    pass(30)
    assert.deepEqual(fired, ['earlier', 'later'])
    pass(1_000)
    assert.equal(fired.length, 2)
  })

  it('do not fire once cleared', () => {
    timers.set('one', start + 10)
    timers.set('two', start + 10)
    timers.clear('one')
    timers.clear('never set')
    pass(10)
    assert.deepEqual(fired, ['two'])
    timers.set('three', start + 20)
    timers.clearAll()
    pass(100)
    assert.deepEqual(fired, ['two'])
  })

  it('wait on when they are woken too early', () => {
    timers.set('lease', start + 10)
    // Node woke it, its own clock is not there yet.
    clock.pass(9.5)
    mock.timers.tick(10)
    assert.deepEqual(fired, [])
    clock.pass(0.5)
    mock.timers.tick(1)
    assert.deepEqual(fired, ['lease'])
  })

  it('fire as soon as possible for a time that is past', () => {
    timers.set('late', start - 1_000)
    pass(0)
    assert.deepEqual(fired, ['late'])
  })

  it('reach a time that is further away than setTimeout reaches', () => {
    const days = 30 * 24 * 3_600_000
    timers.set('month', start + days)
    pass(2 ** 31 - 1)
    assert.deepEqual(fired, [])
    pass(days - 2 ** 31)
    assert.deepEqual(fired, [])
    pass(1)
    assert.deepEqual(fired, ['month'])
  })

  it('may be set again by what they fire', () => {
    const again = new NamedTimers(clock, (name) => {
      fired.push(name)
      if (fired.length < 3) again.set(name, clock.now() + 10)
    })
    again.set('beat', start + 10)
    for (let beat = 0; beat < 5; beat++) pass(10)
    assert.equal(fired.length, 3)
  })
})
