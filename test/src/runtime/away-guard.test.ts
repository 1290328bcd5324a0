import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import fc from 'fast-check'
import { type Absence, AwayGuard } from '../../../src/runtime/away-guard.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'
import { FakeClock } from './fake-clock.ts'

const thresholdMs = 200

describe('the away guard', () => {
  let clock: FakeClock
  let absences: Absence[]
  let guard: AwayGuard

  beforeEach(() => {
    clock = new FakeClock()
    absences = []
    guard = new AwayGuard(clock, thresholdMs, (absence) => absences.push(absence))
  })

  afterEach(() => guard.stop())

  /** Whole milliseconds: clocks are floats. */
  const seen = (): Absence[] =>
    absences.map(({ ms, suspendedMs }) => ({ ms: Math.round(ms), suspendedMs: Math.round(suspendedMs) }))

  it('reports a stopped process once, with the length of the gap', () => {
    clock.pass(3_000)
    guard.check()
    guard.check()
    assert.deepEqual(seen(), [{ ms: 3_000, suspendedMs: 0 }])
  })

  it('takes turns up to the threshold apart for a busy process', () => {
    for (let turn = 0; turn < 50; turn++) {
      clock.pass(thresholdMs)
      guard.check()
    }
    assert.deepEqual(absences, [])
    clock.pass(thresholdMs + 1)
    guard.check()
    assert.equal(absences.length, 1)
  })

  it('sees a suspension that the monotonic clock slept through, however short', () => {
    clock.pass(10)
    clock.suspend(25)
    guard.check()
    guard.check()
    assert.deepEqual(seen(), [{ ms: 35, suspendedMs: 25 }])
  })

  it('adds a suspension to the gap it lies in', () => {
    clock.pass(500)
    clock.suspend(60_000)
    clock.pass(500)
    guard.check()
    assert.deepEqual(seen(), [{ ms: 61_000, suspendedMs: 60_000 }])
  })

  it('sees each of two suspensions', () => {
    for (const ms of [1_000, 40]) {
      clock.suspend(ms)
      guard.check()
    }
    assert.deepEqual(
      seen().map(({ suspendedMs }) => suspendedMs),
      [1_000, 40],
    )
  })

  it('takes a wall clock that was set for no absence, in either direction', () => {
    for (const by of [3_600_000, -3_600_000, 30, -30]) {
      clock.setWall(by)
      guard.check()
    }
    assert.deepEqual(absences, [])
  })

  it('sees a suspension behind a wall clock that was set back meanwhile', () => {
    clock.suspend(5_000)
    clock.setWall(-3_600_000)
    guard.check()
    assert.deepEqual(seen(), [{ ms: 5_000, suspendedMs: 5_000 }])
  })

  it('believes the wall clock where the boot clock counts whole seconds', () => {
    clock.isCoarse = true
    guard = new AwayGuard(clock, thresholdMs, (absence) => absences.push(absence))
    clock.suspend(300)
    guard.check()
    assert.deepEqual(seen(), [{ ms: 300, suspendedMs: 300 }])
  })

  it('has reported before it is asked again from within the report', () => {
    guard = new AwayGuard(clock, thresholdMs, (absence) => {
      absences.push(absence)
      guard.check()
    })
    clock.pass(1_000)
    guard.check()
    assert.equal(absences.length, 1)
  })

  it('looks by itself once started, and no more once stopped', async () => {
    guard.start(systemClock)
    clock.pass(1_000)
    await waitUntil(() => absences.length === 1)
    guard.stop()
    clock.pass(1_000)
    assert.equal(absences.length, 1)
  })

  it('accounts for all time that the process did not run, and for none that it did', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: thresholdMs }) }),
      fc.record({ kind: fc.constant('stop' as const), ms: fc.integer({ min: thresholdMs + 1, max: 1_000_000 }) }),
      fc.record({ kind: fc.constant('suspend' as const), ms: fc.integer({ min: 21, max: 1_000_000 }) }),
      fc.record({ kind: fc.constant('set' as const), ms: fc.integer({ min: -1_000_000, max: 1_000_000 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const fake = new FakeClock()
        let away = 0
        const watched = new AwayGuard(fake, thresholdMs, ({ ms }) => {
          away += ms
        })
        let expected = 0
        for (const { kind, ms } of steps) {
          if (kind === 'suspend') fake.suspend(ms)
          else if (kind === 'set') fake.setWall(ms)
          else fake.pass(ms)
          // A wall clock set ahead is told from a suspension by a boot clock that shows more than whole seconds.
          if (fake.boot() % 1_000 === 0) fake.pass(0.5)
          if (kind === 'stop' || kind === 'suspend') expected += ms
          watched.check()
        }
        assert.ok(Math.abs(away - expected) <= steps.length, `${away} for ${expected}`)
      }),
    )
  })
})
