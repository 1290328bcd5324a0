// How the envelope of everything that users send travels; what its fields mean stands with the interface.

import type { Envelope } from '../../topology/delivery/envelope.ts'
import { bytes, type Codec, choice, optional, struct, text, u8, varint } from './codec.ts'
import { MAX_ID_BYTES, MAX_KEY_BYTES, MAX_PAYLOAD_BYTES, MAX_SUBJECT_BYTES, MAX_TRACE_BYTES } from './limits.ts'
import { channelNumbers, encodingNumbers, envelopeKindNumbers } from './message-numbers.ts'
import { Reader } from './reader.ts'
import { PROTOCOL_VERSION } from './versions.ts'
import { write } from './writer.ts'

export type { Envelope }

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
  return new Uint8Array(write(PROTOCOL_VERSION, (writer) => envelope.encode(writer, value)))
}

/** Throws nothing but `WireError`. */
export function decodeEnvelope(from: Uint8Array): Envelope {
  const reader = new Reader(from)
  const value = envelope.decode(reader)
  reader.end()
  return value
}
