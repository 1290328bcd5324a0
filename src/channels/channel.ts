// What users send and receive with: `node.channel('events')`. Four channels, told apart by what they are for; their
// defaults are in `channel-defaults.ts`. What each call promises is in docs/guarantees.md, "Channels"; every code in
// docs/errors.md.

import type { ChannelName } from './lane.ts'
import type { Payload, Sendable } from './payload.ts'

/** A message as its handler gets it. */
export interface Message {
  /** Unique in the cluster; equals the `id` of its sender's receipt. */
  readonly id: string
  /** The name of the member that sent it. */
  readonly from: string
  readonly channel: ChannelName
  /** What it was published to. */
  readonly topic?: string
  readonly key?: string
  /** A Uint8Array arrives as a Uint8Array, which is the handler's own; anything else as JSON says it. */
  readonly payload: Payload
  /** W3C `traceparent` of the span that sent it; undefined when its sender traces nothing. */
  readonly trace: string | undefined
  /** When it came, in milliseconds since 1970. */
  readonly receivedAt: number
}

/** What became of what was sent. */
export interface Receipt {
  readonly id: string
  /** The name of the member, or `*`. */
  readonly to: string
  /** Every member that it was sent to has acknowledged it: their handlers have finished. False: nobody was asked to. */
  readonly acked: boolean
  /** Milliseconds from the call to this receipt; 0 for what its lane took at once. */
  readonly durationMs: number
  /** How many members it was sent to: 1, or for `broadcast` and `publish` those that were alive as this node saw it. */
  readonly members: number
  /** How many of them have acknowledged it or, unacknowledged, how many lanes took it. */
  readonly reached: number
}

/**
 * What a message does at a full lane: `wait` for room; `fail` at once with `ERR_BUFFER_FULL`, so that the newest is
 * dropped and told; `drop-oldest`, take the place of those that have waited longest, which are counted as `oldest` (and
 * sent again if they are acknowledged).
 */
export type OnFull = 'wait' | 'fail' | 'drop-oldest'

/** How a message is to be delivered. Whatever is not said is the channel's default. */
export interface SendOptions {
  /**
   * Delivered exactly once while both ends live, resent until then; the promise resolves when its handler has finished.
   * Default: true on `coordination` and `events`.
   */
  readonly ack?: boolean
  /**
   * First in, first out among messages of this sender with the same key and the same `ack`. 1 to 256 bytes. Default:
   * none, no order.
   */
  readonly key?: string
  /**
   * Of messages with the same key (or topic) only the newest matters: an older one never comes after a newer, and may
   * be left out. Default: true on `gossip` for messages with a key.
   */
  readonly monotonic?: boolean
  /**
   * `send` only: for those there who subscribed to this topic, or take all; with `ack` it fails with `ERR_NO_HANDLER`
   * when there are none. Default: none.
   */
  readonly topic?: string
  /**
   * `publish` only, without `key`: handed over after everything that this node had heard on the topic, one at a time;
   * see `gap` of {@link ChannelEvent}. Default false.
   */
  readonly causal?: boolean
  /**
   * Milliseconds from the call after which nobody wants it any more: it is handed to no handler later, and fails with
   * `ERR_DEADLINE_EXCEEDED`. Default: none.
   */
  readonly deadlineMs?: number
  /** Ends the wait with `ERR_ABORTED`. */
  readonly signal?: AbortSignal
  /** Milliseconds until `ERR_TIMEOUT`. Default 30,000. */
  readonly timeoutMs?: number
  /** What to do when the lane is full. Default `wait`; on `gossip` `drop-oldest`. */
  readonly onFull?: OnFull
}

/** What {@link Channel.sendMany} tells. */
export interface SendManyReceipt {
  /** Messages that the lane took. */
  readonly sent: number
  /** Of those, acknowledged ones; 0 without `ack`. */
  readonly acked: number
}

/** Handles a message; the message is handled when it returns, or when its promise resolves. */
export type MessageHandler = (message: Message) => void | Promise<void>
/** Answers a request. What it throws is what the asker's call rejects with. */
export type RequestHandler = (message: Message) => Sendable | Promise<Sendable>

/** How many milliseconds acknowledged messages took, from the call to the receipt. */
export interface LatencyView {
  readonly count: number
  /** Undefined before the first. */
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly maxMs: number | undefined
}

/**
 * One channel to one neighbor. Counts only grow while their link lives; what is passed on for others is counted too.
 */
export interface LaneView {
  /** The name of the neighbor. */
  readonly peer: string
  readonly connections: number
  readonly queue: { readonly messages: number; readonly bytes: number; readonly oldestMs: number }
  /** Bytes that may be sent before the receiver grants more. */
  readonly credit: number
  readonly sent: { readonly messages: number; readonly bytes: number }
  readonly received: { readonly messages: number; readonly bytes: number }
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>
  /**
   * Milliseconds from sending to the credit for it, smoothed, so with the time that handlers take; undefined before the
   * first measure.
   */
  readonly latencyMs: number | undefined
}

