// The links of this node: one per peer, whoever dialled. Accepts, dials, proves both ends, settles which of two
// simultaneous connections stays, and tells its owner of the first link to a peer and of the end of the last.
//
// Of two connections that came up together, both ends keep the one that the lower id dialled. The two ends do not see
// them in the same order, so a handshake that has begun is not broken off, and the other connection is heard until both
// ends have surely found the one that they keep; only then it is said goodbye on: neither end sees a link go. A
// connection that comes when a link has stood for a while replaces it: a peer dials only when it has no link, so the
// old one is dead and this end has not noticed.

import type { Random } from '../../topology/index.ts'
import { ClusterError, isClusterError } from '../errors.ts'
import { patientTimer, type Time, type Timer } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import { splitAddress } from '../transport/provider.ts'
import type { Connection, Transport } from '../transport/transport.ts'
import type { LocalHello, Refusal } from '../wire/handshake.ts'
import type { GoodbyeReason, Hello } from '../wire/hello.ts'
import type { Link, LinkEnd } from '../wire/link.ts'
import { establishLink } from '../wire/link-handshake.ts'
import type { WireMessage } from '../wire/message.ts'
import { type Keyring, laneTicket } from '../wire/secrets.ts'
import { ATTEMPT_TIMEOUT_MS, Dialer, type Pace } from './dialer.ts'

export interface LinksOptions {
  readonly transport: Transport
  readonly keyring: Keyring
  /** What this node says of itself at this moment. */
  readonly hello: () => LocalHello
  /** The policy on a peer that has proven the secret. Undefined: welcome. */
  readonly admit: (peer: Hello) => Refusal | undefined
  /** The generation of a later life of this node that evidence shows. Default: none is believed. */
  readonly laterLife?: (evidence: Uint8Array) => number | undefined
  readonly clock: Time
  readonly random: Random
  readonly turn: Turn
  readonly onUp: (link: Link) => void
  /** The last link to this peer is gone. */
  readonly onDown: (link: Link, end: LinkEnd) => void
  readonly onMessage: (link: Link, message: WireMessage) => void
  /** A handshake failed. `address`: of the other end. */
  readonly onRefused: (error: ClusterError, side: 'dialer' | 'acceptor', address: string) => void
  /** Another identity answered at the address of `expected` (design rule 15). */
  readonly onUnexpected: (expected: string, address: string) => void
  /** A call of a member failed; it goes on being called. */
  readonly onUnreachable?: (member: string) => void
  readonly count: (reason: string) => void
}

/** Two connections that came up within this time were dialled at the same time; later ones replace a dead link. */
const SIMULTANEOUS_MS = 3_000
/**
 * So long after one of two links came up at this end its handshake is over at the other, unless the way there is hardly
 * passable.
 */
const RETIRING_MS = 1_000

/** So long a peer that is let go of has to close. */
const PARTING_MS = 2_000

/**
 * Queued to one peer at most; what comes on top is dropped and counted. Its protocols repeat themselves, or tell the
 * caller.
 */
const MAX_QUEUED_BYTES = 8 * 1024 * 1024

interface Held {
  readonly link: Link
  readonly since: number
  /** When its last message came. */
  heardAt: number
}

export class Links {
  readonly #options: LinksOptions
  readonly #held = new Map<string, Held>()
  readonly #dialer: Dialer
  readonly #handshakes = new AbortController()
  /** Seeds that a peer was found at, so that they are called again when its link is lost. */
  readonly #seedOf = new Map<string, string>()
  /** Peers that this node has called and not yet agreed with. */
  readonly #greeting = new Set<string>()
  /**
   * Links that end soon: another one to the same life of the peer has replaced them, or it was let go of. What still
   * comes over them counts.
   */
  readonly #ending = new Map<Link, Timer>()
  #laneOwner: ((lane: Link) => void) | undefined
  #isClosed = false

