// Envelopes to any member, linked or not, by the ways that `topology/relay` knows: over a link, over relays, over a
// link that is opened on demand. What goes over that is kept here until the link is up; what a relay cannot pass on is
// dropped and counted, and sent again by whoever wants an answer.

import { Relay as RelayCore, type RelayInput } from '../../topology/index.ts'
import type { Holds } from '../links/holds.ts'
import type { Links } from '../links/links.ts'
import { SWIM_SUBJECTS } from '../membership/swim-envelope.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import type { Envelope } from '../wire/envelope.ts'

export interface RelayOptions {
  readonly self: string
  readonly links: Pick<Links, 'get' | 'send'>
  readonly holds: Pick<Holds, 'hold' | 'release'>
  readonly clock: Time
  readonly turn: Turn
  /** By the overlay in use; undefined: it knows no way. */
  readonly nextHop: (to: string) => string | undefined
  /** It is a member of this cluster, not gone, and has a transport in common with this one: it may be dialled. */
  readonly isThere: (member: string) => boolean
  /** It is known to be down or to have left. */
  readonly isGone: (member: string) => boolean
  /** An envelope for this node, of `source`. */
  readonly deliver: (envelope: Envelope) => void
  /** What was taken to be sent found no way after all: it has not left this node. */
  readonly undeliverable: (envelope: Envelope) => void
  /** No link to `member` came up in time: what others keep for it has no way. */
  readonly onGivenUp: (member: string) => void
  readonly count: (reason: string) => void
}

/** How often idle links are looked for. */
const LOOK_MS = 1_000
/** Envelopes that wait for a link on demand, all peers together; past that they are refused. */
const MAX_WAITING = 1_024
const ON_DEMAND = 'on-demand'
/** Asked of anybody, and of somebody else when it cannot be: no link is opened for it. */
const background: ReadonlySet<string> = new Set(['trellis.registry', 'trellis.traffic'])

export class Relay {
  readonly #options: RelayOptions
  readonly #core: RelayCore
  /** By member: what leaves when the link to it is up. Invariant: no empty list. */
  readonly #waiting = new Map<string, Envelope[]>()
  #waitingCount = 0
  readonly #timer: Timer

  constructor(options: RelayOptions) {
    this.#options = options
    const { self, links, nextHop, isThere, isGone, turn } = options
    const isLinked = (peer: string): boolean => links.get(peer) !== undefined
    this.#core = new RelayCore(self, { isLinked, nextHop, isThere, isGone })
    this.#timer = options.clock.setInterval(() => turn.enter(() => this.#put({ type: 'look' })), LOOK_MS)
    this.#timer.unref()
  }

  /**
   * The neighbor by which to send to `member` now: itself, when it is linked or is being called for this, a relay
   * otherwise. Undefined: no way, and nobody to call. `isLarge`: it needs a link, and goes over a relay, in pieces,
   * only where none can be made.
   */
  way(member: string, isLarge = false): string | undefined {
    this.#put({ type: 'sending', to: member, needsLink: isLarge })
    return this.#core.way(member, isLarge)
  }

  /** The relay to `member`, which is not linked; undefined: none is known. */
  hopTo(member: string): string | undefined {
    return this.#core.relayTo(member)
  }

  /** `member` is being called because something is to be sent to it: what is kept for it leaves when the link is up. */
  isAwaited(member: string): boolean {
    return this.#core.isAwaited(member)
  }

  /**
   * Where an envelope goes that came over a lane of `peer`: this node itself, or the neighbor that it is to be handed
   * to. Undefined: it goes nowhere, which was counted.
   */
  onward(peer: string, envelope: Envelope): string | undefined {
    const onward = this.#core.onward(peer, envelope)
    if (onward.type === 'drop') {
      this.#options.count(onward.reason === 'misrouted' ? 'envelope-misrouted' : `relay-${onward.reason}`)
      if (onward.reason === 'misrouted') return undefined
    }
    if (envelope.hops > 0) this.learn(envelope.source, peer)
    if (onward.type === 'drop') return undefined
    return onward.type === 'here' ? this.#options.self : onward.peer
  }

