import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CallLimit } from '../../../src/coordination/call-limit.ts'
import { ClusterError } from '../../../src/errors.ts'
import { MAX_DELAY_MS, systemClock, type Timer } from '../../../src/runtime/clock.ts'

/** Timers that fire when the test says so. */
function clockUnderTest() {
  const due = new Set<() => void>()
  const setTimeout = (work: () => void): Timer => {
    due.add(work)
    return { unref: () => undefined, [Symbol.dispose]: () => void due.delete(work) }
  }
  const pass = (): void => {
    for (const work of [...due]) work()
  }
  return { clock: { ...systemClock, setTimeout }, due, pass }
}

function codeOf(limit: CallLimit): string | undefined {
  return limit.reason instanceof ClusterError ? `${limit.reason.code} ${limit.reason.mayHaveHappened}` : undefined
}

describe('the limit of an attempt', () => {
  it('tells whoever waits that its time is over, once', () => {
    const { clock, pass } = clockUnderTest()
    const limit = new CallLimit(clock, 'work', 10, undefined)
    let told = 0
    limit.addEventListener('abort', () => {
      told += 1
    })
    assert.deepEqual([limit.aborted, codeOf(limit)], [false, undefined])
    pass()
    pass()
    assert.deepEqual([told, limit.aborted, codeOf(limit)], [1, true, 'ERR_TIMEOUT true'])
  })

  it('ends with the signal of the call, before or meanwhile, and keeps the first reason', () => {
    const { clock, pass } = clockUnderTest()
    assert.equal(codeOf(new CallLimit(clock, 'work', 10, AbortSignal.abort())), 'ERR_ABORTED true')
    const call = new AbortController()
    const limit = new CallLimit(clock, 'work', 10, call.signal)
    call.abort()
    pass()
    assert.equal(codeOf(limit), 'ERR_ABORTED true')
  })

  it('of a call that waits for ever is as late as a timer can be', () => {
    const delays: number[] = []
    const { clock } = clockUnderTest()
    const setTimeout = (work: () => void, ms: number): Timer => {
      delays.push(ms)
      return clock.setTimeout(work)
    }
    new CallLimit({ ...clock, setTimeout }, 'work', Number.POSITIVE_INFINITY, undefined)[Symbol.dispose]()
    assert.deepEqual(delays, [MAX_DELAY_MS])
  })

  it('tells nobody who has gone, and leaves neither timer nor listener when it is disposed', () => {
    const { clock, due, pass } = clockUnderTest()
    const call = new AbortController()
    const limit = new CallLimit(clock, 'work', 10, call.signal)
    const gone = (): void => assert.fail('told')
    limit.addEventListener('abort', gone)
    limit.removeEventListener('abort', gone)
    limit[Symbol.dispose]()
    assert.equal(due.size, 0)
    pass()
    call.abort()
    assert.equal(limit.aborted, false)
  })
})
