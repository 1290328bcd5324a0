// Two members and a network between them that loses, repeats, reorders and cuts, under virtual time. It keeps the books
// that the promises are held to: what was handed over, in which order, and what the source was told of it.

import {
  type Acknowledgement,
  Delivery,
  type DeliveryEffect,
  type DeliveryInput,
  type DeliveryOptions,
  deliveryPresets,
  type FailedReason,
  type Floor,
  type Incoming,
  type Outgoing,
  type Random,
} from '../../../topology/index.ts'

export interface Sent extends Outgoing {
  readonly id: number
  outcome: 'acknowledged' | 'superseded' | FailedReason | undefined
}

export interface Arrived extends Incoming {
  readonly id: number
}

type Packet =
  | { readonly type: 'message'; readonly message: Arrived }
  | { readonly type: 'acknowledgement'; readonly acknowledgement: Acknowledgement<string> }
  | { readonly type: 'floor'; readonly floor: Floor }

interface Flight {
  readonly at: number
  readonly to: string
  /** The lives that it belongs to: (source, destination). */
  readonly generations: readonly [number, number]
  readonly packet: Packet
}

export interface Faults {
  loss: number
  repeat: number
  /** Milliseconds by which two packets may change their order. */
  jitterMs: number
}

/** What a runtime, or a core, could do wrong; each must be noticed. */
export type Bug = 'forgets-at-reconnect' | 'hands-over-held' | 'numbers-anew'

type Core = Delivery<Sent, Arrived, string>

/** `a` sends, `b` handles. */
export class DeliveryWorld {
  now = 0
  readonly faults: Faults = { loss: 0, repeat: 0, jitterMs: 0 }
  readonly sent: Sent[] = []
  /** Ids in the order in which `b` was handed them, in each of its lives. */
  handed: { readonly id: number; readonly key: string | undefined; readonly life: number }[] = []
  readonly dropped: string[] = []
  /** What `b` has been handed and not finished. */
  running: Arrived[] = []
  generation = 1
  transmissions = 0
  isUp = false
  bug: Bug | undefined
  readonly #random: Random
  readonly #options: DeliveryOptions
  readonly #cores: Record<string, Core>
  readonly #timers = new Map<string, number>()
  #flights: Flight[] = []

  constructor(random: Random, options: Partial<DeliveryOptions> = {}) {
    this.#random = random
    this.#options = { ...deliveryPresets.lan, ...options }
    this.#cores = { a: this.#core(), b: this.#core() }
  }

  #core(): Core {
    return new Delivery(this.#options)
  }

  get size(): number {
    return this.#cores.a!.size('b', 'data')
  }

  get inFlight(): number {
    return this.#flights.length
  }

  send(count: number, shape: { key?: string; isMonotonic?: boolean; timeoutMs?: number } = {}): Sent[] {
    const messages = Array.from(
      { length: count },
      (_, index): Sent => ({
        id: this.sent.length + index,
        key: shape.key,
        isMonotonic: shape.isMonotonic ?? false,
        expiresAt: this.now + (shape.timeoutMs ?? Number.POSITIVE_INFINITY),
        sequence: 0,
        progress: 'waiting',
        outcome: undefined,
      }),
    )
    this.sent.push(...messages)
    this.#put('a', { type: 'send', ...this.#towardsB(), messages })
    return messages
  }

  sendOrdered(key: string): void {
    const message: Sent = {
      id: this.sent.length,
      key,
      isMonotonic: false,
      expiresAt: Number.POSITIVE_INFINITY,
      sequence: 0,
      progress: 'waiting',
      outcome: undefined,
    }
    this.sent.push(message)
    this.#put('a', { type: 'send-ordered', ...this.#towardsB(), messages: [message] })
  }

  abort(message: Sent): void {
    this.#put('a', { type: 'abort', ...this.#towardsB(), message })
  }

  connect(): void {
    this.isUp = true
    if (this.bug === 'forgets-at-reconnect') this.#cores.b = this.#core()
    if (this.bug === 'numbers-anew') this.#cores.a = this.#core()
    this.#put('a', { type: 'connected', peer: 'b', generation: this.generation })
    this.#put('b', { type: 'connected', peer: 'a', generation: 1 })
  }

  /** What is under way is lost with the connection. */
  cut(): void {
    this.isUp = false
    this.#flights = []
    this.#put('a', { type: 'disconnected', peer: 'b' })
    this.#put('b', { type: 'disconnected', peer: 'a' })
  }

  /** `b` begins a new life, of which `a` hears with the next connection. */
  restart(): void {
    this.cut()
    this.generation += 1
    this.running = []
    this.#cores.b = this.#core()
    this.#timers.delete('b')
  }

