// Whose turn it is: of a matrix that is too long for every run, each commit takes a slice, by its hash.

import { spawnSync } from 'node:child_process'

/** `npm run test:all` and TRELLIS_REQUIRE_ALL=1 take all there is. */
export const isWhole = process.env.TRELLIS_ALL_STORIES === '1' || process.env.TRELLIS_REQUIRE_ALL === '1'

/** Every `step`th of `cases`, from the one on that the hash of the commit says. */
export function inTurn<Case>(cases: readonly Case[], step: number, commit = head()): Case[] {
  const first = (Number.parseInt(commit.slice(0, 8), 16) || 0) % step
  return cases.filter((_, at) => at % step === first)
}

/** The commit that is checked out; nothing where there is none. */
function head(): string {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' })
  return stdout ?? ''
}
