import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PRIORITIES, Scheduler, type Work } from '../../../src/channels/scheduler.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

function setUp() {
  const scheduler = new Scheduler({ enter: (work) => work() }, systemClock)
  const done: string[] = []
  /** Takes more than a turn's budget by itself, so that each piece ends a turn. */
  const piece = (name: string): void => {
    const until = performance.now() + 0.3
    while (performance.now() < until);
    done.push(name)
  }
  const work = (name: keyof typeof PRIORITIES, pieces: number): Work => {
    let left = pieces
    return {
      priority: PRIORITIES[name],
      isScheduled: false,
      run: () => {
        piece(name)
        left -= 1
        return left > 0
      },
    }
  }
  return { scheduler, done, work }
}

describe('the scheduler', () => {
  it('runs at once what comes when nothing waits', () => {
    const { scheduler, done, work } = setUp()
    scheduler.schedule(work('data', 1))
    assert.deepEqual(done, ['data'])
  })

  it('keeps the rest for turns in which the loop has looked at everything else first', async () => {
    const { scheduler, done, work } = setUp()
    let turns = 0
    const count = (): void => {
      turns += 1
      if (done.length < 5) setImmediate(count)
    }
    setImmediate(count)
    scheduler.schedule(work('data', 5))
    assert.equal(done.length, 1)
    await waitUntil(() => done.length === 5)
    assert.ok(turns >= 4, `${turns}`)
  })

  it('does first things first', async () => {
    const { scheduler, done, work } = setUp()
    scheduler.schedule(work('data', 1))
    for (const name of ['gossip', 'data', 'events'] as const) scheduler.schedule(work(name, 3))
    await waitUntil(() => done.length === 10)
    assert.deepEqual(done.slice(1), [...Array(3).fill('events'), ...Array(3).fill('data'), ...Array(3).fill('gossip')])
  })

  it('schedules no work twice at a time', async () => {
    const { scheduler, done, work } = setUp()
    scheduler.schedule(work('events', 1))
    const twice = work('data', 1)
    scheduler.schedule(twice)
    scheduler.schedule(twice)
    await waitUntil(() => done.length === 2)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(done, ['events', 'data'])
  })
})
