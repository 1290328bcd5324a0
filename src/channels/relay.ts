// Envelopes to any member, linked or not In this order: over the link, by the overlay's next hop,
// by the neighbor over which something of that member came last, over a link that is opened on demand. A relay raises
// `hops` and drops past the bound, so nothing circles; it keeps nothing, so what it cannot pass on is dropped, counted,
// and sent again by whoever wants an answer.

import type { Holds } from '../links/holds.ts'
import type { Links } from '../links/links.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import type { Envelope } from '../wire/envelope.ts'

export interface RelayOptions {
  readonly self: string
  readonly links: Pick<Links, 'get' | 'send'>
  readonly holds: Pick<Holds, 'hold' | 'release'>
  readonly clock: Clock
  readonly turn: Turn
  /** By the overlay in use; undefined: it knows no way. */
  readonly nextHop: (to: string) => string | undefined
  /** It is a member of this cluster and not gone: it may be dialled. */
  readonly isThere: (member: string) => boolean
  /** An envelope for this node, of `source`. */
  readonly deliver: (envelope: Envelope) => void
  /** What was taken to be sent found no way after all: it has not left this node. */
  readonly undeliverable: (envelope: Envelope) => void
  /** No link to `member` came up in time: what others keep for it has no way. */
  readonly onGivenUp: (member: string) => void
  readonly count: (reason: string) => void
}

/** Links that an envelope may travel over. Two members of one client-server overlay are three apart, of a HyParView of 10,000 some seven. */
export const MAX_HOPS = 16
/** Ways that were learned from what came over them; past that the oldest is forgotten. */
const MAX_WAYS = 4_096
/** A link on demand is closed after nothing was sent or came over it for this long. */
const IDLE_MS = 5_000
/** How often idle links are looked for. */
const LOOK_MS = 1_000
/** Envelopes that wait for a link on demand, all peers together; past that they are refused. */
const MAX_WAITING = 1_024
/** They wait no longer than this: a link that is not up by then is not coming soon. */
const MAX_WAIT_MS = 2_000
const ON_DEMAND = 'on-demand'

/** So many messages over relays within {@link STREAM_MS} are a stream: it gets a link of its own. */
const STREAM_MESSAGES = 16
const STREAM_MS = 1_000

interface Demand {
  usedAt: number
  /** When a link was asked for that is not up yet; undefined: it is up, or was given up. */
  awaitedSince: number | undefined
  waiting: { readonly envelope: Envelope; readonly since: number }[]
}

export class Relay {
  readonly #options: RelayOptions
  /** By member: the neighbor over which something of it came last. */
  readonly #ways = new Map<string, string>()
  readonly #demands = new Map<string, Demand>()
  readonly #timer: NodeJS.Timeout
  #waiting = 0
  /** By member: messages that went there over relays of late. */
  readonly #streams = new Map<string, { since: number; messages: number }>()

  constructor(options: RelayOptions) {
    this.#options = options
    this.#timer = setInterval(() => options.turn.enter(() => this.#look()), LOOK_MS)
    this.#timer.unref()
  }

  /**
   * The neighbor by which to send to `member` now: itself, when it is linked or is being called for this, a relay otherwise. Undefined: no way, and
   * nobody to call. `isLarge`: no relay passes it on, it needs a link.
   */
  way(member: string, isLarge = false): string | undefined {
    const { links, isThere } = this.#options
    if (links.get(member)) {
      this.#demand(member)
      return member
    }
    const hop = isLarge ? undefined : this.#hop(member)
    if (hop !== undefined) {
      this.#stream(member)
      return hop
    }
    if (!isThere(member)) return undefined
    this.#demand(member)
    return member
  }

  /** The relay to `member`, which is not linked; undefined: none is known. */
  hopTo(member: string): string | undefined {
    return this.#hop(member)
  }

  /** `member` is being called because something is to be sent to it: what is kept for it leaves when the link is up. */
  isAwaited(member: string): boolean {
    return this.#demands.get(member)?.awaitedSince !== undefined
  }

  /**
   * Where an envelope goes that came over a lane of `peer`: this node itself, or the neighbor that it is to be handed to. Undefined: it goes
   * nowhere, which was counted.
   */
  onward(peer: string, { source, destination, hops }: Envelope): string | undefined {
    const { self, links, count } = this.#options
    if ((hops === 0 && source !== peer) || source === self) {
      count('envelope-misrouted')
      return undefined
    }
    if (hops > 0) this.learn(source, peer)
    if (destination === self) return self
    const hop = links.get(destination) ? destination : this.#hop(destination)
    const isCircle = hop === undefined || hop === peer || hop === source
    if (!isCircle && hops < MAX_HOPS) return hop
    count(isCircle ? 'relay-no-route' : 'relay-hops')
    return undefined
  }

