// Gives claims back. What cannot be given back at once, in a minority say, is given back as soon as it can: else a
// claim that nobody waits for any more would get its turn, and keep others out for a lease.

import type { ClaimCommand } from '../../consensus/index.ts'
import type { Time } from '../runtime/clock.ts'
import { limited } from './leader-calls.ts'
import type { Commands } from './store.ts'

/** Whoever gives something back waits for so long. */
const RELEASE_TIMEOUT_MS = 1_000

type EndClaim = Extract<ClaimCommand, { type: 'end-claim' }>

export interface UnreturnedClaimsOptions {
  readonly clock: Time
  readonly submissions: Commands
  readonly stopping: AbortSignal
}

interface Unreturned {
  readonly command: EndClaim
  /** The cluster has ended it by itself then. */
  readonly until: number
}

export class UnreturnedClaims {
  readonly #options: UnreturnedClaimsOptions
  /** In the order in which they were given up; as many as a member can have claims. */
  readonly #left = new Set<Unreturned>()

  constructor(options: UnreturnedClaimsOptions) {
    this.#options = options
  }

  /**
   * Rejects when it cannot be given back for now. It will be, for as long as it lives without being renewed, `leaseMs`.
   */
  async giveBack(command: EndClaim, leaseMs: number): Promise<void> {
    const { clock, submissions } = this.#options
    try {
      await submissions.submit(`${command.kind}.end-claim`, command, { timeoutMs: RELEASE_TIMEOUT_MS })
    } catch (error) {
      this.#left.add({ command, until: clock.now() + leaseMs })
      if (this.#left.size === 1) void this.#giveBackLater()
      throw error
    }
  }

  /** One after the other, also those that come meanwhile. */
  async #giveBackLater(): Promise<void> {
    const { clock, submissions, stopping } = this.#options
    for (const unreturned of this.#left) {
      const { command, until } = unreturned
      using limit = limited(clock, `${command.kind}.end-claim`, Math.max(0, until - clock.now()), stopping)
      // What cannot be given back ends with its lease.
      await submissions
        .submit(`${command.kind}.end-claim`, command, { isPatient: true, signal: limit.signal })
        .catch(() => {})
      this.#left.delete(unreturned)
    }
  }
}
