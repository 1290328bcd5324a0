import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CallEdges, MAX_EDGES } from '../../../src/services/call-edges.ts'
import { FailureShare } from '../../../src/services/outliers.ts'

const after = (outcomes: readonly boolean[]): FailureShare => {
  const share = new FailureShare()
  for (const hasFailed of outcomes) share.ended(hasFailed)
  return share
}

describe('outliers', () => {
  const good = Array.from({ length: 50 }, () => false)
  const bad = Array.from({ length: 50 }, () => true)

  it('are left out for a while, and tried again', () => {
    const outlier = after(bad)
    outlier.judge([after(good), after(good)], 1_000)
    assert.equal(outlier.isEjected(1_001), true)
    assert.equal(outlier.isEjected(11_001), false)
    outlier.judge([after(good), after(good)], 12_000)
    assert.equal(outlier.isEjected(12_001), false, 'it begins anew')
  })

  it('are none where all of them fail, nor after a few calls, nor when it is the only one', () => {
    for (const [one, others] of [
      [after(bad), [after(bad), after(bad)]],
      [after(bad.slice(0, 10)), [after(good), after(good)]],
      [after(bad), []],
    ] as const) {
      one.judge(others, 1_000)
      assert.equal(one.isEjected(1_001), false)
    }
  })

  it('are a third of the instances at most, but one may always be', () => {
    const all = [after(bad), after(bad), ...Array.from({ length: 3 }, () => after(good))]
    for (const one of all)
      one.judge(
        all.filter((other) => other !== one),
        1_000,
      )
    assert.equal(all.filter((one) => one.isEjected(1_001)).length, 1)
    const two = [after(bad), after(good)]
    two[0]?.judge([two[1]!], 1_000)
    assert.equal(two[0]?.isEjected(1_001), true)
  })
})

describe('edges of calls', () => {
  it('are bounded: the one that was used longest ago goes first', () => {
    const edges = new CallEdges()
    for (let at = 0; at <= MAX_EDGES; at++) edges.note('', `s${at}`, false, 1, at)
    const seen = edges.view('a', MAX_EDGES).map(({ to }) => to)
    assert.equal(seen.length, MAX_EDGES)
    assert.ok(!seen.includes('s0'))
  })

  it('tell the rate of the last calls, and nothing of what was long ago', () => {
    const edges = new CallEdges()
    for (let at = 0; at < 60_000; at += 10) edges.note('a', 'b', at % 100 === 0, 2, at)
    const [edge] = edges.view('m', 60_000)
    assert.ok(edge && Math.abs(edge.rate - 100) < 5, String(edge?.rate))
    assert.ok(Math.abs(edge.latencyMs - 2) < 0.01 && edge.errors === 600)
    assert.deepEqual(edges.view('m', 60_000 + 300_001), [])
  })
})
