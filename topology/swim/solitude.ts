// A member to whom no link is up at all. It hears nothing of anybody, and nobody hears it: whom it asks no longer tells
// the living from the dead, and probes of those that are no neighbors, one after the other and stretched by its own bad
// health, would take minutes. Links come up again soon unless it is cut off or all others are gone, so after a while it
// accuses everybody. Nobody hears of that either; once a link is up, those that live refute it.

import { accuse } from './belief.ts'
import { isPresent } from './order.ts'
import type { SwimState } from './state.ts'

const TIMER = 'alone'

/** So many probe intervals without a link. A guess: five calls that took their two seconds. */
const PERIODS = 20

/** A link has gone. */
export function lostLink(state: SwimState, now: number): void {
  if (state.linked.size === 0 && !state.timers.isSet(TIMER)) startAnew(state, now)
}

/** A link is up. */
export function gainedLink(state: SwimState): void {
  state.timers.clear(TIMER)
}

/** This member did not run for `ms`. After a long absence links had no time to come up again. */
export function wasAwayAlone(state: SwimState, ms: number, isLong: boolean, now: number): void {
  if (!state.timers.isSet(TIMER)) return
  if (isLong) startAnew(state, now)
  else state.timers.postpone(TIMER, ms)
}

/** It has been alone for so long. */
export function accuseAll(state: SwimState, now: number): void {
  for (const record of [...state.table.all()]) {
    const { id, incarnation } = record
    if (id !== state.id && isPresent(record))
      accuse(state, { type: 'accusation', member: id, incarnation, by: state.id, kind: 'silent' }, state.id, now)
  }
}

function startAnew(state: SwimState, now: number): void {
  state.timers.set(TIMER, now + state.options.probeIntervalMs * PERIODS)
}
