import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { onBeat } from '../../../src/runtime/beat.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

describe('intervals on the beat', () => {
  it('of whatever length begin at different times and come together', async () => {
    const turns = new Map<string, number>()
    // Whoever is called in the same turn as another one sees the same number.
    let turn = 0
    const note = (name: string) => () => {
      turns.set(name, turn)
      setImmediate(() => (turn += 1))
    }
    using _first = onBeat(note('first'), 100)
    await waitUntil(() => turns.has('first'))
    const began = performance.now()
    await waitUntil(() => performance.now() - began > 30)
    using _second = onBeat(note('second'), 100)
    using _third = onBeat(note('third'), 200)
    await waitUntil(() => turns.has('third') && new Set(turns.values()).size === 1)
  })

  it('are called as often as they say, and once after a pause', async () => {
    const calls = { often: 0, seldom: 0 }
    using _often = onBeat(() => calls.often++, 100)
    using _seldom = onBeat(() => calls.seldom++, 300)
    await waitUntil(() => calls.seldom === 3)
    assert.ok(calls.often >= 3 && calls.often <= 12, String(calls.often))
    for (const end = performance.now() + 350; performance.now() < end; );
    const before = calls.often
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(calls.often - before <= 1)
  })

  it('begin when they are begun, whatever was missed before', async () => {
    const calls = { before: 0, late: 0 }
    using _before = onBeat(() => calls.before++, 100)
    await waitUntil(() => calls.before > 0)
    for (const end = performance.now() + 600; performance.now() < end; );
    const { before } = calls
    using _late = onBeat(() => calls.late++, 500)
    await waitUntil(() => calls.before > before)
    assert.equal(calls.late, 0)
    await waitUntil(() => calls.late > 0)
  })

  it('may be begun anew when they are due, and come with a later beat', async () => {
    let beats = 0
    const seen: number[] = []
    using _counting = onBeat(() => setImmediate(() => (beats += 1)), 100)
    const again = (): void => {
      renewed[Symbol.dispose]()
      seen.push(beats)
      if (seen.length < 100) renewed = onBeat(again, 100)
    }
    let renewed = onBeat(again, 100)
    await waitUntil(() => seen.length > 2)
    renewed[Symbol.dispose]()
    assert.equal(new Set(seen).size, seen.length)
  })

  it('go on when one of them fails, with nothing current of where they were begun', async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks')
    const current = new AsyncLocalStorage<string>()
    const seen = new Set<string | undefined>()
    const failures: unknown[] = []
    const fail = (error: unknown): void => void failures.push(error)
    const [listener] = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', fail)
    try {
      using _failing = onBeat(() => {
        throw new Error('one fails')
      }, 100)
      using _other = current.run('other', () => onBeat(() => seen.add(current.getStore()), 100))
      await waitUntil(() => seen.size > 0 && failures.length > 0)
      assert.deepEqual([...seen], [undefined])
    } finally {
      process.off('uncaughtException', fail)
      if (listener) process.on('uncaughtException', listener)
    }
  })

  it('keep the process alive only if they shall, and stop when they are disposed', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const before = timers()
    const held = onBeat(() => {}, 100)
    const other = onBeat(() => {}, 100)
    other.unref()
    assert.equal(timers(), before + 1)
    held[Symbol.dispose]()
    assert.equal(timers(), before)
    other[Symbol.dispose]()
    other[Symbol.dispose]()
    let calls = 0
    onBeat(() => calls++, 100)[Symbol.dispose]()
    const began = performance.now()
    await waitUntil(() => performance.now() - began > 250)
    assert.equal(calls, 0)
  })
})
