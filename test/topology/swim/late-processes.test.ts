// Members of processes that are late, in a sparse overlay: nobody is called down who is only late, and whoever falls
// silent is found all the same.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runLate } from './late-processes.ts'

const world = { members: 60, processes: 3, durationMs: 120_000, silent: 'm7' }

for (const turnMs of [
  [1, 10],
  [50, 300],
  [200, 600],
  [300, 1_200],
] as const) {
  for (const noticesAbsence of [true, false])
    describe(`sixty members in three processes that turn every ${turnMs.join(' to ')} ms${noticesAbsence ? '' : ', unnoticed'}`, () => {
      const outcomes = [1, 2].map((seed) => runLate({ ...world, seed, turnMs, noticesAbsence }))

      it('hardly ever suspect anybody who is there', () => {
        assert.ok(
          outcomes.every(({ accusations, wrongVerdicts }) => accusations <= 10 && wrongVerdicts <= 2),
          JSON.stringify(outcomes),
        )
      })

      it('all learn of one that falls silent', () => {
        assert.ok(
          outcomes.every(({ detectedMs }) => detectedMs < 30_000),
          JSON.stringify(outcomes),
        )
      })
    })
}
