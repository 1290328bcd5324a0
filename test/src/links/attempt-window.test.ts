import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Attempt, AttemptWindow } from '../../../src/links/attempt-window.ts'

/** Begins as many as there is room for. */
function fill(window: AttemptWindow, now: number): Attempt[] {
  const begun: Attempt[] = []
  while (window.hasRoom) begun.push(window.begin(now))
  return begun
}

describe('the window of attempts', () => {
  it('has two places at first, and one more for each that was quick, up to 32', () => {
    const window = new AttemptWindow()
    const sizes: number[] = []
    for (let now = 0; now < 60; now += 10) {
      const round = fill(window, now)
      sizes.push(round.length)
      for (const attempt of round) window.end(attempt, now + 10, true)
    }
    assert.deepEqual(sizes, [2, 4, 8, 16, 32, 32])
  })

  it('has half of the places when attempts are slow, once for all that were begun before, and never none', () => {
    const window = new AttemptWindow()
    for (let now = 0; now < 30; now += 10) for (const attempt of fill(window, now)) window.end(attempt, now, true)
    const sizes: number[] = []
    for (let now = 100; now < 3_000; now += 500) {
      const round = fill(window, now)
      sizes.push(round.length)
      for (const attempt of round) window.slow(attempt, now + 500)
    }
    assert.deepEqual(sizes, [16, 8, 4, 2, 1, 1])
  })

  it('gives the place of a slow one to another, and bounds all that are under way', () => {
    const window = new AttemptWindow()
    let now = 0
    for (let round = 0; round < 100; round++, now += 500)
      for (const attempt of fill(window, now)) window.slow(attempt, now)
    assert.equal(window.hasRoom, false)
  })

  it('gives no place of a slow one away when one was slow to its end, whatever came of it, until one is quick', () => {
    for (const isLinked of [true, false]) {
      const window = new AttemptWindow()
      const [one, other] = fill(window, 0) as [Attempt, Attempt]
      window.slow(one, 500)
      assert.equal(window.hasRoom, false)
      window.slow(other, 500)
      assert.equal(window.hasRoom, true)
      window.end(one, 1_000, isLinked)
      assert.equal(window.hasRoom, false)
      window.end(other, 1_000, isLinked)
      assert.equal(fill(window, 1_000).length, 1)
    }
  })

  it('learns nothing from those that led to no link: they were refused, or not needed', () => {
    const window = new AttemptWindow()
    for (let round = 0; round < 100; round++)
      for (const attempt of fill(window, round)) window.end(attempt, round, false)
    assert.equal(fill(window, 200).length, 2)
  })

  it('takes a long way for no sign of haste: slow is what takes twice as long as the quickest', () => {
    const window = new AttemptWindow()
    assert.equal(window.slowAfterMs, 500)
    window.end(window.begin(0), 20, true)
    assert.equal(window.slowAfterMs, 500)
    const far = new AttemptWindow()
    far.end(far.begin(0), 600, true)
    assert.equal(far.slowAfterMs, 1_200)
    const furthest = new AttemptWindow()
    furthest.end(furthest.begin(0), 1_900, true)
    assert.equal(furthest.slowAfterMs, 1_500)
  })
})
