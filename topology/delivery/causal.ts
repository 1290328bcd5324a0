// Causal order per topic (design rule 19): a message is handed over after all that its publisher had heard on the topic
// when it published it. Each publisher counts its messages on a topic; a message names those of others that came since
// the publisher's last one, for what came before is implied by that one. Messages of one publisher come in order: they
// share a key.
//
//      comes ──all that it depends on was handed over──────────────▶ deliver
//        └──something is missing──▶ waits ──it came─────────────────▶ deliver
//                                     └──for causalWaitMs, or too many wait──▶ gap, deliver
//
// What is missing may be lost, or from before this member heard of the topic: so the wait is bounded, and the gap is
// told.

import type { MemberId } from '../types.ts'
import type { DeliveryOptions } from './options.ts'

/** A message on a topic, by its publisher's life and count. */
export interface Dependency {
  readonly source: MemberId
  readonly generation: number
  /** From 1, in each life of the source and on each topic. */
  readonly sequence: number
}

/** What a causal message says of its place. */
export interface CausalStamp {
  readonly sequence: number
  /** At most one of each publisher. */
  readonly dependencies: readonly Dependency[]
}

/** A causal message of `source`, as it came. */
export interface CausalMessage<Message> {
  readonly topic: string
  readonly source: MemberId
  readonly generation: number
  readonly stamp: CausalStamp
  readonly message: Message
}

/** What causal order can be told. */
export type CausalInput<Message> =
  | ({ readonly type: 'receive' } & CausalMessage<Message>)
  | { readonly type: 'timer'; readonly timer: string }

/** What causal order may ask for. */
export type CausalEffect<Message> =
  | { readonly type: 'deliver'; readonly message: Message }
  /** `message` waits here; whatever its way costs must not be withheld, or what it waits for could not come. */
  | { readonly type: 'held'; readonly message: Message }
  /** The next message is delivered although `missing` messages of `source`, which it depends on, did not come. */
  | { readonly type: 'gap'; readonly topic: string; readonly source: MemberId; readonly missing: number }
  /** Same name: replaced. */
  | { readonly type: 'set-timer'; readonly timer: string; readonly at: number }

interface Waiting<Message> extends CausalMessage<Message> {
  readonly until: number
}

interface Topic<Message> {
  /** The count of this member's own messages. */
  own: number
  /** By life of a publisher: the highest sequence handed over, or given up. The one longest silent first. */
  readonly heard: Map<string, number>
  /** By publisher: what was heard since this member's last message. The one longest silent first. */
  readonly news: Map<MemberId, Dependency>
  waiting: Waiting<Message>[]
}

const TIMER = 'causal'

/** The causal order of what one member publishes and hears on one channel. */
export class Causal<Message> {
  readonly #self: { readonly id: MemberId; readonly generation: number }
  readonly #options: DeliveryOptions
  /** The one longest unused first. */
  readonly #topics = new Map<string, Topic<Message>>()
  #timerAt = Number.POSITIVE_INFINITY

  constructor(self: { readonly id: MemberId; readonly generation: number }, options: DeliveryOptions) {
    this.#self = self
    this.#options = options
  }

