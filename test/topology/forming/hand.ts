// One node that forms, driven by hand: what it is told, what it then does, and time that passes when the test says so.

import {
  Forming,
  type FormingEffect,
  type FormingEvent,
  type FormingInput,
  type FormingMessage,
  type FormingState,
  resolveFormingOptions,
} from '../../../topology/index.ts'

export const options = resolveFormingOptions()
export const set = ['a', 'b', 'c']
export const founders = set.map((id) => ({ id, storeId: `log of ${id}` }))

/** One node `a`, driven by hand; it expects three. */
export class Hand {
  readonly forming: Forming
  readonly #peers: readonly string[]
  /** When each timer fired last. */
  readonly #fired = new Map<string, number>()
  now = 0
  effects: readonly FormingEffect[]

  constructor(durable: FormingState = { type: 'none' }, { expect = 3, peers = ['b', 'c'], storeId = 'log of a' } = {}) {
    this.#peers = peers
    this.forming = new Forming({
      self: { id: 'a', storeId },
      expect,
      durable,
      options,
      clusterIdOf: (ids) => ids.join('+'),
      random: () => 0.5,
    })
    this.effects = this.forming.start(this.now)
    for (const peer of peers) this.give({ type: 'connected', peer })
  }

  give(input: FormingInput): this {
    this.effects = [...this.effects, ...this.forming.step(input, this.now)]
    return this
  }

  hear(from: string, message: FormingMessage): this {
    return this.give({ type: 'message', from, message })
  }

  /** Lets time pass, firing the timers that come due. */
  wait(ms: number): this {
    const end = this.now + ms
    for (let due = this.#nextDue(); due && due.at <= end; due = this.#nextDue()) {
      this.#fired.set(due.timer, due.at)
      this.now = Math.max(this.now, due.at)
      this.give({ type: 'timer', timer: due.timer })
    }
    this.now = end
    return this
  }

  /** Everything asked of the disk is durable now. */
  flush(): this {
    const tickets = this.effects.flatMap((effect) => (effect.type === 'persist' ? [effect.ticket] : []))
    return this.give({ type: 'persisted', ticket: Math.max(...tickets) })
  }

  /** Both others found the same three; after a while the set is decided. */
  decide(): this {
    for (const [index, peer] of this.#peers.entries())
      this.hear(peer, { type: 'candidate', expect: 3, storeId: `log of ${peer}`, found: set.slice(0, index + 3) })
    return this.wait(options.stableMs)
  }

  confirm(from: string, answers = this.round()): this {
    return this.hear(from, { type: 'confirm', set, storeId: `log of ${from}`, round: 7, answers })
  }

  renounce(from: string, answers = this.round(), round = 7): this {
    return this.hear(from, { type: 'renounce', set, round, answers })
  }

  /** The round of the last thing said about a set. */
  round(): number {
    return (
      this.sent()
        .flatMap((message) => ('round' in message && message.round !== 0 ? [message.round] : []))
        .at(-1) ?? -1
    )
  }

  sent(type?: FormingMessage['type']): FormingMessage[] {
    const messages = this.effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    return messages.filter((message) => !type || message.type === type)
  }

  written(): FormingState[] {
    return this.effects.flatMap((effect) => (effect.type === 'persist' ? [effect.state] : []))
  }

  events(): FormingEvent[] {
    return this.effects.flatMap((effect) => (effect.type === 'emit' ? [effect.event] : []))
  }

  #nextDue(): { timer: string; at: number } | undefined {
    const due = new Map<string, number>()
    for (const effect of this.effects) {
      if (effect.type === 'set-timer') due.set(effect.timer, effect.at)
      if (effect.type === 'clear-timer') due.delete(effect.timer)
    }
    const waiting = [...due].filter(([timer, at]) => (this.#fired.get(timer) ?? -1) < at).sort((x, y) => x[1] - y[1])
    return waiting[0] && { timer: waiting[0][0], at: waiting[0][1] }
  }
}
