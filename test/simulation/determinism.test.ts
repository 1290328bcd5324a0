// One seed, one run: nothing in the simulator or in the cores depends on anything but the seed.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { runSeed, SimulationFailure, simulate } from '../../src/testing/index.ts'

function traceHash(seed: number, bug?: string): string {
  const hash = createHash('sha256')
  try {
    runSeed({ seed, bug, onTrace: (line) => hash.update(line).update('\n') })
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error
    hash.update(error.message)
  }
  return hash.digest('hex')
}

describe('a run', () => {
  it('has the same trace to the byte when its seed is run again', () => {
    for (const seed of [1, 7, 23]) assert.equal(traceHash(seed), traceHash(seed))
  })

  it('has another trace with another seed', () => {
    assert.notEqual(traceHash(1), traceHash(2))
  })

  it('fails at the same event with the same message when its seed is run again', () => {
    assert.equal(traceHash(2, 'token-reused'), traceHash(2, 'token-reused'))
  })

  it('has the same outcome whether or not somebody reads its trace', () => {
    assert.deepEqual(runSeed({ seed: 5 }), runSeed({ seed: 5, onTrace: () => {} }))
  })
})

describe('simulate', () => {
  it('runs the seeds one after the other and reports each', async () => {
    const seen: (number | undefined)[] = []
    const result = await simulate({ seeds: 3, seed: 10, onProgress: ({ outcome }) => seen.push(outcome?.seed) })
    assert.deepEqual(seen, [10, 11, 12])
    assert.equal(result.done, 3)
    assert.equal(result.failure, undefined)
    assert.ok(result.events > 0)
    assert.ok(result.eventsPerSecond > 0)
  })

  it('stops at the first failure and says how to see it again', async () => {
    const result = await simulate({ seeds: 50, bug: 'disk-drops-vote' })
    assert.ok(result.failure)
    assert.equal(result.done, result.failure.seed)
    assert.match(result.failure.message, /replay: trellis simulate --seed \d+ --bug disk-drops-vote\n/)
    assert.ok(result.failure.trace.length > 0 && result.failure.trace.length <= 120)
    assert.ok(result.events > 0)
  })

  it('stops between two seeds when it is told to', async () => {
    const stop = new AbortController()
    const result = await simulate({ seeds: 1_000, signal: stop.signal, onProgress: () => stop.abort() })
    assert.equal(result.done, 1)
  })

  it('refuses a bug that is none, and numbers out of range', async () => {
    await assert.rejects(simulate({ seeds: 1, bug: 'nonsense' }), RangeError)
    await assert.rejects(simulate({ seeds: 0 }), RangeError)
    await assert.rejects(simulate({ seeds: 1, seed: -1 }), RangeError)
  })
})