  /** The place of a message that this member publishes now. */
  stamp(name: string): CausalStamp {
    const topic = this.#topic(name)
    topic.own += 1
    topic.heard.set(lifeOf(this.#self.id, this.#self.generation), topic.own)
    const dependencies = [...topic.news.values()].slice(-this.#options.maxDependencies)
    topic.news.clear()
    return { sequence: topic.own, dependencies }
  }

  step(input: CausalInput<Message>, now: number): readonly CausalEffect<Message>[] {
    const effects: CausalEffect<Message>[] = []
    if (input.type === 'receive') this.#receive(input, now, effects)
    else this.#tick(now, effects)
    return effects
  }

  #receive(message: CausalMessage<Message>, now: number, effects: CausalEffect<Message>[]): void {
    const topic = this.#topic(message.topic)
    if (missing(topic, message).length === 0) {
      this.#deliver(topic, message, effects)
      this.#release(topic, effects)
      return
    }
    topic.waiting.push({ ...message, until: now + this.#options.causalWaitMs })
    effects.push({ type: 'held', message: message.message })
    if (topic.waiting.length > this.#options.maxCausalWaiting) this.#giveUp(topic, effects)
    this.#setTimer(now + this.#options.causalWaitMs, effects)
  }

  #tick(now: number, effects: CausalEffect<Message>[]): void {
    this.#timerAt = Number.POSITIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    for (const topic of this.#topics.values()) {
      while (topic.waiting.some(({ until }) => until <= now)) this.#giveUp(topic, effects)
      for (const { until } of topic.waiting) next = Math.min(next, until)
    }
    if (next < Number.POSITIVE_INFINITY) this.#setTimer(next, effects)
  }

  #setTimer(at: number, effects: CausalEffect<Message>[]): void {
    if (at >= this.#timerAt) return
    this.#timerAt = at
    effects.push({ type: 'set-timer', timer: TIMER, at })
  }

  /** The message that has waited longest goes on without what it waited for. */
  #giveUp(topic: Topic<Message>, effects: CausalEffect<Message>[]): void {
    const oldest = topic.waiting.shift()
    if (oldest === undefined) return
    for (const { source, generation, sequence } of missing(topic, oldest)) {
      const life = lifeOf(source, generation)
      const heard = topic.heard.get(life) ?? sequence - 1
      effects.push({ type: 'gap', topic: oldest.topic, source, missing: sequence - heard })
      this.#hear(topic, { source, generation, sequence })
    }
    this.#deliver(topic, oldest, effects)
    this.#release(topic, effects)
  }

  /** Hands over what waited for what is there now. */
  #release(topic: Topic<Message>, effects: CausalEffect<Message>[]): void {
    for (;;) {
      const index = topic.waiting.findIndex((waiting) => missing(topic, waiting).length === 0)
      if (index < 0) return
      const [ready] = topic.waiting.splice(index, 1)
      if (ready) this.#deliver(topic, ready, effects)
    }
  }

  #deliver(topic: Topic<Message>, message: CausalMessage<Message>, effects: CausalEffect<Message>[]): void {
    const { source, generation, stamp } = message
    this.#hear(topic, { source, generation, sequence: stamp.sequence })
    effects.push({ type: 'deliver', message: message.message })
  }

  #hear(topic: Topic<Message>, heard: Dependency): void {
    const life = lifeOf(heard.source, heard.generation)
    const sequence = Math.max(heard.sequence, topic.heard.get(life) ?? 0)
    topic.heard.delete(life)
    topic.heard.set(life, sequence)
    bound(topic.heard, this.#options.maxKeys)
    if (heard.source === this.#self.id) return
    topic.news.delete(heard.source)
    topic.news.set(heard.source, { ...heard, sequence })
    bound(topic.news, this.#options.maxDependencies)
  }

  #topic(name: string): Topic<Message> {
    const known = this.#topics.get(name)
    const topic = known ?? { own: 0, heard: new Map(), news: new Map(), waiting: [] }
    this.#topics.delete(name)
    this.#topics.set(name, topic)
    if (known === undefined) this.#forgetTopics()
    return topic
  }

  /** One with something waiting is kept, and so is one that this member counts on. */
  #forgetTopics(): void {
    for (const [name, { waiting, own }] of this.#topics) {
      if (this.#topics.size <= this.#options.maxCausalTopics) return
      if (waiting.length === 0 && own === 0) this.#topics.delete(name)
    }
  }
}

/**
 * What a message depends on and was not handed over: also the one before it of the same publisher, if this member has
 * heard any.
 */
function missing<Message>(topic: Topic<Message>, { source, generation, stamp }: CausalMessage<Message>): Dependency[] {
  const found = stamp.dependencies.filter(
    (on) => (topic.heard.get(lifeOf(on.source, on.generation)) ?? 0) < on.sequence,
  )
  const own = topic.heard.get(lifeOf(source, generation))
  if (own !== undefined && own < stamp.sequence - 1) found.push({ source, generation, sequence: stamp.sequence - 1 })
  return found
}

function lifeOf(source: MemberId, generation: number): string {
  return `${generation} ${source}`
}

function bound(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) return
    map.delete(key)
  }
}
