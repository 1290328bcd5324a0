// Five hundred worlds, each drawn from one seed, in which every property must hold at every event; and every seed that
// ever broke one. A failure prints the command that replays it; its seed belongs into `seeds.json`.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, it } from 'node:test'
import { runSeed, simulate } from '../../src/testing/index.ts'

const SEEDS = 500

interface KnownSeed {
  readonly seed: number
  /** The property that it broke, and why. */
  readonly found: string
}

const known = JSON.parse(readFileSync(resolve(import.meta.dirname, 'seeds.json'), 'utf8')) as readonly KnownSeed[]

describe('the swarm', () => {
  it(`keeps every property in ${SEEDS} worlds`, async (test) => {
    let elections = 0
    let acknowledged = 0
    let faults = 0
    let reads = 0
    let reconfigurations = 0
    let restores = 0
    let answered = 0
    let unanswered = 0
    let grants = 0
    let passes = 0
    const result = await simulate({
      seeds: SEEDS,
      onProgress: ({ outcome }) => {
        elections += outcome?.elections ?? 0
        acknowledged += outcome?.acknowledged ?? 0
        faults += outcome?.faults ?? 0
        reads += outcome?.reads ?? 0
        reconfigurations += outcome?.reconfigurations ?? 0
        restores += outcome?.restores ?? 0
        answered += outcome?.answered ?? 0
        unanswered += outcome?.unanswered ?? 0
        grants += outcome?.grants ?? 0
        passes += outcome?.passes ?? 0
      },
    })
    assert.equal(result.failure?.message, undefined)
    assert.equal(result.done, SEEDS)
    // A swarm in which nothing happens would be clean too.
    assert.ok(elections > 5 * SEEDS, `${elections} elections`)
    assert.ok(acknowledged > 50 * SEEDS, `${acknowledged} acknowledged commands`)
    assert.ok(faults > 10 * SEEDS, `${faults} faults`)
    assert.ok(reads > 20 * SEEDS, `${reads} reads`)
    assert.ok(reconfigurations > 2 * SEEDS, `${reconfigurations} changes of voters`)
    assert.ok(restores > 2 * SEEDS, `${restores} snapshots taken up`)
    // Histories of users are checked in each run; and when its faults are over each user is served in everything.
    assert.ok(answered > 40 * SEEDS, `${answered} operations of users answered for certain`)
    assert.ok(unanswered > SEEDS, `${unanswered} of which nobody knows`)
    assert.ok(grants > 5 * SEEDS, `${grants} leases held`)
    assert.ok(passes > 0.5 * SEEDS, `${passes} barriers passed`)
    test.diagnostic(`${result.events} events, ${result.eventsPerSecond} events/s, ${elections} elections`)
    test.diagnostic(`${acknowledged} acknowledged commands, ${reads} reads, ${faults} faults`)
    test.diagnostic(
      `${answered} operations of users answered, ${unanswered} not; ${grants} leases held, ${passes} barriers passed`,
    )
    test.diagnostic(`${reconfigurations} changes of voters, ${restores} snapshots taken up`)
  })

  for (const { seed, found } of known) {
    it(`stays clean at seed ${seed}, which once broke ${found}`, () => {
      const outcome = runSeed({ seed })
      assert.ok(outcome.events > 0)
    })
  }
})
