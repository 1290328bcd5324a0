import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemClock } from '../../src/runtime/clock.ts'
import { beginWait, endsWithin, pause, waitFor } from '../../src/wait.ts'

describe('the beginning of a call that waits', () => {
  it('refuses what is no signal and no time, all at once', () => {
    const signal = 5 as unknown as AbortSignal
    assert.throws(() => beginWait('x', { signal, timeoutMs: -1 }), {
      code: 'ERR_BAD_OPTIONS',
      details: {
        problems: ['signal must be an AbortSignal', 'timeoutMs (-1) must be a number above 0'],
      },
    })
    for (const timeoutMs of [0, Number.NaN, '5' as unknown as number, null as unknown as number]) {
      assert.throws(() => beginWait('x', { timeoutMs }), { code: 'ERR_BAD_OPTIONS' })
    }
  })

  it('is the end with a signal that has aborted', () => {
    assert.throws(() => beginWait('x', { signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
  })

  it('lets everything else pass', () => {
    for (const options of [{}, { timeoutMs: 1 }, { timeoutMs: Number.POSITIVE_INFINITY }, { signal: undefined }]) {
      assert.equal(beginWait('x', options), options)
    }
  })
})

describe('a wait for a condition', () => {
  it('is over when the condition holds, at once if it does', async () => {
    await waitFor('x', () => true, { clock: systemClock, timeoutMs: 0 })
    let looks = 0
    await waitFor('x', () => ++looks === 3, { clock: systemClock, timeoutMs: 10_000 })
    assert.equal(looks, 3)
  })

  it('ends with ERR_TIMEOUT, by name and time', async () => {
    await assert.rejects(
      waitFor('node.x', () => false, { clock: systemClock, timeoutMs: 15 }),
      {
        code: 'ERR_TIMEOUT',
        details: { operation: 'node.x', timeoutMs: 15 },
      },
    )
  })

  it('ends with ERR_ABORTED, before or meanwhile', async () => {
    const options = { clock: systemClock, signal: AbortSignal.abort(), timeoutMs: 10_000 }
    await assert.rejects(
      waitFor('x', () => false, options),
      { code: 'ERR_ABORTED' },
    )
    const abort = new AbortController()
    const waiting = waitFor('x', () => false, {
      clock: systemClock,
      signal: abort.signal,
      timeoutMs: Number.POSITIVE_INFINITY,
    })
    abort.abort()
    await assert.rejects(waiting, { code: 'ERR_ABORTED' })
  })

  it('ends with what the condition throws', async () => {
    const failing = () => {
      throw new RangeError('no')
    }
    await assert.rejects(waitFor('x', failing, { clock: systemClock, timeoutMs: 10_000 }), RangeError)
  })
})

describe('a pause', () => {
  it('ends with its signal, aborted before or meanwhile', async () => {
    const began = performance.now()
    await pause(systemClock, 60_000, AbortSignal.abort())
    const abort = new AbortController()
    setImmediate(() => abort.abort())
    await pause(systemClock, 60_000, abort.signal)
    assert.ok(performance.now() - began < 10_000)
  })

  it('ends after its time', async () => {
    const began = performance.now()
    await pause(systemClock, 20)
    assert.ok(performance.now() - began >= 18)
  })
})

describe('a bounded wait for what ends by itself', () => {
  it('says whether it ended in time, whatever its outcome', async () => {
    const never = new Promise(() => {})
    for (const work of [Promise.resolve(), Promise.reject(new Error('failed')), pause(systemClock, 5)])
      assert.equal(await endsWithin(systemClock, 10_000, work), true)
    assert.equal(await endsWithin(systemClock, 5, never), false)
    assert.equal(await endsWithin(systemClock, 10_000, never, AbortSignal.abort()), false)
  })
})