/** What is known of one channel at this node, all members together. Counts only grow. */
export interface ChannelStats {
  readonly channel: ChannelName
  /**
   * Messages that wait for room, credit or a link, here and in the lanes; `oldestMs` is how long the oldest has waited
   * in its lane.
   */
  readonly queue: { readonly messages: number; readonly bytes: number; readonly oldestMs: number }
  /** Bytes that may be sent before receivers grant more. */
  readonly credit: number
  /** Sent and not yet acknowledged. */
  readonly unacknowledged: number
  readonly connections: number
  /** Messages; `bytes` of their payloads. */
  readonly sent: { readonly messages: number; readonly bytes: number }
  readonly received: { readonly messages: number; readonly bytes: number }
  /** Handlers that run, and messages that wait for one. */
  readonly handlers: { readonly running: number; readonly waiting: number }
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>
  readonly latency: LatencyView
  /** To each neighbor to which it has a connection or something queued. */
  readonly lanes: readonly LaneView[]
}

/** What a channel tells of itself. */
export type ChannelEvent =
  /**
   * A queue is nearly full, or has room again. `consumer`: handlers at the other end are slow; `link`: the connection
   * takes no more.
   */
  | {
      readonly type: 'congestion'
      readonly peer: string
      readonly state: 'congested' | 'relieved'
      readonly cause: 'consumer' | 'link'
    }
  /**
   * A causal message was handed over although `missing` messages of member `from` on `topic`, which it depends on, did
   * not come in time.
   */
  | { readonly type: 'gap'; readonly topic: string; readonly from: string; readonly missing: number }

/**
 * A member, by name or id, or an instance of a service: one that can be called, chosen as calls choose, by `key` always
 * the same.
 */
export type Recipient =
  | string
  | { readonly service: string; readonly key?: string; readonly namespace?: string; readonly version?: string }

/** One of a node's four channels. */
export interface Channel {
  readonly name: ChannelName
  /**
   * Sends to a member, by name or id, or to one that offers a service; `*` is {@link broadcast}. Without `ack` it
   * resolves when the lane took it, with `ack` when the handler there has finished. The payload must not change until
   * then. Rejects with `ERR_UNKNOWN_MEMBER`, `ERR_UNKNOWN_SERVICE`, `ERR_MEMBER_DOWN`, `ERR_NO_ROUTE`,
   * `ERR_PAYLOAD_TOO_LARGE`, `ERR_BAD_OPTIONS`, `ERR_BUFFER_FULL`, `ERR_TIMEOUT`, `ERR_DEADLINE_EXCEEDED`,
   * `ERR_ABORTED`, `ERR_SHUTTING_DOWN`; with `ack` also `ERR_NO_HANDLER` and `ERR_HANDLER_FAILED`.
   */
  send(to: Recipient, payload: Sendable, options?: SendOptions): Promise<Receipt>
  /**
   * Sends to every other member that is alive; the receipt says how many were reached. It rejects when there were some
   * and none was, and as {@link send} does when its caller gives up.
   */
  broadcast(payload: Sendable, options?: SendOptions): Promise<Receipt>
  /**
   * Sends to the subscribers of `topic`, on this node too: words of letters, digits, `_` and `-` with dots between. It
   * covers the members alive in this node's view; a member without subscribers acknowledges it unread, and subscribers
   * on this node are not waited for: a handler may wait for what it publishes.
   */
  publish(topic: string, payload: Sendable, options?: SendOptions): Promise<Receipt>
  /**
   * Sends all that the iterable yields to one member, under its back-pressure, with one promise: it resolves when all
   * are taken, with `ack` when all are acknowledged. Rejects with the first failure. `timeoutMs` and `deadlineMs` count
   * for each of them.
   */
  sendMany(
    to: Recipient,
    payloads: Iterable<Sendable> | AsyncIterable<Sendable>,
    options?: SendOptions,
  ): Promise<SendManyReceipt>
  /**
   * Hands over what is published to topics that fit: `*` stands for one word, `**` for any number. Throws
   * `ERR_BAD_REQUEST` for what is no pattern; like each that takes a handler `ERR_BAD_OPTIONS` without one, and
   * `ERR_SHUTTING_DOWN` when the node has stopped.
   */
  subscribe(topicPattern: string, handler: MessageHandler): Disposable
  /** Hands over every message of this channel, published ones included. */
  onMessage(handler: MessageHandler): Disposable
  /**
   * The messages of this channel, or those whose topic fits; the loop is a handler: one message at a time, finished
   * when the loop asks for the next.
   */
  messages(options?: { readonly signal?: AbortSignal; readonly topic?: string }): AsyncIterable<Message>
  /**
   * Sends a request, and resolves with the answer. Rejects as {@link send} does, and with the ClusterError that the
   * handler threw.
   */
  request(to: Recipient, payload: Sendable, options?: SendOptions): Promise<Message>
  /** Answers requests; the newest handler is the one, and when it is disposed the one before it answers again. */
  onRequest(handler: RequestHandler): Disposable
  stats(): ChannelStats
  /** Calls `listener` for congestion and gaps until the result is disposed. It must not throw. */
  onEvent(listener: (event: ChannelEvent) => void): Disposable
}
