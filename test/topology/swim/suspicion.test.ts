import { strict as assert } from 'node:assert'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { swimRules } from '../../../topology/index.ts'
import { LocalHealth } from '../../../topology/swim/local-health.ts'
import { resolveSwimOptions } from '../../../topology/swim/options.ts'

const lan = { minMs: 4_000, maxMs: 24_000, expected: 2 }

describe('the length of a suspicion (Lifeguard section 4.2)', () => {
  it('is the longest while one accuser stands alone', () => {
    assert.equal(swimRules.suspicionMs({ ...lan, confirmations: 0 }), 24_000)
  })

  it('shrinks logarithmically with each confirmation', () => {
    assert.equal(Math.round(swimRules.suspicionMs({ ...lan, confirmations: 1 })), 11_381)
  })

  it('is the shortest when all expected confirmations have come, and never shorter', () => {
    assert.equal(swimRules.suspicionMs({ ...lan, confirmations: 2 }), 4_000)
    assert.equal(swimRules.suspicionMs({ ...lan, confirmations: 9 }), 4_000)
  })

  it('is the shortest when the cluster is too small for confirmations', () => {
    assert.equal(swimRules.suspicionMs({ ...lan, confirmations: 0, expected: 0 }), 4_000)
  })

  it('never grows with confirmations and never leaves its bounds', () => {
    const shapes = fc.record({
      minMs: fc.integer({ min: 1, max: 1_000 }),
      extra: fc.integer({ min: 0, max: 10_000 }),
      expected: fc.integer({ min: 0, max: 10 }),
      confirmations: fc.integer({ min: 0, max: 20 }),
    })
    fc.assert(
      fc.property(shapes, ({ minMs, extra, expected, confirmations }) => {
        const shape = { minMs, maxMs: minMs + extra, expected }
        const now = swimRules.suspicionMs({ ...shape, confirmations })
        assert.ok(now >= minMs && now <= minMs + extra)
        assert.ok(swimRules.suspicionMs({ ...shape, confirmations: confirmations + 1 }) <= now)
      }),
    )
  })
})

describe('refusing ports (design rule 13)', () => {
  const isEnough = (accusers: number, aliveOthers: number, size: number) =>
    swimRules.refusedIsEnough({ accusers, aliveOthers, size }, 3)

  it('are a verdict when three distinct observers agree', () => {
    assert.equal(isEnough(2, 4, 5), false)
    assert.equal(isEnough(3, 4, 5), true)
  })

  it('are a verdict when all others agree, where there are fewer', () => {
    assert.equal(isEnough(1, 2, 3), false)
    assert.equal(isEnough(2, 2, 3), true)
  })

  it('are never a verdict on the word of one alone', () => {
    assert.equal(isEnough(1, 1, 5), false)
  })

  it('are never a verdict in a cluster of two', () => {
    assert.equal(isEnough(2, 1, 2), false)
  })
})

describe('local health (Lifeguard section 4.1)', () => {
  const options = resolveSwimOptions({ localHealthMax: 3, probeIntervalMs: 1_000, probeTimeoutMs: 500 })

  it('stretches the own probe times with each sign of own trouble, up to a bound, and back', () => {
    const health = new LocalHealth(options)
    const times = [1, 1, 1, 1, -1, -1, -1, -1].map((by) => {
      health.change(by)
      return health.probeTimeoutMs()
    })
    assert.deepEqual(times, [1_000, 1_500, 2_000, 2_000, 1_500, 1_000, 500, 500])
  })

  it('adds the measured delay of the event loop, up to a bound', () => {
    const health = new LocalHealth(options)
    health.measured(300)
    assert.deepEqual([health.probeTimeoutMs(), health.probeIntervalMs()], [800, 1_600])
    health.measured(1e9)
    assert.equal(health.probeTimeoutMs(), 500 + options.maxLoopDelayMs)
    for (const nonsense of [Number.NaN, -5]) {
      health.measured(nonsense)
      assert.equal(health.probeTimeoutMs(), 500)
    }
  })
})
