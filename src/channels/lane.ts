// A lane carries the envelopes of one channel between this node and one neighbour. It knows neither
// members nor routes, and promises no delivery: acknowledgements, duplicates and order are of `topology/delivery`,
// which sits on top of it. What a lane promises is room: what may be queued is bounded, what may be under way is
// granted by the receiver (credit), and whoever sends is told when to wait.
//
//   send ──▶ queue (bounded in messages, bytes) ── credit ──▶ connection ──▶ batches ──▶ handler ── release ──▶ credit
//            full: wait for `room`                                            pulled by priority, a budget per turn

import type { Envelope } from '../wire/envelope.ts'

/** The four channels. */
export type ChannelName = Envelope['channel']

/**
 * What became of an envelope.
 * - `accepted`: queued or sent; the lane has copied the payload.
 * - `taking`: queued; the payload is larger than a chunk and is read while room comes. It must not change before
 *   {@link LanesHandler.taken}.
 * - `full`: not queued. {@link LanesHandler.room} tells when to try again. Hardly ever said when the oldest may be
 *   dropped.
 * - `no-route`: not queued, there is no link to this neighbour.
 */
export type SendOutcome = 'accepted' | 'taking' | 'full' | 'no-route'

/** One direction of one channel to one neighbour. */
export interface OutgoingLane {
  readonly peer: string
  readonly channel: ChannelName
  /**
   * Queues an envelope of this channel; all that is queued in one turn leaves together, questions and answers sooner
   * when there are many. Those with the same key that are not larger than a chunk come in their order, while their
   * connection lives; one that is larger comes when it is complete, and what is sent after it was `taken` comes after
   * it.
   *
   * `dropsOldest`: past the limit those that have waited longest are dropped and counted, instead of answering `full`.
   *
   * `reply`, `error` and `ack` need no credit and go first (design rule 11); past their own bound they are dropped and
   * counted, and the outcome is `full`: nobody is told of room. Throws `WireError` for an envelope that its receiver
   * would refuse.
   */
  send(envelope: Envelope, dropsOldest?: boolean): SendOutcome
  /** So much waits that whoever has more to send had better let the event loop go round first. */
  readonly hasPlenty: boolean
  /** The limit of its queue that is nearest, so what `full` is said for. */
  readonly nearestLimit: readonly [limit: number, unit: 'messages' | 'bytes']
}

/** All lanes of a node. */
export interface Lanes {
  /** Tells `handler` of everything from now on. Call once. */
  attach(handler: LanesHandler): void
  /**
   * The lane to a linked neighbour; the same object until the link is lost. Connections open on first use. Undefined:
   * no link.
   */
  to(peer: string, channel: ChannelName): OutgoingLane | undefined
  /**
   * Passes on what is on its way to somebody else, through a bounded queue of its own, never through that of `send`.
   * `envelope.hops` counts the hop that begins here; who has travelled further may use more of the queue. Past it, or
   * without a link, it is dropped and counted.
   */
  forward(peer: string, envelope: Envelope): boolean
  /** The channels beside coordination that have a connection to a neighbour now. */
  channelsOf(peer: string): readonly ChannelName[]
  /** Every lane that is open or has something queued. */
  stats(): readonly LaneStats[]
}

/** An envelope that came over a lane. The payload is the receiver's own. */
export interface ArrivedEnvelope extends Envelope {
  /** What it took of the lane's credit: 0 for those that need none. */
  readonly laneBytes: number
}

/** Where a batch came from. */
export interface IncomingLane {
  readonly peer: string
  readonly channel: ChannelName
  /**
   * Gives the sender back the credit of envelopes that are done with: the sum of their `laneBytes`. Exactly once for
   * each envelope, in any order, when its handler has finished, it was passed on, or it was dropped. Without it the
   * lane stands still: that is how a slow handler slows its senders.
   */
  release(laneBytes: number): void
}

/**
 * Why a lane is congested. `consumer`: the other end grants no credit, its handlers are slow. `link`: the connection
 * takes no more.
 */
export type CongestionCause = 'consumer' | 'link'

/** What a node's lanes tell. Called in the node's turn; nothing may be thrown. */
export interface LanesHandler {
  /** Envelopes of one lane, in the order in which they came. The array is the handler's. */
  arrived(lane: IncomingLane, envelopes: readonly ArrivedEnvelope[]): void
  /** A lane that has answered `full` has room for a part of its queue again. Send until it says `full`. */
  room(peer: string, channel: ChannelName): void
  /**
   * An envelope that was `taking` is done with: `taken`, its payload has been read to its end and is the sender's
   * again; `refused`, the receiver has no memory for it now, or its connection broke.
   */
  taken(peer: string, envelope: Envelope, outcome: 'taken' | 'refused'): void
  /**
   * The link to a neighbour is gone; its lanes are of no use any more. `isWhole`: it was let go of, and all that they
   * had taken arrives. Else what was queued or under way may have arrived or not.
   */
  lost(peer: string, isWhole: boolean): void
  /** A queue has passed three quarters of its limit (`congested`), or has come down to a quarter again (`relieved`). */
  congestion(peer: string, channel: ChannelName, state: 'congested' | 'relieved', cause: CongestionCause): void
}

/** One lane as operators see it. Counts only grow while the link lives. */
export interface LaneStats {
  readonly peer: string
  readonly channel: ChannelName
  /** Connections open now, the link itself for `coordination`. */
  readonly connections: number
  readonly queued: { readonly messages: number; readonly bytes: number }
  /** Bytes that may be sent before the receiver grants more. */
  readonly credit: number
  /** Milliseconds that the oldest queued message has waited; 0 when nothing is queued. */
  readonly oldestMs: number
  readonly sent: { readonly messages: number; readonly bytes: number }
  readonly received: { readonly messages: number; readonly bytes: number }
  /** Received and not yet released, in bytes. */
  readonly unreleased: number
  /** Messages dropped here, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  /** Milliseconds from sending to the credit for it, smoothed; undefined before the first. */
  readonly roundTripMs: number | undefined
}
