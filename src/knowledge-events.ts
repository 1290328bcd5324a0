// Turns what a node knows of leader and S5 into events: compares with what it knew last. Much of it changes by mere passing
// of time (a lease that ends, a record that is no longer fresh), so it is looked at on every change and at an interval.

import type { EventHub } from './events.ts'
import type { NodeStatus } from './node-interface.ts'
import type { Time, Timer } from './runtime/clock.ts'

const LOOK_INTERVAL_MS = 250

export class KnowledgeEvents {
  readonly #clock: Time
  readonly #hub: EventHub
  readonly #status: () => Pick<NodeStatus, 'consensus' | 's5'>
  readonly #timer: Timer
  #leader: string | null = null
  #term = 0
  #s5 = ''

  constructor(hub: EventHub, clock: Time, status: () => Pick<NodeStatus, 'consensus' | 's5'>) {
    this.#hub = hub
    this.#clock = clock
    this.#status = status
    this.#timer = this.#clock.setInterval(() => this.look(), LOOK_INTERVAL_MS)
    this.#timer.unref()
  }

  look(): void {
    const { consensus, s5 } = this.#status()
    const at = this.#clock.wall()
    if (consensus.leader !== this.#leader || (consensus.term !== this.#term && consensus.leader !== null)) {
      this.#hub.emit({ type: 'leader', at, leader: consensus.leader, term: consensus.term })
    }
    this.#leader = consensus.leader
    this.#term = consensus.term
    const said = JSON.stringify(s5)
    if (said !== this.#s5) this.#hub.emit({ type: 's5', at, ...s5 })
    this.#s5 = said
  }

  close(): void {
    this.#timer?.[Symbol.dispose]()
  }
}
