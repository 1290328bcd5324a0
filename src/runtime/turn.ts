// The one door through which anything enters the cores: timers, messages, calls. Each entrance first asks the away guard,
// and a bug (a broken invariant, an exception nobody expected) stops the node instead of leaving it half alive.

import type { AwayGuard } from './away-guard.ts'

export interface Turn {
  /** Runs `work` as one turn of the node. Nested entrances run inside the outer one. */
  enter(work: () => void): void
}

export function createTurn(guard: AwayGuard, onBug: (error: unknown) => void): Turn {
  return {
    enter(work) {
      try {
        guard.check()
        work()
      } catch (error) {
        onBug(error)
      }
    },
  }
}
