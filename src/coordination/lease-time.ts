// How a holder knows by itself that its lease may be over. The leader ends a lease not before `leaseMs × 1.05` after it
// saw the last renewal; the holder counts from when it *sent* that renewal, and stops a margin earlier. So with clocks
// whose speeds differ by less than 5 % the holder's signal has aborted before anybody else holds.
//
//   holder    sent ├──────────────── leaseMs − margin ────────┤ signal aborts
//   leader         · applied ├────────────────── leaseMs × 1.05 ──────────────────┤ expires at the earliest

import type { Clock } from '../runtime/clock.ts'

/** The speeds of two clocks differ by less than this part. */
export const CLOCK_DRIFT = 0.05
/** What a holder gets to stop in, at most: a fifth of a short lease. */
const STOP_MS = 200
/**
 * A boot clock that ran ahead by more shows that the machine was suspended: twice its resolution, or, where it counts
 * seconds, one.
 */
const SUSPENDED_MS = 20
const COARSE_MS = 1_000

/**
 * How long before its lease could be over a holder stops: 5 % of the lease for the clocks, and up to 200 ms to stop in.
 */
export function leaseMarginMs(leaseMs: number): number {
  return leaseMs * CLOCK_DRIFT + Math.min(STOP_MS, leaseMs / 5)
}

/** A moment, by two clocks: the monotonic one stands still while the machine is suspended. */
export interface Moment {
  readonly now: number
  readonly boot: number
}

export function momentOf(clock: Clock): Moment {
  return { now: clock.now(), boot: clock.boot() }
}

/** Milliseconds since then, those of a suspension included. */
export function elapsedSince(moment: Moment, clock: Clock): number {
  const boot = clock.boot()
  const ran = clock.now() - moment.now
  const ahead = boot - moment.boot - ran
  const isCoarse = boot % COARSE_MS === 0
  return ahead > (isCoarse ? COARSE_MS : SUSPENDED_MS) ? ran + ahead : ran
}
