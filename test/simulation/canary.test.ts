// Is the simulator blind? Every planted bug must be seen, by a property that it breaks, within a bounded number of
// worlds; and the same worlds without it must be clean, so that it was the bug that was seen. A third of the bugs is
// planted in each run, by the commit's hash; `npm run test:all` plants them all.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runSeed, SimulationFailure } from '../../src/testing/index.ts'
import { bugNamed, bugNames } from '../../src/testing/simulator/bugs.ts'
import type { Focus } from '../../src/testing/simulator/scenario.ts'
import { inTurn, isWhole } from '../multinode/story/turn.ts'

/** Worlds that are tried for one bug. The slowest so far needed some two hundred, counted from the first. */
const MAX_SEEDS = 1_000

/**
 * Worlds at which the search begins for bugs that few of them show: shortly before one that did, when this was written.
 */
const begins: Readonly<Record<string, number>> = {
  'fence-forgotten': 113,
  'lease-from-answer': 30,
  'old-snapshot-taken-up': 97,
  'old-term-committed-by-count': 257,
  'predecessor-guessed': 30,
  'previous-term-unchecked': 15,
  'removed-leader-stays': 52,
  'set-released-alone': 43,
  'stale-vote-counted': 60,
}

/** Of the worlds in which the bug was not seen yet, how many of the last are also run without it. */
const CONTROLS = 3

const planted = isWhole ? bugNames : inTurn(bugNames, 3)

describe('the canary', () => {
  it('knows at least forty bugs', () => {
    assert.ok(bugNames.length >= 40, `${bugNames.length} bugs`)
    assert.equal(new Set(bugNames).size, bugNames.length)
  })

  for (const name of planted) {
    it(`dies of ${name}`, (test) => {
      const bug = bugNamed(name)
      assert.ok(bug)
      const failure = firstFailure(name)
      assert.ok(failure, `${name} was not seen in ${MAX_SEEDS} worlds`)
      test.diagnostic(`seed ${failure.seed}: ${failure.property}: ${failure.violation.split('\n')[0]}`)
      assert.ok(bug.noticedBy.includes(failure.property), `${name} was noticed by ${failure.property}`)
      assert.equal(failure.replay, `trellis simulate --seed ${failure.seed} --bug ${name}`)
      for (let seed = Math.max(1, failure.seed - CONTROLS + 1); seed <= failure.seed; seed++) {
        runCleanly(seed, bug.focus)
      }
    })
  }
})

/** Worlds without a bug that were run already: many bugs are seen in the first ones. */
const clean = new Set<string>()

function runCleanly(seed: number, focus: Focus | undefined): void {
  if (clean.has(`${seed} ${focus}`)) return
  runSeed({ seed, focus })
  clean.add(`${seed} ${focus}`)
}

function firstFailure(bug: string): SimulationFailure | undefined {
  const first = begins[bug] ?? 1
  for (let seed = first; seed < first + MAX_SEEDS; seed++) {
    try {
      runSeed({ seed, bug })
    } catch (error) {
      if (error instanceof SimulationFailure) return error
      throw error
    }
  }
  return undefined
}
