// Open topics at work: what members publish there unacknowledged travels by the transport's own broadcaster, to members
// and to others alike, and what others publish comes to the members' subscribers. A member without that transport is
// sent it over lanes, which the others are not: so nobody hears it twice.

import type { NodeContext, NodePart } from '../node-part.ts'
import type { OpenMessage, OpenTopic, OpenTopics } from '../transport/open-topics.ts'
import { splitAddress } from '../transport/provider.ts'
import type { Envelope } from '../wire/envelope.ts'
import type { Broadcast, Broadcaster } from './broadcaster.ts'

/**
 * Members that this one keeps a connection to where links may go over another transport: enough that all hear each
 * other when a few are gone.
 */
const KEPT_MEMBERS = 6

export class OpenTopicsPart implements NodePart, Broadcaster {
  readonly #context: Pick<NodeContext, 'self' | 'members' | 'toolbox'>
  readonly #open: OpenTopics | undefined
  readonly #topics: ReadonlyMap<string, OpenTopic>
  #deliver: (envelope: Envelope, from: string) => void = () => {}
  /** Ids of members that do not have that transport; undefined when that is to be found out anew. */
  #apart: ReadonlySet<string> | undefined
  #lastId = 0
  #duplicates = 0
  #isClosed = false

  constructor(context: Pick<NodeContext, 'self' | 'members' | 'toolbox'>, open: OpenTopics | undefined) {
    this.#context = context
    this.#open = open
    this.#topics = new Map(open?.topics.map((topic) => [topic.topic, topic]))
  }

  attach(deliver: (envelope: Envelope, from: string) => void): void {
    this.#deliver = deliver
    this.#open?.onMessage((message) => this.#context.toolbox.turn.enter(() => this.#came(message)))
  }

  /** Whether everybody hears what is published there, also who is no member. */
  isOpen(channel: string, topic: string): boolean {
    return this.#topics.get(topic)?.channel === channel
  }

  carries({ channel, topic, encoding }: Broadcast): boolean {
    const open = topic === undefined ? undefined : this.#topics.get(topic)
    return open?.channel === channel && open.format === encoding
  }

  reaches(member: string): boolean {
    this.#apart ??= new Set(
      this.#context
        .members()
        .filter(({ address }) => !isOnTransport(address))
        .map(({ id }) => id),
    )
    return !this.#apart.has(member)
  }

  broadcast({ topic, payload }: Envelope): void {
    const open = this.#topics.get(topic ?? '')
    if (open === undefined) return
    this.#open?.publish(open, payload).catch((error: unknown) => {
      if (this.#isClosed) return
      this.#context.toolbox.counters.add('open-topic-refused')
      this.#context.toolbox.logger.debug('a message to an open topic was not published', { topic, error })
    })
  }

  member(): void {
    this.#apart = undefined
    this.#keepConnected()
  }

  close(): void {
    this.#isClosed = true
  }

  /**
   * Links by another transport carry no open topics. The members that come next by id are kept connected: a ring with
   * chords.
   */
  #keepConnected(): void {
    const { self } = this.#context
    if (this.#open === undefined || this.#isClosed) return
    const members = this.#context.members().filter(({ state, address }) => state === 'alive' && isOnTransport(address))
    const own = members.find(({ id }) => id === self.id)
    if (own === undefined || splitAddress(own.address).every(isSpokenHere)) return
    const others = members
      .filter(({ id }) => id !== self.id)
      .map(({ id, address }) => ({ id, address: splitAddress(address).find(isSpokenHere)! }))
      .sort((one, other) => (one.id < other.id ? -1 : 1))
    const behind = others.findIndex(({ id }) => id > self.id)
    const ring = behind < 0 ? others : [...others.slice(behind), ...others.slice(0, behind)]
    this.#open.keepConnected(ring.slice(0, KEPT_MEMBERS))
  }

  #came({ topic, payload, source, from }: OpenMessage): void {
    if (this.#isClosed || source === this.#context.self.id) return
    this.#lastId += 1
    const duplicates = this.#open?.duplicates ?? 0
    this.#context.toolbox.counters.add('open-topic-duplicate', duplicates - this.#duplicates)
    this.#duplicates = duplicates
    this.#deliver(
      {
        kind: 'message',
        id: this.#lastId,
        source,
        sourceGeneration: 0,
        destination: '',
        destinationGeneration: 0,
        channel: topic.channel,
        sequence: 0,
        floor: 0,
        key: undefined,
        epoch: 0,
        hops: 0,
        trace: undefined,
        deadlineMs: undefined,
        subject: undefined,
        topic: topic.topic,
        encoding: topic.format,
        payload,
      },
      from,
    )
  }
}

function isOnTransport(address: string): boolean {
  return splitAddress(address).some(isSpokenHere)
}

function isSpokenHere(part: string): boolean {
  return part.startsWith('/')
}
