import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DelayReports, watchLoopDelay } from '../../../src/runtime/loop-delay.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

describe('the delay of the event loop', () => {
  it('shows how long the loop was blocked, and nothing is reported once disposed', async () => {
    const reports: number[] = []
    const watch = watchLoopDelay((ms) => reports.push(ms))
    let spun = 0
    await waitUntil(() => {
      // Blocks this process's own loop, again and again.
      if (spun++ % 20 === 0) for (const end = performance.now() + 150; performance.now() < end; );
      return reports.some((ms) => ms > 60)
    })
    assert.ok(
      reports.every((ms) => ms >= 0 && ms < 2_000),
      String(reports),
    )
    watch[Symbol.dispose]()
    const before = reports.length
    const began = performance.now()
    await waitUntil(() => performance.now() - began > 1_100)
    assert.equal(reports.length, before)
  })

  it('is reported as soon as it grows, and once a second of time when it does not, however late the beats come', () => {
    const reports: [number, number][] = []
    let at = 0
    const delays = new DelayReports(0, (ms) => reports.push([at, ms]))
    const beat = (late: number): void => {
      at += 100 + late
      delays.note(late, at)
    }
    for (const late of [0, 400, 300, 1_700, 0, 200, 900]) beat(late)
    assert.deepEqual(reports, [
      [600, 400],
      [2_800, 1_700],
      [4_200, 900],
    ])
    for (let beats = 0; beats < 10; beats++) beat(0)
    assert.deepEqual(reports.at(-1), [5_200, 0])
  })

  it('keeps no process alive', () => {
    const before = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length
    const watch = watchLoopDelay(() => {})
    assert.equal(process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length, before)
    watch[Symbol.dispose]()
  })
})