  /** False: there is no way to the destination, and none can be made now. */
  send(envelope: Envelope): boolean {
    const { links, isThere, count } = this.#options
    const to = envelope.destination
    const direct = links.get(to)
    if (direct) {
      this.#use(to, isUpkeep(envelope))
      return links.send(to, { type: 'envelope', envelope })
    }
    const hop = this.#hop(to)
    if (hop !== undefined && links.send(hop, { type: 'envelope', envelope: { ...envelope, hops: 1 } })) {
      count('relay-sent')
      return true
    }
    return isThere(to) && this.#wait(to, envelope)
  }

  /** An envelope came over the link of `peer`: for this node, or to be passed on. */
  receive(peer: string, envelope: Envelope): void {
    const { self, links, deliver, count } = this.#options
    if (envelope.hops === 0 && envelope.source === peer) this.#use(peer, isUpkeep(envelope))
    const hop = this.onward(peer, envelope)
    if (hop === undefined) return
    if (hop === self) deliver(envelope)
    else {
      const isSent = links.send(hop, { type: 'envelope', envelope: { ...envelope, hops: envelope.hops + 1 } })
      count(isSent ? 'relay-forwarded' : 'relay-full')
    }
  }

  /** Something of `member` came over the link of `peer`: so does what goes there. */
  learn(member: string, peer: string): void {
    if (member === peer) return
    this.#ways.delete(member)
    this.#ways.set(member, peer)
    for (const oldest of this.#ways.keys()) {
      if (this.#ways.size <= MAX_WAYS) break
      this.#ways.delete(oldest)
    }
  }

  /** A link is up: what waited for it leaves. */
  up(peer: string): void {
    const demand = this.#demands.get(peer)
    if (!demand) return
    const { waiting } = demand
    demand.awaitedSince = undefined
    demand.waiting = []
    this.#waiting -= waiting.length
    for (const { envelope } of waiting) this.send(envelope)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #hop(to: string): string | undefined {
    const { nextHop, links } = this.#options
    const hop = nextHop(to)
    if (hop !== undefined && links.get(hop)) return hop
    const way = this.#ways.get(to)
    if (way !== undefined && links.get(way)) return way
    this.#ways.delete(to)
    return undefined
  }

  #wait(to: string, envelope: Envelope): boolean {
    if (this.#waiting >= MAX_WAITING) {
      this.#options.count('relay-waiting-full')
      return false
    }
    const demand = this.#demand(to)
    // The caller may use its buffer again.
    demand.waiting.push({ envelope: { ...envelope, payload: envelope.payload.slice() }, since: demand.usedAt })
    this.#waiting += 1
    return true
  }

  /** A stream gets a link of its own; until that is up it goes on over the relay. */
  #stream(member: string): void {
    const now = this.#options.clock.now()
    const stream = this.#streams.get(member)
    if (!stream || now - stream.since > STREAM_MS) this.#streams.set(member, { since: now, messages: 1 })
    else if (++stream.messages >= STREAM_MESSAGES) this.#demand(member)
  }

  /** Upkeep of the overlay itself keeps no link open. */
  #use(peer: string, isUpkeep: boolean): void {
    if (!isUpkeep) this.#demand(peer)
  }

  #demand(peer: string): Demand {
    const now = this.#options.clock.now()
    const known = this.#demands.get(peer)
    if (known) {
      known.usedAt = now
      if (known.awaitedSince === undefined && !this.#options.links.get(peer)) known.awaitedSince = now
      return known
    }
    const isLinked = this.#options.links.get(peer) !== undefined
    const demand: Demand = { usedAt: now, awaitedSince: isLinked ? undefined : now, waiting: [] }
    this.#demands.set(peer, demand)
    this.#options.holds.hold(peer, ON_DEMAND, 'on-demand')
    return demand
  }

  #look(): void {
    const { clock, holds, undeliverable, onGivenUp } = this.#options
    const now = clock.now()
    for (const [member, { since }] of this.#streams) if (now - since > STREAM_MS) this.#streams.delete(member)
    for (const [peer, demand] of this.#demands) {
      const late = demand.waiting.filter(({ since }) => now - since > MAX_WAIT_MS)
      demand.waiting.splice(0, late.length)
      this.#waiting -= late.length
      for (const { envelope } of late) undeliverable(envelope)
      if (demand.awaitedSince !== undefined && now - demand.awaitedSince > MAX_WAIT_MS) {
        demand.awaitedSince = undefined
        onGivenUp(peer)
      }
      if (demand.waiting.length > 0 || now - demand.usedAt <= IDLE_MS) continue
      this.#demands.delete(peer)
      holds.release(peer, ON_DEMAND)
    }
  }
}

/** What members say to each other by themselves, to anybody: no traffic that a link would have to stay open for. */
const upkeep: ReadonlySet<string> = new Set([
  'trellis.swim',
  'trellis.registry',
  'trellis.topology.step',
  'trellis.topology.switch',
])

function isUpkeep({ subject, kind }: Envelope): boolean {
  return kind === 'error' || kind === 'reply' || (subject !== undefined && upkeep.has(subject))
}
