// One channel to one neighbour: the queues of what is to be sent, the connections that take from them, and the counts
// of both directions. With several connections those with a key keep to the first, so that their order is that of one
// stream.

import type { Envelope } from '../wire/envelope.ts'
import { FRAME_HEADER_BYTES } from '../wire/frame.ts'
import type { LaneEnds } from '../wire/lane-envelope.ts'
import { isFree, writeHead } from '../wire/lane-envelope.ts'
import { writeFrameHeader } from '../wire/lane-frames.ts'
import { MAX_CHUNK_BYTES, MAX_HOPS, MAX_LANE_HEAD_BYTES, MAX_TRANSFER_BYTES } from '../wire/limits.ts'
import { frameNumbers } from '../wire/message-numbers.ts'
import { WireError } from '../wire/wire-error.ts'
import { FrameQueue, type Taken } from './frame-queue.ts'
import type { CongestionCause, IncomingLane, LaneStats, LanesHandler, OutgoingLane, SendOutcome } from './lane.ts'
import type { LaneConnection } from './lane-connection.ts'
import {
  type LaneLimits,
  laneLimits,
  MAX_RELAYED_BYTES,
  MAX_RELAYED_MESSAGES,
  MAX_URGENT_BYTES,
  MAX_URGENT_MESSAGES,
} from './lane-limits.ts'

export interface SocketLaneOptions {
  readonly ends: LaneEnds
  readonly handler: LanesHandler
  readonly now: () => number
  readonly count: (reason: string, by: number) => void
  /**
   * It has no connection of its own, and its link has ended or another one has replaced it: whoever asks for the lane
   * again finds out.
   */
  readonly isCut?: () => boolean
  /** Something was queued in this turn, which is over. */
  readonly onQueued: () => void
  /** As many questions or answers are queued as are worth a write, though this turn goes on. */
  readonly onEnough: () => void
}

/** A payload that is read while room comes. */
interface Large {
  readonly envelope: Envelope
  /** It begins on the first connection, after so many messages of `#ordered`. Undefined: on any, at once. */
  readonly behind: number | undefined
}

/** Shares of the queue's limit at which a lane is congested, and relieved. */
const CONGESTED_SHARE = 3 / 4
const RELIEVED_SHARE = 1 / 4
/** A lane that has said `full` says that there is room when this share is left. */
const ROOM_SHARE = 1 / 2
/**
 * More than this waits, and who sends more had better let the loop go round. Small: turns with little in them. Large:
 * nothing leaves for as long as it takes to queue it.
 */
const PLENTY_MESSAGES = 512
const PLENTY_BYTES = 2 * MAX_CHUNK_BYTES
/**
 * Questions and answers of one turn that leave together: the other end works on them while this one says more, or else
 * both would wait for each other in turns. Small: a write for every few. Large: who has so many on their way waits.
 */
const ASKED_TOGETHER = 32
/** A round trip, in milliseconds, of which the event loops at both ends are a small part. */
const FAR_MS = 3
/** Weight of the newest round trip in the smoothed one. */
const NEWEST_SHARE = 1 / 8

export class SocketLane implements OutgoingLane, IncomingLane {
  readonly peer: string
  readonly channel: OutgoingLane['channel']
  readonly ends: LaneEnds
  readonly #options: SocketLaneOptions
  readonly #limits: LaneLimits
  #urgent = new FrameQueue()
  #ordered = new FrameQueue()
  /** Without a key, while there are several connections: whichever is free takes them. */
  #unordered = new FrameQueue()
  #relayed = new FrameQueue()
  /** Of what is passed on, what needs no credit: its receiver grants none for it. */
  #relayedUrgent = new FrameQueue()
  readonly #large: Large[] = []
  #largeBytes = 0
  /** Messages that were ever put into `#ordered`. */
  #orderedMessages = 0
  readonly connections: LaneConnection[] = []
  #isRelaysTurn = false
  #isFull = false
  #isCongested = false
  #isLost = false
  #isWaking = false
  /** Questions and answers that were queued in this turn, and have not left. */
  #asked = 0
  #sentMessages = 0
  #sentBytes = 0
  #receivedMessages = 0
  #receivedBytes = 0
  readonly #dropped = new Map<string, number>()
  #roundTripMs: number | undefined
  #shortestMs = Number.POSITIVE_INFINITY

