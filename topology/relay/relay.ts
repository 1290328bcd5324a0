// Ways to any member, linked or not (design, Overlay; rule 11). In this order: the link, the next hop of the overlay in
// use, the neighbor over which something of that member came last, a link that is opened on demand.
//
//   few messages ──▶ over relays: each raises `hops`, none sends back where it came from, past the bound it is dropped
//   a stream, what no relay passes on, or no relay known ──▶ a link of its own, for as long as it is used so
//
// It keeps no message: what cannot go on is dropped, and sent again by whoever wants an answer.

import type { Core } from '../core.ts'
import type { MemberId } from '../types.ts'
import type { Onward, Passing, RelayEffect, RelayInput, RelayQuestions } from './core.ts'

/**
 * Links that a message may travel over. Two clients of a client-server overlay are three apart, of a HyParView of
 * 10,000 some seven.
 */
export const MAX_HOPS = 16
/** Ways that were learned from what came over them; past that the oldest is forgotten. */
const MAX_WAYS = 4_096
/**
 * So many messages over relays within this time are a stream: it gets a link of its own. A link costs some 6 ms of
 * processor time at both ends together, a message over relays some 0.3 ms more than over a link: a guess that errs on
 * the side of links.
 */
const STREAM_MESSAGES = 16
const STREAM_MS = 10_000
/** A link on demand over which fewer than so many go in this time is released: relays will do. */
const KEEPING_MESSAGES = 4
const IDLE_MS = 5_000
/** A link that is not up by then is not coming soon. */
const MAX_WAIT_MS = 2_000

const NOTHING: readonly RelayEffect[] = []

interface Demand {
  usedAt: number
  /** When a link was asked for that is not up yet; undefined: it is up, or was given up. */
  awaitedSince: number | undefined
  /** No link came up in time, and none has since. */
  isGivenUp: boolean
}

/** How one member finds ways to the others. */
export class Relay implements Core<RelayInput, RelayEffect> {
  readonly #self: MemberId
  readonly #ask: RelayQuestions
  /** By member: the neighbor over which something of it came last. */
  readonly #learned = new Map<MemberId, MemberId>()
  readonly #demands = new Map<MemberId, Demand>()
  /** By member: messages to it, of late, that need no link of their own. */
  readonly #streams = new Map<MemberId, { since: number; messages: number }>()
  #effects: RelayEffect[] = []

  constructor(self: MemberId, questions: RelayQuestions) {
    this.#self = self
    this.#ask = questions
  }

  step(input: RelayInput, now: number): readonly RelayEffect[] {
    switch (input.type) {
      case 'sending':
        this.#sending(input.to, input.needsLink, now)
        break
      case 'came':
        this.#learn(input.source, input.over)
        break
      case 'connected':
        this.#connected(input.peer)
        break
      case 'look':
        this.#look(now)
        break
      default:
        input satisfies never
    }
    if (this.#effects.length === 0) return NOTHING
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  /**
   * The neighbor to hand it to: the member itself when it is linked, or is to be. Undefined: no way, and nobody to
   * call. What `needsLink` is handed to a relay only, and then in pieces, where no link can be made or none came up.
   */
  way(to: MemberId, needsLink = false): MemberId | undefined {
    if (this.#ask.isLinked(to)) return to
    // To whoever is gone no relay leads: it would be dropped on the way, and nobody told.
    if (this.#ask.isGone(to)) return undefined
    const isCallable = this.#ask.isThere(to)
    if (needsLink && isCallable && this.#demands.get(to)?.isGivenUp !== true) return to
    return this.relayTo(to) ?? (isCallable ? to : undefined)
  }

  /** The relay to a member that is not linked, a linked neighbor itself; undefined: none is known. */
  relayTo(to: MemberId): MemberId | undefined {
    const hop = this.#ask.nextHop(to)
    if (hop !== undefined && this.#ask.isLinked(hop)) return hop
    const learned = this.#learned.get(to)
    return learned !== undefined && this.#ask.isLinked(learned) ? learned : undefined
  }

  /** A link to `member` was asked for, and is neither up nor given up. */
  isAwaited(member: MemberId): boolean {
    return this.#demands.get(member)?.awaitedSince !== undefined
  }

  /** Where something goes that came over the link of `from`. */
  onward(from: MemberId, { source, destination, hops }: Passing): Onward {
    if ((hops === 0 && source !== from) || source === this.#self) return { type: 'drop', reason: 'misrouted' }
    if (destination === this.#self) return { type: 'here' }
    const hop = this.#ask.isLinked(destination) ? destination : this.relayTo(destination)
    if (hop === undefined || hop === from || hop === source) return { type: 'drop', reason: 'no-route' }
    return hops < MAX_HOPS ? { type: 'hop', peer: hop } : { type: 'drop', reason: 'hops' }
  }

  #sending(to: MemberId, needsLink: boolean, now: number): void {
    const isLinked = this.#ask.isLinked(to)
    // A neighbor's link is the overlay's to hold.
    if (isLinked && this.#ask.nextHop(to) === to) return
    if (needsLink || this.relayTo(to) === undefined) this.#demand(to, now)
    else if (
      isLinked ? this.#isOf(KEEPING_MESSAGES, IDLE_MS, to, now) : this.#isOf(STREAM_MESSAGES, STREAM_MS, to, now)
    )
      this.#demand(to, now)
  }

  /** This is the last of `messages` to that member within `withinMs`. */
  #isOf(messages: number, withinMs: number, to: MemberId, now: number): boolean {
    const stream = this.#streams.get(to)
    if (!stream || now - stream.since > withinMs) {
      this.#streams.set(to, { since: now, messages: 1 })
      return false
    }
    if (++stream.messages < messages) return false
    this.#streams.delete(to)
    return true
  }

  #demand(peer: MemberId, now: number): void {
    const isLinked = this.#ask.isLinked(peer)
    const known = this.#demands.get(peer)
    if (known) {
      known.usedAt = now
      if (!isLinked) known.awaitedSince ??= now
      return
    }
    if (!isLinked && !this.#ask.isThere(peer)) return
    this.#demands.set(peer, { usedAt: now, awaitedSince: isLinked ? undefined : now, isGivenUp: false })
    this.#effects.push({ type: 'hold', peer })
  }

  #connected(peer: MemberId): void {
    const demand = this.#demands.get(peer)
    if (demand === undefined) return
    demand.awaitedSince = undefined
    demand.isGivenUp = false
  }

  #learn(source: MemberId, over: MemberId): void {
    if (source === over) return
    this.#learned.delete(source)
    this.#learned.set(source, over)
    for (const oldest of this.#learned.keys()) {
      if (this.#learned.size <= MAX_WAYS) break
      this.#learned.delete(oldest)
    }
  }

  #look(now: number): void {
    for (const [member, { since }] of this.#streams) if (now - since > STREAM_MS) this.#streams.delete(member)
    for (const [peer, demand] of this.#demands) {
      if (demand.awaitedSince !== undefined && now - demand.awaitedSince > MAX_WAIT_MS) {
        demand.awaitedSince = undefined
        demand.isGivenUp = true
        this.#effects.push({ type: 'given-up', peer })
      }
      if (demand.awaitedSince !== undefined || now - demand.usedAt <= IDLE_MS) continue
      this.#demands.delete(peer)
      this.#effects.push({ type: 'release', peer })
    }
  }
}
