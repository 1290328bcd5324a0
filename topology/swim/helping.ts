// Pings on behalf of others (SWIM section 4.1): a prober whose target is silent asks a few members to ping it in its
// place. A helper passes the answer on, or says `nack` early enough that the prober learns of it within its period: I
// am here, and the target did not answer me (Lifeguard section 4.1). An answer that comes after that is passed on, too:
// the helper, the target and the way between them may be late.

import type { MemberId } from '../types.ts'
import type { SwimMessage } from './messages.ts'
import { piggyback } from './spreading.ts'
import type { SwimState } from './state.ts'

/**
 * A helper says `nack` after this share of the probe timeout, early enough to arrive within the period (Lifeguard
 * section 4.1).
 */
const NACK_SHARE = 0.8

/**
 * After its `nack` a helper passes on what comes within so many periods. A guess: as long as a prober that is late
 * itself may wait.
 */
const LATE_PERIODS = 4

/** What to answer, and to whom. */
interface Relay {
  readonly prober: MemberId
  readonly probe: number
  readonly target: MemberId
  hasSaidNack: boolean
}

export class Helping {
  readonly #state: SwimState
  readonly #ping: (target: MemberId) => number
  readonly #relays = new Map<number, Relay>()

  /** `ping` answers the number of the probe that it sent. */
  constructor(state: SwimState, ping: (target: MemberId) => number) {
    this.#state = state
    this.#ping = ping
  }

  /** `prober` asks us to ping `target` in its place. */
  help(prober: MemberId, { probe, target }: Extract<SwimMessage, { type: 'ping-req' }>, now: number): void {
    const { options, timers } = this.#state
    if (this.#relays.size >= options.maxRelayedProbes) {
      this.#state.drop(prober, 'relays-full')
      return
    }
    const number = this.#ping(target)
    this.#relays.set(number, { prober, probe, target, hasSaidNack: false })
    timers.set(relayTimer(number), now + options.probeTimeoutMs * NACK_SHARE)
  }

  /** False: it is no answer to what was asked on behalf of another. */
  acknowledged(from: MemberId, number: number, target: MemberId): boolean {
    const relay = this.#relays.get(number)
    if (relay?.target !== from || target !== from) return false
    this.#end(number)
    const { prober, probe } = relay
    this.#state.send(prober, { type: 'ack', probe, target, updates: piggyback(this.#state, prober) })
    return true
  }

  /** The target did not answer us either. */
  expire(number: number, now: number): void {
    const relay = this.#relays.get(number)
    if (!relay || relay.hasSaidNack) {
      this.#end(number)
      return
    }
    relay.hasSaidNack = true
    this.#state.timers.set(relayTimer(number), now + this.#state.options.probeIntervalMs * LATE_PERIODS)
    const { prober, probe, target } = relay
    this.#state.send(prober, { type: 'nack', probe, target, updates: piggyback(this.#state, prober) })
  }

  stop(): void {
    for (const number of [...this.#relays.keys()]) this.#end(number)
  }

  #end(number: number): void {
    this.#relays.delete(number)
    this.#state.timers.clear(relayTimer(number))
  }
}

function relayTimer(number: number): string {
  return `relay:${number}`
}
