// What delivery says to delivery, in the payload of an envelope of kind `ack`: acknowledgements from the destination of
// a stream to its source, floors from the source to its destination; and payloads in pieces, where relays carry them.
// The stream is that of the envelope: its channel and both generations. And what stands before the payload of a causal
// message: its place in the order of its topic.

import {
  type Acknowledgement,
  type CausalStamp,
  type Floor,
  MAX_FAILURES,
  MAX_RANGES,
  PIECE_BYTES,
} from '../../topology/index.ts'
import { bool, bytes, choice, family, list, struct, text, union, varint } from './codec.ts'
import { MAX_DEPENDENCIES, MAX_FAILURE_BYTES, MAX_ID_BYTES, MAX_LANE_HEAD_BYTES } from './limits.ts'
import { deliveryNumbers, placedStateNumbers } from './message-numbers.ts'
import { Reader } from './reader.ts'
import { PROTOCOL_VERSION } from './versions.ts'
import { write } from './writer.ts'

/** A failure is the error of a handler as JSON. */
export type DeliveryMessage =
  | ({ readonly type: 'acknowledgement' } & Acknowledgement<Uint8Array>)
  | ({ readonly type: 'floor' } & Floor)
  | Piece
  | Placed

/** Source to destination: bytes of a payload that is larger than a chunk and travels over relays. */
export interface Piece {
  readonly type: 'piece'
  /** Counted in the life of its source. */
  readonly transfer: number
  /** Of the whole payload. */
  readonly bytes: number
  readonly offset: number
  /** That of the envelope, as on a lane; nothing but at offset 0. */
  readonly head: Uint8Array
  /** Nothing: only asks what is there. */
  readonly part: Uint8Array
}

/** Destination to source: everything below `through` is there, or what became of it all. */
export interface Placed {
  readonly type: 'placed'
  readonly transfer: number
  readonly through: number
  /** `done`: its handlers are done with it. `refused`: there is no memory for it. */
  readonly state: 'wanted' | 'done' | 'refused'
}

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
    piece: struct({
      transfer: varint,
      bytes: varint,
      offset: varint,
      head: bytes(MAX_LANE_HEAD_BYTES),
      part: bytes(PIECE_BYTES),
    }),
    placed: struct({ transfer: varint, through: varint, state: choice(placedStateNumbers) }),
  }),
)

/** The bytes of what delivery says. */
export function encodeDelivery(value: DeliveryMessage): Uint8Array {
  return new Uint8Array(write(PROTOCOL_VERSION, (writer) => message.encode(writer, value)))
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
  const written = write(PROTOCOL_VERSION, (writer) => {
    causalStamp.encode(writer, stamp)
    writer.fixed(payload, payload.length)
  })
  return new Uint8Array(written)
}

/** The other end of {@link encodeCausal}; the payload is a view. Throws nothing but `WireError`. */
export function decodeCausal(bytes: Uint8Array): { stamp: CausalStamp; payload: Uint8Array } {
  const reader = new Reader(bytes)
  const stamp = causalStamp.decode(reader)
  return { stamp, payload: bytes.subarray(bytes.length - reader.remaining) }
}
