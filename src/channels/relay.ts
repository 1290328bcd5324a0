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

interface Demand {
  usedAt: number
  waiting: { readonly envelope: Envelope; readonly since: number }[]
}

export class Relay {
  readonly #options: RelayOptions
  /** By member: the neighbor over which something of it came last. */
  readonly #ways = new Map<string, string>()
  readonly #demands = new Map<string, Demand>()
  readonly #timer: NodeJS.Timeout
  #waiting = 0

  constructor(options: RelayOptions) {
    this.#options = options
    this.#timer = setInterval(() => options.turn.enter(() => this.#look()), LOOK_MS)
    this.#timer.unref()
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
    const { self, deliver, count } = this.#options
    const { source, destination, hops } = envelope
    const isSpoofed = hops === 0 && source !== peer
    if (isSpoofed || source === self) {
      count('envelope-misrouted')
      return
    }
    if (hops > 0) this.learn(source, peer)
    else this.#use(peer, isUpkeep(envelope))
    if (destination === self) deliver(envelope)
    else this.#forward(peer, envelope)
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
    demand.waiting = []
    this.#waiting -= waiting.length
    for (const { envelope } of waiting) this.send(envelope)
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #forward(peer: string, envelope: Envelope): void {
    this.#options.count(this.#pass(peer, { ...envelope, hops: envelope.hops + 1 }))
  }

  /** What became of it. */
  #pass(peer: string, envelope: Envelope): string {
    const { links } = this.#options
    const { destination, source, hops } = envelope
    if (hops > MAX_HOPS) return 'relay-hops'
    const hop = links.get(destination) ? destination : this.#hop(destination)
    // Back to where it came from would be a circle.
    if (hop === undefined || hop === peer || hop === source) return 'relay-no-route'
    return links.send(hop, { type: 'envelope', envelope }) ? 'relay-forwarded' : 'relay-full'
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

  /** Upkeep of the overlay itself keeps no link open. */
  #use(peer: string, isUpkeep: boolean): void {
    if (!isUpkeep) this.#demand(peer)
  }

  #demand(peer: string): Demand {
    const now = this.#options.clock.now()
    const known = this.#demands.get(peer)
    if (known) {
      known.usedAt = now
      return known
    }
    const demand: Demand = { usedAt: now, waiting: [] }
    this.#demands.set(peer, demand)
    this.#options.holds.hold(peer, ON_DEMAND, 'on-demand')
    return demand
  }

  #look(): void {
    const { clock, holds, undeliverable } = this.#options
    const now = clock.now()
    for (const [peer, demand] of this.#demands) {
      const late = demand.waiting.filter(({ since }) => now - since > MAX_WAIT_MS)
      demand.waiting.splice(0, late.length)
      this.#waiting -= late.length
      for (const { envelope } of late) undeliverable(envelope)
      if (demand.waiting.length > 0 || now - demand.usedAt <= IDLE_MS) continue
      this.#demands.delete(peer)
      holds.release(peer, ON_DEMAND)
    }
  }
}

/** What members say about the overlay is no traffic that a link would have to stay open for. */
function isUpkeep({ subject, kind }: Envelope): boolean {
  const isOwn = subject === 'trellis.swim' || subject?.startsWith('trellis.topology.') === true
  return isOwn || kind === 'error' || kind === 'reply'
}
