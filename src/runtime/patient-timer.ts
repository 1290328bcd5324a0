// How long to wait for somebody else, on a machine that may be busy itself. A timer alone would count the time for which this process did not
// come to read the answer. Counted in pieces, each begun when the one before was noticed, a process that is late gives others as much more
// time in each; one that is not is hardly later.

import type { Time, Timer } from './clock.ts'

const PIECES = 8

/** Calls `work` once `ms` milliseconds are over, in which this process listened all the time. */
export function patientTimer(clock: Time, work: () => void, ms: number): Timer {
  let isReferenced = true
  let timer: Timer
  const wait = (left: number): void => {
    timer = clock.setTimeout(() => (left === 1 ? work() : wait(left - 1)), ms / PIECES)
    if (!isReferenced) timer.unref()
  }
  wait(PIECES)
  return {
    unref: () => {
      isReferenced = false
      timer.unref()
    },
    [Symbol.dispose]: () => timer[Symbol.dispose](),
  }
}
