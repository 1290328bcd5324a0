// Seeded worlds of HyParView and Plumtree under faults, and every planted bug seen by one of them.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { overlayBugs } from '../../../../../src/testing/simulator/overlay/bugs.ts'
import { OverlayFailure, runOverlayTrial } from '../../../../../src/testing/simulator/overlay/trial.ts'

const SEEDS = 25
/** From here on none of the bugs takes more than a few worlds to be seen. */
const FIRST_OF_BUGS = 44

describe('HyParView and Plumtree under faults', () => {
  it(`keep every property in ${SEEDS} worlds`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) runOverlayTrial({ seed })
  })

  for (const { name } of overlayBugs)
    it(`die of ${name}`, () => {
      assert.throws(
        () => {
          for (let seed = FIRST_OF_BUGS; seed < FIRST_OF_BUGS + SEEDS; seed++) runOverlayTrial({ seed, bug: name })
        },
        (error) => error instanceof OverlayFailure,
      )
    })
})
