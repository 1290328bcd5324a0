// What one overlay says to itself on another member. The bytes are the overlay's own, so that one that a user brings
// travels like the built-in ones; the epoch keeps what is left of an earlier overlay from being taken for the next one's.

import { bytes, struct, varint } from './codec.ts'
import { MAX_OVERLAY_MESSAGE_BYTES } from './limits.ts'

/** Overlay to the same overlay at a neighbor. The receiver reads it with the codec of the overlay of that epoch, and drops it when it has none. */
export interface OverlayFrame {
  readonly type: 'overlay'
  /** Of the topology to which the overlay belongs. */
  readonly epoch: number
  readonly payload: Uint8Array
}

export const overlayFrame = struct({ epoch: varint, payload: bytes(MAX_OVERLAY_MESSAGE_BYTES) })
