// Every bound of a lane, by name and channel.

import { MAX_CHUNK_BYTES, MAX_LANE_FRAME_BYTES } from '../wire/limits.ts'
import type { ChannelName } from './lane.ts'

export interface LaneLimits {
  /** Messages that wait at most. */
  readonly messages: number
  /** Bytes that wait at most; one message more than this may be begun. */
  readonly bytes: number
  /** Connections to one neighbour, as need grows. */
  readonly connections: number
}

const MiB = 1024 * 1024

export const laneLimits: Readonly<Record<ChannelName, LaneLimits>> = {
  coordination: { messages: 1_000, bytes: MiB, connections: 1 },
  events: { messages: 5_000, bytes: 4 * MiB, connections: 2 },
  gossip: { messages: 5_000, bytes: 4 * MiB, connections: 1 },
  data: { messages: 10_000, bytes: 8 * MiB, connections: 5 },
}

const FRAME_BYTES = 4 + MAX_LANE_FRAME_BYTES

/**
 * Bytes of messages, and as many again of chunks, that one connection may have under way before the receiver grants
 * more: no more than four frames of either, with payloads of 256 KiB, stand in front of a small message. Large: it
 * waits longer. Small: the sender waits for grants. At least two frames: who waits for the credit of one has used half,
 * so a grant of half is sure to come.
 */
export const CREDIT_BYTES: Readonly<Record<ChannelName, number>> = {
  coordination: 2 * FRAME_BYTES,
  events: 4 * FRAME_BYTES,
  gossip: 2 * FRAME_BYTES,
  data: 4 * FRAME_BYTES,
}

/**
 * A receiver grants when this share of the credit is free again: seldom enough to be cheap, soon enough that nobody
 * stands still.
 */
export const GRANT_SHARE = 1 / 2

/** Replies, errors and acknowledgements wait for no credit; so many may wait for the connection. */
export const MAX_URGENT_MESSAGES = 20_000
export const MAX_URGENT_BYTES = 16 * MiB

/** What is passed on for others waits in a queue of its own. */
export const MAX_RELAYED_MESSAGES = 4_096
export const MAX_RELAYED_BYTES = 4 * MiB

/** Large payloads that travel over relays at once: of a source to all others, and from one source at a destination. */
export const MAX_RELAYED_TRANSFERS = 16

/**
 * Bytes of messages being put together, over all lanes of a node. What would pass it is refused, and its sender told.
 */
export const MAX_REASSEMBLY_BYTES = 1024 * MiB

/**
 * What a transfer takes of the message credit at most, for as long as its handler runs: so slow handlers slow large
 * messages too.
 */
export const TRANSFER_CREDIT_BYTES = MAX_CHUNK_BYTES
