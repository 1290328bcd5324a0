// How the suites wait: for a condition, with a deadline, never for a duration.

import assert from 'node:assert/strict'

/** Long, for it proves nothing: a condition that holds is seen at once, on a busy machine too. */
export const DEADLINE_MS = 30_000
const POLL_MS = 2

/** Resolves once `condition` holds; fails with its text when it still does not at the deadline. */
export async function waitUntil(condition: () => boolean, deadlineMs: number = DEADLINE_MS): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!condition()) {
    assert.ok(performance.now() < deadline, `still not: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** Lets everything that is ready happen, `count` times over: what has not happened then was not about to. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
