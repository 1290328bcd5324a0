// Turns what a node knows of leader and S5 into events: compares with what it knew last. Much of it changes by mere
// passing of time (a lease that ends, a record that is no longer fresh), so it is looked at on every change and at an
// interval.

import type { EventHub } from './events.ts'
import type { NodeStatus } from './node-interface.ts'
import type { Time, Timer } from './runtime/clock.ts'

const LOOK_INTERVAL_MS = 200

/** Names, as a status has them. */
export interface Known {
  readonly leader: string | null
  readonly term: number
  readonly s5: NodeStatus['s5']
}

export class KnowledgeEvents {
  readonly #clock: Time
  readonly #hub: EventHub
  readonly #known: () => Known
  readonly #timer: Timer
  #leader: string | null = null
  #term = 0
  #s5: NodeStatus['s5'] | undefined

  constructor(hub: EventHub, clock: Time, known: () => Known) {
    this.#hub = hub
    this.#clock = clock
    this.#known = known
    this.#timer = this.#clock.setInterval(() => this.look(), LOOK_INTERVAL_MS)
    this.#timer.unref()
  }

  look(): void {
    const { leader, term, s5 } = this.#known()
    if (leader !== this.#leader || (term !== this.#term && leader !== null))
      this.#hub.emit({ type: 'leader', at: this.#clock.wall(), leader, term })
    this.#leader = leader
    this.#term = term
    const said = this.#s5
    this.#s5 = s5
    if (s5.host !== said?.host || s5.phase !== said.phase || s5.fencingToken !== said.fencingToken)
      this.#hub.emit({ type: 's5', at: this.#clock.wall(), ...s5 })
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
  }
}
