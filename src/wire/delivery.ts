// What delivery says to delivery, in the payload of an envelope of kind `ack`: acknowledgements from the destination of a
// stream to its source, floors from the source to its destination. The stream is that of the envelope: its channel and both generations.
// And what stands before the payload of a causal message: its place in the order of its topic.

import { type Acknowledgement, type CausalStamp, type Floor, MAX_FAILURES, MAX_RANGES } from '../../topology/index.ts'
import { bool, bytes, family, list, struct, text, union, varint } from './codec.ts'
import { MAX_DEPENDENCIES, MAX_FAILURE_BYTES, MAX_ID_BYTES } from './limits.ts'
import { deliveryNumbers } from './message-numbers.ts'
import { Reader } from './reader.ts'
import { PROTOCOL_VERSION } from './versions.ts'
import { write } from './writer.ts'

/** A failure is the error of a handler as JSON. */
export type DeliveryMessage =
  | ({ readonly type: 'acknowledgement' } & Acknowledgement<Uint8Array>)
  | ({ readonly type: 'floor' } & Floor)

const ranges = list(struct({ first: varint, last: varint }), MAX_RANGES)

const message = union(
  family(deliveryNumbers, {
    acknowledgement: struct({
      finishedThrough: varint,
      until: varint,
      finished: ranges,
      received: ranges,
      failures: list(struct({ sequence: varint, failure: bytes(MAX_FAILURE_BYTES) }), MAX_FAILURES),
      isAnswer: bool,
    }),
    floor: struct({ floor: varint, sentThrough: varint, skipped: ranges }),
  }),
)

/** The bytes of what delivery says. */
export function encodeDelivery(value: DeliveryMessage): Uint8Array {
  return write(PROTOCOL_VERSION, (writer) => message.encode(writer, value)).slice()
}

/** Throws nothing but `WireError`. */
export function decodeDelivery(payload: Uint8Array): DeliveryMessage {
  const reader = new Reader(payload)
  const value = message.decode(reader)
  reader.end()
  return value
}

const causalStamp = struct({
  sequence: varint,
  dependencies: list(struct({ source: text(MAX_ID_BYTES), generation: varint, sequence: varint }), MAX_DEPENDENCIES),
})

/** The payload of a causal message: its place, then what its publisher gave. */
export function encodeCausal(stamp: CausalStamp, payload: Uint8Array): Uint8Array {
  return write(PROTOCOL_VERSION, (writer) => {
    causalStamp.encode(writer, stamp)
    writer.fixed(payload, payload.length)
  }).slice()
}

/** The other end of {@link encodeCausal}; the payload is a view. Throws nothing but `WireError`. */
export function decodeCausal(bytes: Uint8Array): { stamp: CausalStamp; payload: Uint8Array } {
  const reader = new Reader(bytes)
  const stamp = causalStamp.decode(reader)
  return { stamp, payload: bytes.subarray(bytes.length - reader.remaining) }
}
