// What one overlay says to itself on another member. The bytes are the overlay's own, so that one that a user brings
// travels like the built-in ones; the epoch keeps what is left of an earlier overlay from being taken for the next
// one's.

import type { OverlayCodec } from '../../topology/overlay.ts'
import { bytes, type Codec, struct, varint } from './codec.ts'
import { MAX_OVERLAY_MESSAGE_BYTES } from './limits.ts'
import { Reader } from './reader.ts'
import { PROTOCOL_VERSION } from './versions.ts'
import { write } from './writer.ts'

/**
 * Overlay to the same overlay at a neighbor. The receiver reads it with the codec of the overlay of that epoch, and
 * drops it when it has none.
 */
export interface OverlayFrame {
  readonly type: 'overlay'
  /** Of the topology to which the overlay belongs. */
  readonly epoch: number
  readonly payload: Uint8Array
}

export const overlayFrame = struct({ epoch: varint, payload: bytes(MAX_OVERLAY_MESSAGE_BYTES) })

/** What a codec of this folder makes of an overlay's messages. Decoding throws nothing but `WireError`. */
export function overlayCodec<Message>(codec: Codec<Message>): OverlayCodec<Message> {
  return {
    encode: (message) => write(PROTOCOL_VERSION, (writer) => codec.encode(writer, message)),
    decode: (payload) => {
      const reader = new Reader(payload)
      const message = codec.decode(reader)
      reader.end()
      return message
    },
  }
}
