// The envelope of everything that users send. Its sequences count end to end, per (source generation, destination
// generation, channel), never per link or overlay: so a relay, a reconnect or a switch of the overlay changes nothing
// about order and duplicates. The algorithm over it is in `delivery.ts`; the fields are fixed here, for they are on the
// wire.

import type { MemberId } from '../types.ts'

/** The four lanes; each has its own sequences. */
export type ChannelName = 'coordination' | 'events' | 'gossip' | 'data'

export interface Envelope {
  /**
   * `message` wants no answer but its acknowledgement. `reply` and `error` answer a `request`; the payload of an error
   * is the error as JSON. `ack` is delivery speaking to delivery: acknowledgements and floors. Of `newest` only the
   * newest of its key matters; the payload of `causal` begins with what it depends on.
   */
  readonly kind: 'message' | 'request' | 'reply' | 'error' | 'ack' | 'newest' | 'causal'
  /**
   * Unique with `source` and `sourceGeneration`; 1 or more. A reply or an error carries the id of the request it
   * answers.
   */
  readonly id: number
  readonly source: MemberId
  /**
   * The life of the source that sent it. A new life starts its sequences anew and answers for nothing of the former.
   */
  readonly sourceGeneration: number
  readonly destination: MemberId
  /**
   * The life it is meant for; another one refuses it, so nothing is delivered twice over a restart. 0: the source does
   * not know it yet.
   */
  readonly destinationGeneration: number
  readonly channel: ChannelName
  /**
   * Counts from 1 in each (source generation, destination generation, channel), without gaps at the source. 0:
   * unordered and never resent.
   */
  readonly sequence: number
  /**
   * Nothing below this sequence is sent again: the receiver stops waiting for holes below it. At most `sequence`. 0:
   * the message is not acknowledged, `sequence` only orders its key.
   */
  readonly floor: number
  /** First in, first out among messages of one source with the same key. Undefined: no order is asked for. */
  readonly key: string | undefined
  /**
   * The topology epoch in which it was sent; 0: not said, which is what this version sends. Nothing is decided by it:
   * sequences are end to end, so a message is the same in every epoch, every hop takes it whatever its own epoch is,
   * and that there is another one is learned from the cluster record.
   */
  readonly epoch: number
  /** Hops travelled. A relay raises it, and drops what passed its bound: so nothing circles. */
  readonly hops: number
  /** W3C `traceparent` of the span that sent it. */
  readonly trace: string | undefined
  /** Milliseconds that were left when this hop sent it: clocks of two machines are never compared. Undefined: none. */
  readonly deadlineMs: number | undefined
  /**
   * What a request asks for. Of a message with a topic, empty: it was sent to this member and not published, so that
   * nobody there wants it is a failure.
   */
  readonly subject: string | undefined
  /** What a message was published to. */
  readonly topic: string | undefined
  readonly encoding: 'bytes' | 'json'
  readonly payload: Uint8Array
}
