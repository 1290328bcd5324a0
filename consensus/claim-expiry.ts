// When a claim's lease is over: the leader's judgement, made with its own clock and carried out by the log. Only how
// long the leader itself has seen nothing new counts, so no two clocks are compared. Everybody who keeps the log
// watches, so that a new leader goes on from what it has seen itself: else leases would never end where leaders change
// more often. That is as safe: nobody sees a renewal before its holder has sent it, and it is from then that the holder
// counts.

import type { ClaimCommand, ClaimedThing } from './machines/claim-commands.ts'
import type { LogIndex } from './types.ts'

/** What is made of leases at a moment. */
export interface ClaimExpiryOptions {
  /** Clocks of two members run at speeds that differ by less than this part. */
  readonly clockDrift: number
}

interface Seen {
  readonly renewedAt: LogIndex
  /** When this was first seen. */
  readonly at: number
}

type Expiry = Extract<ClaimCommand, { type: 'expire-claim' }>

/** One member's view of leases. */
export class ClaimExpiry {
  readonly #options: ClaimExpiryOptions
  #seen = new Map<LogIndex, Seen>()

  constructor(options: ClaimExpiryOptions) {
    this.#options = options
  }

  /**
   * Takes in how claims are now. What is due, for a leader to propose; what was proposed and not applied yet is due
   * again. A claim is due when its lease, lengthened by the drift, is over since it was first seen as it is: that is
   * after its holder's own clock has ended it.
   */
  look(now: number, things: Iterable<ClaimedThing>): Expiry[] {
    const before = this.#seen
    this.#seen = new Map()
    const due: Expiry[] = []
    for (const { kind, name, claims } of things) {
      for (const { claim, renewedAt, leaseMs } of claims) {
        const known = before.get(claim)
        const seen = known?.renewedAt === renewedAt ? known : { renewedAt, at: now }
        this.#seen.set(claim, seen)
        const isOver = now - seen.at >= leaseMs * (1 + this.#options.clockDrift)
        if (isOver) due.push({ type: 'expire-claim', kind, name, claim, renewedAt })
      }
    }
    return due
  }
}
