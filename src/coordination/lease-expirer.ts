// The watch over leases, at everybody who keeps the log. The leader looks at all claims a few times a second and
// proposes to end those that nobody has renewed in time; whether they are ended the log decides. See
// `consensus/claim-expiry.ts`.

import { ClaimExpiry } from '../../consensus/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Coordination } from './coordination.ts'
import { CLOCK_DRIFT } from './lease-time.ts'

/** Between two looks of a leader: by so much a lease may end late. */
const LOOK_MS = 100
/** Of others: by so much later it may end when one of them leads by then. */
const FOLLOW_MS = 1_000
/** A proposal that is not applied by then is made again. */
const PROPOSE_TIMEOUT_MS = 2_000

export class LeaseExpirer implements Disposable {
  readonly #coordination: () => Coordination | undefined
  readonly #clock: Time
  readonly #expiry = new ClaimExpiry({ clockDrift: CLOCK_DRIFT })
  readonly #underWay = new Set<number>()
  readonly #timer: Timer
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(coordination: () => Coordination | undefined, clock: Time) {
    this.#coordination = coordination
    this.#clock = clock
    this.#timer = this.#clock.setInterval(() => this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
  }

  #look(): void {
    const coordination = this.#coordination()
    const claims = coordination?.copy?.machine.claims
    if (!coordination || !claims) return
    const leads = coordination.leadsInTerm !== undefined
    const now = this.#clock.now()
    if (!leads && now - this.#lookedAt < FOLLOW_MS) return
    this.#lookedAt = now
    const due = this.#expiry.look(now, claims.all())
    if (!leads) return
    for (const command of due) {
      const { claim } = command
      if (this.#underWay.has(claim)) continue
      this.#underWay.add(claim)
      coordination
        .propose(command, this.#clock.timeout(PROPOSE_TIMEOUT_MS))
        // Refused or lost: it is due again at the next look.
        .catch(() => {})
        .finally(() => this.#underWay.delete(claim))
    }
  }
}
