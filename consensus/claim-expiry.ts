// When a claim's lease is over: the leader's judgement, made with its own clock and carried out by the log. Only how long the leader itself has seen
// nothing new counts, so no two clocks are compared. A new leader, and one that was away, begins to count anew: leases get longer by that, never shorter.

import type { ClaimCommand, ClaimedThing } from './machines/claim-commands.ts'
import type { LogIndex, Term } from './types.ts'

/** What the leader makes of leases at a moment. */
export interface ClaimExpiryOptions {
  /** Clocks of two members run at speeds that differ by less than this part. */
  readonly clockDrift: number
  /** Two looks further apart mean that the leader was away. */
  readonly awayMs: number
}

interface Seen {
  readonly renewedAt: LogIndex
  /** When this was first seen. */
  readonly at: number
}

type Expiry = Extract<ClaimCommand, { type: 'expire-claim' }>

/** The leader's view of leases. */
export class ClaimExpiry {
  readonly #options: ClaimExpiryOptions
  #seen = new Map<LogIndex, Seen>()
  #term: Term = 0
  #lookedAt = 0

  constructor(options: ClaimExpiryOptions) {
    this.#options = options
  }

  /**
   * What to propose now. Asked of the leader of `term` every now and then; what was proposed and not applied yet is proposed again. A claim is
   * due when its lease, lengthened by the drift, is over since it was first seen as it is: that is after its holder's own clock has ended it.
   */
  due(now: number, term: Term, things: Iterable<ClaimedThing>): Expiry[] {
    const wasAway = now - this.#lookedAt > this.#options.awayMs
    const before = wasAway || term !== this.#term ? new Map<LogIndex, Seen>() : this.#seen
    this.#term = term
    this.#lookedAt = now
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