  tell(input: DeliveryInput<Sent, Arrived, string>): void {
    this.#put('a', input)
  }

  /** A handler of `b` is done. */
  finish(index = 0, failure?: string): void {
    const [message] = this.running.splice(index, 1)
    if (!message) return
    const end = { peer: 'a', generation: 1, channel: 'data' } as const
    if (failure === undefined) this.#put('b', { type: 'finished', ...end, messages: [message] })
    else this.#put('b', { type: 'handler-failed', ...end, message, failure })
  }

  /** Lets time pass, and all that happens in it. */
  run(ms: number): void {
    const end = this.now + ms
    for (;;) {
      const flight = this.#flights.reduce<Flight | undefined>(
        (first, next) => (first && first.at <= next.at ? first : next),
        undefined,
      )
      const [timer, timerAt] = [...this.#timers].sort((one, other) => one[1] - other[1])[0] ?? [
        '',
        Number.POSITIVE_INFINITY,
      ]
      const at = Math.min(flight?.at ?? Number.POSITIVE_INFINITY, timerAt)
      if (at > end) break
      this.now = Math.max(this.now, at)
      if (flight && flight.at <= timerAt) this.#arrive(flight)
      else {
        this.#timers.delete(timer)
        this.#put(timer, { type: 'timer', timer: 'delivery' })
      }
    }
    this.now = end
  }

  #towardsB(): { peer: string; generation: number; channel: 'data' } {
    return { peer: 'b', generation: this.generation, channel: 'data' }
  }

  #arrive(flight: Flight): void {
    this.#flights.splice(this.#flights.indexOf(flight), 1)
    const { to, packet, generations } = flight
    // The runtime refuses what was meant for an earlier life.
    if (generations[to === 'b' ? 1 : 0] !== (to === 'b' ? this.generation : 1)) return
    const end = { peer: to === 'b' ? 'a' : 'b', generation: generations[to === 'b' ? 0 : 1], channel: 'data' } as const
    if (packet.type === 'message') this.#put(to, { type: 'receive', ...end, messages: [packet.message] })
    else if (packet.type === 'floor') this.#put(to, { type: 'floor', ...end, floor: packet.floor })
    else this.#put(to, { type: 'acknowledged', ...end, acknowledgement: packet.acknowledgement })
  }

  #put(who: string, input: DeliveryInput<Sent, Arrived, string>): void {
    for (const next of [input, { type: 'flush' } as const])
      for (const effect of this.#cores[who]!.step(next, this.now)) this.#execute(who, effect)
  }

  #execute(who: string, effect: DeliveryEffect<Sent, Arrived, string>): void {
    switch (effect.type) {
      case 'transmit':
        for (const { id, key, isMonotonic, sequence } of effect.messages) {
          this.transmissions += 1
          this.#fly(
            'b',
            { type: 'message', message: { id, key, isMonotonic, sequence, floor: effect.floor } },
            effect.generation,
          )
        }
        break
      case 'tell-floor':
        this.#fly('b', { type: 'floor', floor: effect.floor }, effect.generation)
        break
      case 'acknowledge':
        this.#fly('a', { type: 'acknowledgement', acknowledgement: effect.acknowledgement }, this.generation)
        break
      case 'deliver':
        for (const message of effect.messages) {
          this.handed.push({ id: message.id, key: message.key, life: this.generation })
          this.running.push(message)
        }
        break
      case 'dropped':
        for (const _ of effect.messages) this.dropped.push(effect.reason)
        break
      case 'settled':
        for (const message of effect.messages) settle(message, effect.outcome)
        break
      case 'failed':
        settle(effect.message, effect.reason)
        break
      case 'set-timer':
        this.#timers.set(who, effect.at)
        break
      case 'held':
        if (this.bug !== 'hands-over-held') break
        for (const { id, key } of effect.messages) this.handed.push({ id, key, life: this.generation })
        break
      default:
        effect satisfies never
    }
  }

  #fly(to: string, packet: Packet, generation: number): void {
    if (!this.isUp) return
    const { loss, repeat, jitterMs } = this.faults
    const copies = this.#random() < repeat ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random() < loss) continue
      const at = this.now + 1 + this.#random() * jitterMs
      this.#flights.push({ at, to, packet, generations: [1, generation] })
    }
  }
}

function settle(message: Sent, outcome: NonNullable<Sent['outcome']>): void {
  if (message.outcome !== undefined)
    throw new Error(`message ${message.id} is settled twice: ${message.outcome}, ${outcome}`)
  message.outcome = outcome
}
