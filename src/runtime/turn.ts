// The one door through which anything enters the cores: timers, messages, calls. Each entrance first asks the away
// guard, and a bug (a broken invariant, an exception nobody expected) stops the node instead of leaving it half alive.

import type { AwayGuard } from './away-guard.ts'
import type { Time } from './clock.ts'

export interface Turn {
  /** Runs `work` as one turn of the node. Nested entrances run inside the outer one, which has asked the guard. */
  enter(work: () => void): void
}

/** `clock` hears when one is over. */
export function createTurn(guard: AwayGuard, onBug: (error: unknown) => void, clock?: Pick<Time, 'turned'>): Turn {
  let depth = 0
  return {
    enter(work) {
      depth += 1
      try {
        if (depth === 1) guard.check()
        work()
      } catch (error) {
        onBug(error)
      } finally {
        depth -= 1
        if (depth === 0) clock?.turned?.()
      }
    },
  }
}

/** Enters once the present turn, and what its end begins, are over. */
export function behindNextTurn(
  { clock, turn }: { readonly clock: Pick<Time, 'setImmediate'>; readonly turn: Pick<Turn, 'enter'> },
  work: () => void,
): void {
  clock.setImmediate(() => clock.setImmediate(() => turn.enter(work)))
}
