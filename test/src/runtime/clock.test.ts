import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { patientTimer, systemClock } from '../../../src/runtime/clock.ts'

beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
afterEach(() => mock.timers.reset())

describe('a signal that aborts in time', () => {
  it('takes any time above 0: parts of a millisecond, more than a timer can, and for ever', async () => {
    for (const ms of [2 ** 31, 2 ** 32, 1e12, Number.MAX_VALUE, Number.POSITIVE_INFINITY])
      assert.equal(systemClock.timeout(ms).aborted, false)
    const soon = systemClock.timeout(0.5)
    await new Promise((resolve) => soon.addEventListener('abort', resolve))
    assert.equal(soon.reason.name, 'TimeoutError')
  })
})

describe('a patient timer', () => {
  it('is due after its time, once', () => {
    let times = 0
    patientTimer(systemClock, () => times++, 2_000)
    for (let ms = 0; ms < 1_999; ms++) mock.timers.tick(1)
    assert.equal(times, 0)
    mock.timers.tick(1)
    assert.equal(times, 1)
    for (let ms = 0; ms < 5_000; ms++) mock.timers.tick(1)
    assert.equal(times, 1)
  })

  it('waits on when this process was late itself', () => {
    const due: (() => void)[] = []
    let times = 0
    const clock = {
      ...systemClock,
      setTimeout: (work: () => void) => {
        due.push(work)
        return { unref: () => undefined, [Symbol.dispose]: () => undefined }
      },
    }
    patientTimer(clock, () => times++, 2_000)
    // However late each is noticed.
    for (let turn = 0; turn < 7; turn++) due.shift()?.()
    assert.equal(times, 0)
    due.shift()?.()
    assert.equal(times, 1)
  })

  it('is called off at any time', () => {
    let times = 0
    const timer = patientTimer(systemClock, () => times++, 2_000)
    mock.timers.tick(250)
    mock.timers.tick(250)
    timer[Symbol.dispose]()
    timer[Symbol.dispose]()
    for (let ms = 0; ms < 3_000; ms++) mock.timers.tick(1)
    assert.equal(times, 0)
  })
})