  constructor(options: LinksOptions) {
    this.#options = options
    this.#dialer = new Dialer({
      clock: options.clock,
      random: options.random,
      attempt: (address, expected, signal) => this.#attempt(address, expected, signal),
      onFailed: (expected) => options.turn.enter(() => options.onUnreachable?.(expected)),
    })
  }

  /** Hands connections of further channels, which peers of established links open, to `owner`. */
  serveLanes(owner: (lane: Link) => void): void {
    this.#laneOwner = owner
  }

  /**
   * Opens a connection of a further channel to a linked peer. Only the end that dialled the link can: the other may not
   * be able to. Rejects when there is no link, or none that this end dialled, and as `establishLink` does.
   */
  async dialLane(peer: string, channel: Hello['channel'], signal: AbortSignal): Promise<Link> {
    const link = this.get(peer)
    if (link?.connection.side !== 'dialer') throw new Error('there is no link that this end has dialled')
    const { transport, keyring, hello } = this.#options
    const connection = await transport.dial(link.connection.remoteAddress, signal)
    if (connection.peer !== peer) {
      connection.destroy()
      throw new Error('somebody else lives there')
    }
    const ticket = laneTicket(link.connection.binding, connection.binding, channel)
    // The link has brought the evidence.
    const { evidence: _, ...said } = hello()
    const lane = await establishLink(
      connection,
      { clock: this.#options.clock, keyring, self: { ...said, channel, ticket } },
      signal,
    )
    if (this.get(peer) === link && isSameLife(lane.peer, link.peer)) return lane
    lane.destroy()
    throw new Error('the link has ended meanwhile')
  }

  /** Takes over a connection that the transport accepted. */
  async accept(connection: Connection): Promise<void> {
    // Whoever is linked is no stranger: its further channels are not counted among them.
    if (this.#held.has(connection.peer)) connection.admit()
    try {
      this.#add(await this.#establish(connection, this.#handshakes.signal))
    } catch (error) {
      this.#report(error, 'acceptor', connection.remoteAddress)
    }
  }

  /** The link to `peer`; one that either end has said goodbye on takes nothing more. */
  get(peer: string): Link | undefined {
    const link = this.#held.get(peer)?.link
    return link?.isEnding ? undefined : link
  }

  /** All links, one per peer. */
  all(): Link[] {
    return [...this.#held.values()].map(({ link }) => link)
  }

  /** False when there is no link, or its queue is full: then the message is dropped and counted. */
  send(peer: string, message: WireMessage): boolean {
    const link = this.get(peer)
    if (!link) return false
    if (link.connection.queuedBytes > MAX_QUEUED_BYTES) {
      this.#options.count('link-queue-full')
      return false
    }
    link.send(message)
    return true
  }

  /** What was sent to `peer` leaves now, not when this turn ends. */
  flush(peer: string): void {
    this.get(peer)?.connection.flush?.()
  }

  /** Calls a member until there is a link to it. */
  callMember(id: string, address: string, pace: Pace, afterMs = 0): void {
    if (!this.#held.has(id)) this.#dialer.want(`member:${id}`, address, id, pace, afterMs)
  }

  /** No longer calls it; a link that is up stays. */
  dropMember(id: string): void {
    this.#dialer.drop(`member:${id}`)
  }

  /** Calls an address of which only the address is known, until whoever is there is linked. */
  callSeed(address: string, pace: Pace, afterMs = 0): void {
    if ([...this.#seedOf.values()].includes(address)) return
    this.#dialer.want(`seed:${address}`, address, undefined, pace, afterMs)
  }

  /** No longer calls that address; whoever is linked from there stays linked. */
  dropSeed(address: string): void {
    this.#dialer.drop(`seed:${address}`)
    for (const [peer, seed] of this.#seedOf) if (seed === address) this.#seedOf.delete(peer)
  }

  /** Says goodbye to one peer and closes its link. */
  disconnect(peer: string, reason: GoodbyeReason): void {
    void this.get(peer)?.goodbye(reason)
  }

  /** When the last message came over the link of `peer`; undefined without one. */
  heardAt(peer: string): number | undefined {
    return this.#held.get(peer)?.heardAt
  }

  /** Ends the link of `peer` without a word, as it would not arrive. */
  breakOff(peer: string): void {
    this.get(peer)?.destroy()
  }

  /**
   * Neither end needs the link any more: nobody calls the other for it again. What either has sent before it knows that
   * arrives.
   */
  release(peer: string): void {
    this.#seedOf.delete(peer)
    const link = this.get(peer)
    if (link === undefined) return
    link.part('idle')
    this.#endIn(PARTING_MS, link, 'idle')
  }

  /** Says goodbye to everybody; resolves when all is closed. Idempotent. */
  async close(reason: GoodbyeReason): Promise<void> {
    this.#isClosed = true
    this.#dialer.close()
    this.#handshakes.abort(new Error('the node is stopping'))
    await Promise.all([...this.all(), ...this.#ending.keys()].map((link) => link.goodbye(reason)))
    await this.#options.transport.close()
  }

  async #attempt(address: string, expected: string | undefined, signal: AbortSignal): Promise<'linked' | 'unneeded'> {
    if (expected !== undefined && this.#held.has(expected)) return 'unneeded'
    if (expected === undefined && this.#isSeedLinked(address)) return 'unneeded'
    const connection = await this.#options.transport.dial(address, signal)
    const { peer } = connection
    if (this.#held.has(peer)) connection.destroy()
    else await this.#greet(connection, address)
    if (expected === undefined) {
      this.#seedOf.set(peer, address)
      this.#dialer.drop(`seed:${address}`)
    } else if (peer !== expected) {
      this.#options.turn.enter(() => this.#options.onUnexpected(expected, address))
    }
    return 'linked'
  }

  async #greet(connection: Connection, address: string): Promise<void> {
    const { peer } = connection
    // It goes on when the peer's own call was quicker: the peer may hold this link already.
    const late = new AbortController()
    const signal = AbortSignal.any([this.#handshakes.signal, late.signal])
    // A seed and a member may be the same peer. The two ends need not see two connections of one direction in the same
    // order, so there is never more than one.
    if (this.#greeting.has(peer)) {
      connection.destroy()
      throw new Error('another call of this peer is under way')
    }
    this.#greeting.add(peer)
    const timer = patientTimer(
      this.#options.clock,
      () => late.abort(new Error('no answer in time')),
      ATTEMPT_TIMEOUT_MS,
    )
    try {
      this.#add(await this.#establish(connection, signal))
    } catch (error) {
      if (isOneself(error)) this.#dialer.drop(`seed:${address}`)
      this.#report(error, 'dialer', address)
      throw error
    } finally {
      timer[Symbol.dispose]()
      this.#greeting.delete(peer)
    }
  }

  /** Whoever lives at this seed was quicker: its own call is the link. */
  #isSeedLinked(address: string): boolean {
    const linked = this.all().find(({ peer }) => splitAddress(peer.address).includes(address))
    if (!linked) return false
    this.#seedOf.set(linked.peer.id, address)
    this.#dialer.drop(`seed:${address}`)
    return true
  }

  #establish(connection: Connection, signal: AbortSignal): Promise<Link> {
    const { clock, keyring, hello, admit, laterLife } = this.#options
    const ticketFor = (channel: Hello['channel']): Uint8Array | undefined => {
      const link = this.get(connection.peer)
      return link && laneTicket(link.connection.binding, connection.binding, channel)
    }
    return establishLink(
      connection,
      { clock, keyring, self: hello(), admit, ticketFor, ...(laterLife ? { laterLife } : {}) },
      signal,
    )
  }

  #report(error: unknown, side: 'dialer' | 'acceptor', address: string): void {
    if (this.#isClosed || isOneself(error)) return
    this.#options.turn.enter(() => {
      if (!(error instanceof ClusterError)) throw error
      if (error.code !== 'ERR_ABORTED') this.#options.onRefused(error, side, address)
    })
  }

  #add(link: Link): void {
    if (this.#isClosed) return void link.goodbye('stopping')
    const peer = link.peer.id
    const held = this.#held.get(peer)
    if (link.peer.channel !== 'coordination') return void this.#addLane(link)
    const since = this.#options.clock.now()
    const isSimultaneous = held && isSameLife(held.link.peer, link.peer) && since - held.since <= SIMULTANEOUS_MS
    if (isSimultaneous && this.#isPreferred(held.link) && !this.#isPreferred(link)) {
      this.#watch(link)
      this.#endIn(RETIRING_MS, link, 'duplicate')
      return
    }
    this.#held.set(peer, { link, since, heardAt: since })
    this.#watch(link)
    this.dropMember(peer)
    if (isSimultaneous) this.#endIn(RETIRING_MS, held.link, 'duplicate')
    else void held?.link.goodbye('duplicate')
    this.#options.turn.enter(() => {
      // A new life of the same member: what was between us and the old one is over.
      if (held && !isSameLife(held.link.peer, link.peer))
        this.#options.onDown(held.link, { announced: true, reason: 'duplicate', error: undefined })
      if (!held || !isSameLife(held.link.peer, link.peer)) this.#options.onUp(link)
    })
  }

  #addLane(lane: Link): void {
    const link = this.get(lane.peer.id)
    if (this.#laneOwner && link && isSameLife(link.peer, lane.peer)) this.#laneOwner(lane)
    else lane.destroy()
  }

  #endIn(ms: number, link: Link, reason: GoodbyeReason): void {
    this.#ending.get(link)?.[Symbol.dispose]()
    const timer = this.#options.clock.setTimeout(() => void link.goodbye(reason), ms)
    timer.unref()
    this.#ending.set(link, timer)
  }

  #isPreferred(link: Link): boolean {
    const isLower = this.#options.transport.id < link.peer.id
    return isLower === (link.connection.side === 'dialer')
  }

  #watch(link: Link): void {
    const { turn, onMessage } = this.#options
    link.start({
      message: (message) => turn.enter(() => this.#hears(link) && onMessage(link, message)),
      drain: () => {},
      close: (end) => turn.enter(() => this.#closed(link, end)),
    })
  }

  /** The link is the one that counts, or was until a moment ago. */
  #hears(link: Link): boolean {
    const held = this.#held.get(link.peer.id)
    if (!held || !isSameLife(held.link.peer, link.peer)) return false
    if (held.link !== link && !this.#ending.has(link)) return false
    held.heardAt = this.#options.clock.now()
    return true
  }

  #closed(link: Link, end: LinkEnd): void {
    const peer = link.peer.id
    this.#ending.get(link)?.[Symbol.dispose]()
    this.#ending.delete(link)
    if (this.#held.get(peer)?.link !== link) return
    this.#held.delete(peer)
    const seed = end.reason === 'idle' ? undefined : this.#seedOf.get(peer)
    this.#seedOf.delete(peer)
    // Who is looking for its cluster has no other way to find it; a member calls members.
    if (seed !== undefined) this.callSeed(seed, this.#options.hello().fresh ? 'eager' : 'remembered')
    this.#options.onDown(link, end)
  }
}

/** A seed list may hold this node's own address: nothing to complain of, nothing to call again. */
function isOneself(error: unknown): boolean {
  return isClusterError(error, 'ERR_HANDSHAKE_FAILED') && error.details.reason === 'self'
}

function isSameLife(one: Hello, other: Hello): boolean {
  return one.generation === other.generation && one.instance.every((byte, at) => byte === other.instance[at])
}