  constructor(options: SocketLaneOptions) {
    this.#options = options
    this.ends = options.ends
    this.peer = options.ends.peer
    this.channel = options.ends.channel
    this.#limits = laneLimits[this.channel]
  }

  // --- What the lane's owner calls ---

  send(envelope: Envelope, dropsOldest = false): SendOutcome {
    if (this.#isLost || this.#options.isCut?.() === true) return 'no-route'
    if (isFree(envelope.kind)) return this.#sendUrgent(envelope)
    if (!this.#hasRoom() && !(dropsOldest && this.#makeRoom())) {
      this.#isFull = true
      return 'full'
    }
    const isLarge = envelope.payload.length > MAX_CHUNK_BYTES
    if (isLarge) this.#addLarge(envelope)
    else
      this.#add(envelope.key === undefined && this.connections.length > 1 ? this.#unordered : this.#ordered, envelope)
    if (!this.#isCongested && this.#fill() > CONGESTED_SHARE) this.#congest()
    this.#wake()
    if (envelope.kind === 'request') this.#oneAsked()
    return isLarge ? 'taking' : 'accepted'
  }

  get hasPlenty(): boolean {
    return this.#queuedMessages() >= PLENTY_MESSAGES || this.#queuedBytes() >= PLENTY_BYTES
  }

  get nearestLimit(): OutgoingLane['nearestLimit'] {
    const { messages, bytes } = this.#limits
    return this.#queuedMessages() / messages > this.#queuedBytes() / bytes ? [messages, 'messages'] : [bytes, 'bytes']
  }

  /** Queues what is on its way to somebody else: the more hops it has behind it, the more of the queue it may use. */
  forward(envelope: Envelope): boolean {
    if (this.#isLost) return false
    const share = Math.min(1, envelope.hops / MAX_HOPS)
    const queue = isFree(envelope.kind) ? this.#relayedUrgent : this.#relayed
    const isFull = queue.messages >= MAX_RELAYED_MESSAGES * share || queue.bytes >= MAX_RELAYED_BYTES * share
    if (isFull || envelope.payload.length > MAX_CHUNK_BYTES) {
      this.#drop(isFull ? 'relay-full' : 'relay-too-large')
      return false
    }
    this.#add(queue, envelope)
    this.#wake()
    return true
  }

  release(laneBytes: number): void {
    let left = laneBytes
    // Whichever connection it came over: credit belongs to the lane, and each connection grants what it is owed.
    for (const connection of this.connections) {
      const part = Math.min(left, connection.unreleased)
      if (part > 0) connection.release(part)
      left -= part
      if (left === 0) return
    }
  }

  stats(): LaneStats {
    const since = Math.min(this.#ordered.since ?? Infinity, this.#unordered.since ?? Infinity)
    return {
      peer: this.peer,
      channel: this.channel,
      connections: this.connections.length,
      queued: { messages: this.#queuedMessages(), bytes: this.#queuedBytes() },
      credit: sum(this.connections, ({ credit }) => credit),
      oldestMs: since === Infinity ? 0 : this.#options.now() - since,
      sent: { messages: this.#sentMessages, bytes: this.#sentBytes },
      received: { messages: this.#receivedMessages, bytes: this.#receivedBytes },
      unreleased: sum(this.connections, ({ unreleased }) => unreleased),
      dropped: Object.fromEntries(this.#dropped),
      roundTripMs: this.#roundTripMs,
    }
  }

  /** The link is gone: everything queued goes with it. How many messages that were. */
  lose(): number {
    const queued = this.#queuedMessages() + this.#urgent.clear() + this.#relayed.clear() + this.#relayedUrgent.clear()
    this.#ordered.clear()
    this.#unordered.clear()
    return this.#end(queued)
  }

  /**
   * The link was let go of: what is queued waits for the next lane to this life of the peer, but for large payloads,
   * which are their senders'. How many those were.
   */
  strand(): number {
    return this.#end(this.#large.length)
  }

  /** Takes over what waits in `stranded`, an earlier lane between the same ends, before anything is queued here. */
  inherit(stranded: SocketLane): void {
    this.#urgent = stranded.#urgent
    this.#ordered = stranded.#ordered
    this.#unordered = stranded.#unordered
    this.#relayed = stranded.#relayed
    this.#relayedUrgent = stranded.#relayedUrgent
    this.#orderedMessages = this.#ordered.messages
    this.#wake()
  }

  #end(lost: number): number {
    this.#isLost = true
    this.#large.length = 0
    this.#largeBytes = 0
    if (lost > 0) this.#drop('link-lost', lost)
    return lost
  }

  /**
   * Another connection would help: messages wait although the receiver is not slow. Either the connection takes no
   * more, or the way is so long that the credit of one connection is used up before the grant for it can be back.
   */
  get needsConnection(): boolean {
    if (this.#queuedMessages() === 0) return false
    return this.#isFar() || this.#cause() === 'link'
  }

  get hasQueued(): boolean {
    const passing = this.#relayed.messages + this.#relayedUrgent.messages
    return this.#queuedMessages() > 0 || this.#urgent.messages > 0 || passing > 0
  }

  // --- What its connections call ---

  nextFree(limit: number): Taken | undefined {
    return this.#urgent.take(limit) ?? this.#relayedUrgent.take(limit)
  }

  next(connection: LaneConnection, limit: number): Taken | undefined {
    this.#isRelaysTurn = !this.#isRelaysTurn
    const own = (): Taken | undefined =>
      (connection === this.connections[0] ? this.#ordered.take(limit) : undefined) ?? this.#unordered.take(limit)
    const relayed = (): Taken | undefined => this.#relayed.take(limit)
    return this.#isRelaysTurn ? (relayed() ?? own()) : (own() ?? relayed())
  }

  nextTransfer(connection: LaneConnection, hasCredit: boolean): Envelope | undefined {
    // In order is what goes over the first connection, behind all that was queued for it before.
    const through = connection === this.connections[0] ? this.#orderedMessages - this.#ordered.messages : 0
    const at = this.#large.findIndex(
      ({ envelope, behind }) => (hasCredit || isFree(envelope.kind)) && (behind === undefined || behind <= through),
    )
    const [large] = at < 0 ? [] : this.#large.splice(at, 1)
    if (large !== undefined) this.#largeBytes -= large.envelope.payload.length
    return large?.envelope
  }

  transferEnded(envelope: Envelope, outcome: 'taken' | 'refused'): void {
    if (outcome === 'refused') this.#drop('transfer-refused')
    if (!this.#isLost) this.#options.handler.taken(this.peer, envelope, outcome)
  }

  sent(messages: number, bytes: number): void {
    this.#sentMessages += messages
    this.#sentBytes += bytes
    if (!this.#isFull && !this.#isCongested) return
    const fill = this.#fill()
    if (this.#isCongested && fill <= RELIEVED_SHARE) this.#relieve()
    if (!this.#isFull || fill > ROOM_SHARE) return
    this.#isFull = false
    this.#options.handler.room(this.peer, this.channel)
  }

  received(messages: number, bytes: number): void {
    this.#receivedMessages += messages
    this.#receivedBytes += bytes
  }

  roundTrip(ms: number): void {
    this.#shortestMs = Math.min(this.#shortestMs, ms)
    this.#roundTripMs =
      this.#roundTripMs === undefined ? ms : this.#roundTripMs + (ms - this.#roundTripMs) * NEWEST_SHARE
  }

  // --- Inside ---

  #sendUrgent(envelope: Envelope): SendOutcome {
    if (this.#urgent.messages >= MAX_URGENT_MESSAGES || this.#urgent.bytes >= MAX_URGENT_BYTES) {
      this.#drop('urgent-full')
      return 'full'
    }
    const isLarge = envelope.payload.length > MAX_CHUNK_BYTES
    if (isLarge) this.#addLarge(envelope)
    else this.#add(this.#urgent, envelope)
    this.#wake()
    if (envelope.kind !== 'ack') this.#oneAsked()
    return isLarge ? 'taking' : 'accepted'
  }

  #add(queue: FrameQueue, envelope: Envelope): void {
    const { payload } = envelope
    if (queue === this.#ordered) this.#orderedMessages += 1
    const slab = queue.reserve(FRAME_HEADER_BYTES + MAX_LANE_HEAD_BYTES + payload.length, this.#options.now)
    const start = slab.written
    const at = writeHead(slab.bytes, start + FRAME_HEADER_BYTES, envelope, this.ends)
    slab.bytes.set(payload, at)
    const end = at + payload.length
    writeFrameHeader(slab.bytes, start, end, frameNumbers['lane-message'])
    queue.commit(slab, end)
  }

  #addLarge(envelope: Envelope): void {
    if (envelope.payload.length > MAX_TRANSFER_BYTES) {
      throw new WireError('too-long', `a payload of ${envelope.payload.length} bytes exceeds ${MAX_TRANSFER_BYTES}`)
    }
    // Acknowledged ones are put in order at the other end.
    const isOrdered = envelope.key !== undefined && envelope.floor === 0
    this.#large.push({ envelope, behind: isOrdered ? this.#orderedMessages : undefined })
    this.#largeBytes += envelope.payload.length
  }

  #hasRoom(): boolean {
    return this.#queuedMessages() < this.#limits.messages && this.#queuedBytes() < this.#limits.bytes
  }

  /** Drops as many of the oldest as it takes; false: what waits is being read already. */
  #makeRoom(): boolean {
    while (!this.#hasRoom()) {
      const queue = this.#ordered.messages > 0 ? this.#ordered : this.#unordered
      if (queue.messages === 0) return false
      queue.dropOldest()
      this.#drop('oldest')
    }
    return true
  }

  #queuedMessages(): number {
    return this.#ordered.messages + this.#unordered.messages + this.#large.length
  }

  #queuedBytes(): number {
    return this.#ordered.bytes + this.#unordered.bytes + this.#largeBytes
  }

  /** How full the queue is, as a share of whichever limit is nearer. */
  #fill(): number {
    return Math.max(this.#queuedMessages() / this.#limits.messages, this.#queuedBytes() / this.#limits.bytes)
  }

  #congest(): void {
    this.#isCongested = true
    this.#options.handler.congestion(this.peer, this.channel, 'congested', this.#cause())
  }

  #relieve(): void {
    this.#isCongested = false
    this.#options.handler.congestion(this.peer, this.channel, 'relieved', this.#cause())
  }

  #cause(): CongestionCause {
    return this.connections.some(({ lacksCredit }) => lacksCredit) ? 'consumer' : 'link'
  }

  /** The way is long, as was measured, and nothing but the way takes time now. */
  #isFar(): boolean {
    const usual = 2 * this.#shortestMs
    if (this.#roundTripMs === undefined || this.#shortestMs < FAR_MS || this.#roundTripMs > usual) return false
    const now = this.#options.now()
    return this.connections.every((connection) => connection.ungrantedFor(now) <= usual)
  }

  #drop(reason: string, messages = 1): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + messages)
    this.#options.count(`lane-${reason}`, messages)
  }

  /** Once a turn, however much is queued in it. */
  #wake(): void {
    if (this.#isWaking) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      this.#asked = 0
      this.#options.onQueued()
    })
  }

  #oneAsked(): void {
    this.#asked += 1
    if (this.#asked < ASKED_TOGETHER) return
    this.#asked = 0
    this.#options.onEnough()
  }
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
