// Drives `topology/delivery/causal.ts` for one channel: what is published gets its place, what comes waits for what it
// depends on.

import { Causal, type CausalEffect, type CausalStamp, type DeliveryOptions } from '../../topology/index.ts'
import type { Time } from '../runtime/clock.ts'
import { NamedTimers } from '../runtime/named-timers.ts'
import type { Turn } from '../runtime/turn.ts'
import { decodeCausal } from '../wire/delivery.ts'
import type { Arrival } from './arrival.ts'

export interface CausalOrderOptions {
  readonly self: { readonly id: string; readonly generation: number }
  readonly delivery: DeliveryOptions
  readonly clock: Time
  readonly turn: Turn
  readonly deliver: (arrival: Arrival) => void
  readonly onGap: (topic: string, source: string, missing: number) => void
}

export class CausalOrder {
  readonly #options: CausalOrderOptions
  readonly #core: Causal<Arrival>
  readonly #timers: NamedTimers

  constructor(options: CausalOrderOptions) {
    const { self, delivery, clock, turn } = options
    this.#options = options
    this.#core = new Causal(self, delivery)
    this.#timers = new NamedTimers(clock, (timer) => turn.enter(() => this.#put({ type: 'timer', timer })))
  }

  /** The place of what this node publishes to `topic` now. */
  stamp(topic: string): CausalStamp {
    return this.#core.stamp(topic)
  }

  /** Throws `WireError` when its payload has no place in it. */
  take(arrival: Arrival): void {
    const { source, sourceGeneration: generation, topic = '' } = arrival.envelope
    const { stamp, payload } = decodeCausal(arrival.envelope.payload)
    arrival.unwrap(payload)
    this.#put({ type: 'receive', topic, source, generation, stamp, message: arrival })
  }

  close(): void {
    this.#timers.clearAll()
  }

  #put(input: Parameters<Causal<Arrival>['step']>[0]): void {
    for (const effect of this.#core.step(input, this.#options.clock.now())) this.#execute(effect)
  }

  #execute(effect: CausalEffect<Arrival>): void {
    const { deliver, onGap } = this.#options
    switch (effect.type) {
      case 'deliver':
        deliver(effect.message)
        break
      case 'held':
        effect.message.release()
        break
      case 'gap':
        onGap(effect.topic, effect.source, effect.missing)
        break
      case 'set-timer':
        this.#timers.set(effect.timer, effect.at)
        break
      default:
        effect satisfies never
    }
  }
}
