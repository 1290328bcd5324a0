// A member that is only slow for a while is not taken for down, and one that is silent for good soon is.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runStalls } from '../../src/testing/simulator/stalled-members.ts'
import { resolveSwimOptions } from '../../topology/index.ts'

const scenario = {
  members: 10,
  stalling: 0.2,
  pauseMs: 5_000,
  durationMs: 60_000,
  noticesAbsence: true,
  hasWorkers: false,
}
const seeds = [1, 2, 3, 4, 5, 6]

describe('members that stand still for a while', () => {
  it('are never called down for less than two seconds, with the default options', () => {
    for (const seed of seeds) {
      const outcome = runStalls({ ...scenario, seed, options: resolveSwimOptions(), stallMs: [500, 2_000] })
      assert.ok(outcome.stalls > 0)
      assert.equal(outcome.falseVerdicts, 0, `seed ${seed}`)
    }
  })

  it('are never called down when their workers answer, however long they stand still', () => {
    for (const seed of seeds) {
      const blocked = { ...scenario, seed, hasWorkers: true, stallMs: [3_000, 20_000] as const }
      assert.equal(runStalls({ ...blocked, options: resolveSwimOptions() }).falseVerdicts, 0, `seed ${seed}`)
      const { falseVerdicts } = runStalls({ ...blocked, options: resolveSwimOptions({ keepStalledMs: 0 }) })
      assert.ok(falseVerdicts > 0, `seed ${seed}`)
    }
  })

  it('lose their place when they stand still for longer than they may', () => {
    const options = resolveSwimOptions({ keepStalledMs: 4_000 })
    const blocked = { ...scenario, hasWorkers: true, stallMs: [20_000, 20_000] as const }
    for (const seed of seeds) assert.ok(runStalls({ ...blocked, seed, options }).falseVerdicts > 0, `seed ${seed}`)
  })

  it('are called down when suspicions are too short for them', () => {
    const options = resolveSwimOptions({ suspicionMultiplier: 1, maxSuspicionMultiplier: 1 })
    const wrong = seeds.map((seed) => runStalls({ ...scenario, seed, options, stallMs: [500, 2_000] }).falseVerdicts)
    assert.ok(wrong.every((count) => count > 0))
  })
})

describe('a member that falls silent for good', () => {
  it('is down everywhere within three seconds in most cases, with the default options', () => {
    const silent = { ...scenario, stalling: 0, stallMs: [0, 0] as const, options: resolveSwimOptions() }
    const times = seeds.map((seed) => runStalls({ ...silent, seed }).detectedMs ?? Number.POSITIVE_INFINITY)
    assert.ok(times.filter((ms) => ms <= 3_000).length > seeds.length / 2, times.join(', '))
  })

  it('is so among a hundred, of which a fifth stands still, and nobody else is', () => {
    const crowd = { ...scenario, members: 100, durationMs: 5_000, hasWorkers: true, stallMs: [1_000, 3_000] as const }
    const outcomes = seeds.slice(0, 3).map((seed) => runStalls({ ...crowd, seed, options: resolveSwimOptions() }))
    const times = outcomes.map(({ detectedMs }) => detectedMs ?? Number.POSITIVE_INFINITY)
    assert.ok(times.filter((ms) => ms <= 3_000).length > 1, times.join(', '))
    assert.ok(outcomes.every(({ falseVerdicts }) => falseVerdicts === 0))
  })
})

describe('a process that ends', () => {
  it('is down everywhere within three seconds, and nobody else is, while a fifth of the members stands still', () => {
    const crash = { ...scenario, members: 30, durationMs: 10_000, hasWorkers: true, stallMs: [1_000, 3_000] as const }
    for (const seed of seeds.slice(0, 3)) {
      const outcome = runStalls({ ...crash, seed, options: resolveSwimOptions(), isCrash: true })
      assert.ok((outcome.detectedMs ?? Number.POSITIVE_INFINITY) <= 3_000, `seed ${seed}: ${outcome.detectedMs}`)
      assert.equal(outcome.falseVerdicts, 0, `seed ${seed}`)
    }
  })
})