  /** False: there is no way to the destination, and none can be made now. */
  send(envelope: Envelope): boolean {
    const { links, isThere, count } = this.#options
    const to = envelope.destination
    const isLinked = links.get(to) !== undefined
    const isRelayed = !isLinked && this.#core.relayTo(to) !== undefined
    // Upkeep of the cluster itself keeps no link open, and what is said again to somebody else opens none.
    if (!isLinked && !isRelayed && envelope.kind === 'request' && background.has(envelope.subject ?? '')) return false
    if (!isUpkeep(envelope) || (!isLinked && !isRelayed)) this.#put({ type: 'sending', to, needsLink: false })
    const hop = this.#core.way(to)
    if (hop === undefined) return false
    if (isLinked) return links.send(to, { type: 'envelope', envelope })
    if (hop !== to) {
      if (links.send(hop, { type: 'envelope', envelope: { ...envelope, hops: 1 } })) {
        count('relay-sent')
        return true
      }
      if (!isThere(to)) return false
      this.#put({ type: 'sending', to, needsLink: true })
    }
    return this.#wait(to, envelope)
  }

  /** An envelope came over the link of `peer`: for this node, or to be passed on. */
  receive(peer: string, envelope: Envelope): void {
    const { self, links, deliver, count } = this.#options
    const hop = this.onward(peer, envelope)
    if (hop === undefined) return
    if (hop === self) deliver(envelope)
    else {
      const isSent = links.send(hop, { type: 'envelope', envelope: { ...envelope, hops: envelope.hops + 1 } })
      count(isSent ? 'relay-forwarded' : 'relay-full')
    }
  }

  /** Something is under way on the link to `member`: it is not let go of. */
  keep(member: string): void {
    this.#put({ type: 'sending', to: member, needsLink: true })
  }

  /** Something of `member` came over the link of `peer`: so does what goes there. */
  learn(member: string, peer: string): void {
    this.#put({ type: 'came', source: member, over: peer })
  }

  /** A link is up: what waited for it leaves. */
  up(peer: string): void {
    this.#put({ type: 'connected', peer })
    for (const envelope of this.#takeWaiting(peer)) this.send(envelope)
  }

  close(): void {
    this.#timer[Symbol.dispose]()
  }

  #put(input: RelayInput): void {
    const { clock, holds, undeliverable, onGivenUp } = this.#options
    for (const effect of this.#core.step(input, clock.now())) {
      switch (effect.type) {
        case 'hold':
          holds.hold(effect.peer, ON_DEMAND, 'on-demand')
          break
        case 'release':
          holds.release(effect.peer, ON_DEMAND)
          break
        case 'given-up':
          for (const envelope of this.#takeWaiting(effect.peer)) undeliverable(envelope)
          onGivenUp(effect.peer)
          break
        default:
          effect satisfies never
      }
    }
  }

  #wait(to: string, envelope: Envelope): boolean {
    if (this.#waitingCount >= MAX_WAITING) {
      this.#options.count('relay-waiting-full')
      return false
    }
    // The caller may use its buffer again.
    const kept = { ...envelope, payload: new Uint8Array(envelope.payload) }
    const waiting = this.#waiting.get(to)
    if (waiting) waiting.push(kept)
    else this.#waiting.set(to, [kept])
    this.#waitingCount += 1
    return true
  }

  #takeWaiting(to: string): readonly Envelope[] {
    const waiting = this.#waiting.get(to) ?? []
    this.#waiting.delete(to)
    this.#waitingCount -= waiting.length
    return waiting
  }
}

/** What members say to each other by themselves, to anybody: no traffic that a link would have to stay open for. */
const upkeep: ReadonlySet<string> = new Set([
  ...SWIM_SUBJECTS,
  ...background,
  'trellis.topology.step',
  'trellis.topology.switch',
])

function isUpkeep({ subject, kind }: Envelope): boolean {
  return kind === 'error' || kind === 'reply' || (subject !== undefined && upkeep.has(subject))
}
