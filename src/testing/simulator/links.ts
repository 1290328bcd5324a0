// The links of one life of a process: dials whoever should be linked and is not, and looks for evidence when a link
// closes without a goodbye (design rule 13), at the pace of the runtime's own dialer and close evidence.

import type { Network } from './network.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'

/** First and last wait between two dials of somebody who is alive or unknown, and the wait for somebody who is gone. */
const EAGER_FIRST_MS = 50
const EAGER_LAST_MS = 1_000
const REMEMBERED_MS = 4_000

/** When to knock after an unannounced close. */
const KNOCKS_AT_MS = [0, 10, 40, 150, 400] as const

export type Pace = 'eager' | 'remembered'

export interface LinksSetup {
  readonly self: number
  readonly nodes: number
  readonly network: Network
  readonly schedule: Schedule
  readonly random: Prng
  /** Runs work of this life as one turn of the process, when it can run. */
  readonly enter: (work: () => void) => void
  readonly paceOf: (peer: number) => Pace
  /** The port of `peer`, which this process had reached, refuses after a close that nobody announced. */
  readonly refused: (peer: number) => void
}

export class SimulatedLinks {
  readonly #setup: LinksSetup
  readonly #failures: number[]
  /** The newest plan for a peer: an older one that comes due does nothing. */
  readonly #plans: number[]
  /** Peers whose port this process has seen accepting. */
  readonly #reached = new Set<number>()
  /** Counts links to a peer, so that knocks for an older one end. */
  readonly #linkNumber: number[]

  constructor(setup: LinksSetup) {
    this.#setup = setup
    const perNode = (): number[] => new Array<number>(setup.nodes).fill(0)
    this.#failures = perNode()
    this.#plans = perNode()
    this.#linkNumber = perNode()
  }

  /** Dials every address it was given. */
  start(): void {
    for (let peer = 0; peer < this.#setup.nodes; peer++) {
      if (peer !== this.#setup.self) this.dial(peer, this.#setup.random.between(0, 5))
    }
  }

  /** Dials `peer` after a while, and again until it is linked. */
  dial(peer: number, afterMs: number): void {
    const plan = (this.#plans[peer] ?? 0) + 1
    this.#plans[peer] = plan
    const { schedule, enter } = this.#setup
    schedule.after(afterMs, () =>
      enter(() => {
        if (this.#plans[peer] === plan) this.#attempt(peer, plan)
      }),
    )
  }

  linked(peer: number): void {
    const link = (this.#linkNumber[peer] ?? 0) + 1
    this.#linkNumber[peer] = link
    this.#failures[peer] = 0
    const { network, self, enter } = this.#setup
    if (this.#reached.has(peer)) return
    network.knock(self, peer, (seen) =>
      enter(() => {
        if (seen === 'accepts') this.#reached.add(peer)
      }),
    )
  }

  unlinked(peer: number, announced: boolean): void {
    this.dial(peer, this.#waitFor(peer))
    if (announced || !this.#reached.has(peer)) return
    const link = this.#linkNumber[peer] ?? 0
    this.#knock(peer, link, 0)
  }

  #attempt(peer: number, plan: number): void {
    const { network, self, enter } = this.#setup
    if (network.isLinked(self, peer)) return
    network.dial(self, peer, (seen) =>
      enter(() => {
        if (seen === 'accepts') this.#reached.add(peer)
        else this.#failures[peer] = (this.#failures[peer] ?? 0) + 1
        if (this.#plans[peer] === plan && !network.isLinked(self, peer)) this.dial(peer, this.#waitFor(peer))
      }),
    )
  }

  #waitFor(peer: number): number {
    const { random, paceOf } = this.#setup
    const eager = Math.min(EAGER_FIRST_MS * 2 ** Math.min(this.#failures[peer] ?? 0, 10), EAGER_LAST_MS)
    return (paceOf(peer) === 'eager' ? eager : REMEMBERED_MS) * random.between(0.75, 1)
  }

  #knock(peer: number, link: number, attempt: number): void {
    const at = KNOCKS_AT_MS[attempt]
    if (at === undefined) return
    const { schedule, network, self, enter, refused } = this.#setup
    schedule.after(at - (KNOCKS_AT_MS[attempt - 1] ?? 0), () =>
      network.knock(self, peer, (seen) =>
        enter(() => {
          if (this.#linkNumber[peer] !== link) return
          if (seen === 'refuses') refused(peer)
          else this.#knock(peer, link, attempt + 1)
        }),
      ),
    )
  }
}
