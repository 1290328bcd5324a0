// The envelope of everything that users send: who, to whom, in which order, until when. Sequences count end to end per
// (source generation, destination generation, channel), so that delivery does not depend on a link or an overlay.

import { bytes, type Codec, choice, optional, struct, text, u8, varint } from './codec.ts'
import { MAX_ID_BYTES, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_SUBJECT_BYTES, MAX_TRACE_BYTES } from './limits.ts'
import { channelNumbers, encodingNumbers, envelopeKindNumbers } from './message-numbers.ts'
import { Reader } from './reader.ts'
import { PROTOCOL_VERSION } from './versions.ts'
import { write } from './writer.ts'

export interface Envelope {
  /**
   * `error` is the reply of a handler that failed or was missing: its payload is the error as JSON. `ack` is delivery speaking to
   * delivery: acknowledgements and floors. `newest`: a message of which only the newest of its key matters. `causal`: a message whose
   * payload begins with those it depends on.
   */
  readonly kind: 'message' | 'request' | 'reply' | 'error' | 'ack' | 'newest' | 'causal'
  /** Unique with (`source`, `sourceGeneration`). A reply or error carries the id of the request it answers. */
  readonly id: number
  readonly source: string
  readonly sourceGeneration: number
  readonly destination: string
  /** 0: the source does not know it yet. A destination of another generation refuses what was meant for an earlier life. */
  readonly destinationGeneration: number
  readonly channel: 'coordination' | 'events' | 'gossip' | 'data'
  readonly sequence: number
  /** Nothing below this sequence is sent again, so the receiver may stop waiting for it. 0: the message is not acknowledged. */
  readonly floor: number
  /** First in, first out per source and key. */
  readonly key: string | undefined
  /** The topology epoch in which it was sent; 0: not said, as nobody has to know it. */
  readonly epoch: number
  /** Hops travelled; a relay raises it and drops at its bound. */
  readonly hops: number
  /** W3C `traceparent`. */
  readonly trace: string | undefined
  /** Milliseconds that were left when this hop sent it: clocks of two machines are never compared. */
  readonly deadlineMs: number | undefined
  /** What a request asks for. */
  readonly subject: string | undefined
  /** What a message was published to. */
  readonly topic: string | undefined
  readonly encoding: 'bytes' | 'json'
  readonly payload: Uint8Array
}

const id = text(MAX_ID_BYTES)
const subject = optional(text(MAX_SUBJECT_BYTES))

export const envelope: Codec<Envelope> = struct({
  kind: choice(envelopeKindNumbers),
  id: varint,
  source: id,
  sourceGeneration: varint,
  destination: id,
  destinationGeneration: varint,
  channel: choice(channelNumbers),
  sequence: varint,
  floor: varint,
  key: optional(text(MAX_KEY_BYTES)),
  epoch: varint,
  hops: u8,
  trace: optional(text(MAX_TRACE_BYTES)),
  deadlineMs: optional(varint),
  subject,
  topic: subject,
  encoding: choice(encodingNumbers),
  payload: bytes(MAX_PAYLOAD_BYTES),
})

/** An envelope as the payload of a broadcast: bytes of their own. */
export function encodeEnvelope(value: Envelope): Uint8Array {
  return write(PROTOCOL_VERSION, (writer) => envelope.encode(writer, value)).slice()
}

/** Throws nothing but `WireError`. */
export function decodeEnvelope(from: Uint8Array): Envelope {
  const reader = new Reader(from)
  const value = envelope.decode(reader)
  reader.end()
  return value
}
