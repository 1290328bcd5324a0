// The leader's watch over leases: it looks at all claims a few times a second and proposes to end those that nobody has renewed in time. Whether they are
// ended the log decides; see `consensus/claim-expiry.ts`.

import { ClaimExpiry } from '../../consensus/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Coordination } from './coordination.ts'
import { CLOCK_DRIFT } from './lease-time.ts'

/** Between two looks: by so much a lease may end late. */
const LOOK_MS = 100
/** A leader that did not look for so long was away, and gives everybody a whole lease again. */
const AWAY_MS = 1_000
/** A proposal that is not applied by then is made again. */
const PROPOSE_TIMEOUT_MS = 2_000

export class LeaseExpirer implements Disposable {
  readonly #coordination: () => Coordination | undefined
  readonly #clock: Time
  readonly #expiry = new ClaimExpiry({ clockDrift: CLOCK_DRIFT, awayMs: AWAY_MS })
  readonly #underWay = new Set<number>()
  readonly #timer: Timer

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
    const term = coordination?.leadsInTerm
    const claims = coordination?.copy?.machine.claims
    if (!coordination || !claims || term === undefined) return
    for (const command of this.#expiry.due(this.#clock.now(), term, claims.all())) {
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
