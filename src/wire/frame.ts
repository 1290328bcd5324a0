// Cuts a stream of bytes into frames. Grammar: frame = length (u32, big-endian, counts what follows) kind (u8) body.
// A frame that lies within one chunk is a view into that chunk; only one that is cut by a chunk's end is copied, into a
// buffer that grows with what has really come, never with what was announced.

import { Buffer } from 'node:buffer'
import { WireError } from './wire-error.ts'

/** Length and kind. */
export const FRAME_HEADER_BYTES = 5
const LENGTH_BYTES = 4
const SMALLEST_PARTIAL_BYTES = 1024

/** One frame. `body` may be a view into the chunk it came in: valid until that chunk's owner takes it back. */
export interface Frame {
  readonly kind: number
  readonly body: Uint8Array
}

/**
 * Push a chunk, then take frames until there is none; only then does nothing refer to the chunk any more.
 * After a `WireError` the stream has no next frame: close the connection.
 */
export class FrameSplitter {
  readonly #maxFrameBytes: number
  #chunk: Uint8Array = new Uint8Array(0)
  #offset = 0
  #partial = Buffer.alloc(0)
  #partialLength = 0

  /** `maxFrameBytes` bounds kind and body together. */
  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes
  }

  /** Bytes of a frame that is not complete yet, kept here. At most `maxFrameBytes` and the length before it. */
  get bufferedBytes(): number {
    return this.#partialLength
  }

  /** Takes the next chunk. Invariant: the last one has been used up. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#offset = 0
  }

  /** The next frame, or undefined when the rest of the chunk holds none; the rest is then kept. */
  next(): Frame | undefined {
    if (this.#partialLength > 0) return this.#completePartial()
    const left = this.#chunk.length - this.#offset
    if (left >= LENGTH_BYTES) {
      const end = this.#offset + LENGTH_BYTES + this.#frameLength(this.#chunk, this.#offset)
      if (end <= this.#chunk.length) {
        const start = this.#offset
        this.#offset = end
        return frameAt(this.#chunk, start, end)
      }
    }
    this.#keep(left)
    return undefined
  }

  /** What was pushed and not taken as a frame, as a copy; the splitter is empty afterwards. */
  takeRest(): Uint8Array {
    const rest = Buffer.concat([this.#partial.subarray(0, this.#partialLength), this.#chunk.subarray(this.#offset)])
    this.#partialLength = 0
    this.push(new Uint8Array(0))
    return rest
  }

  #completePartial(): Frame | undefined {
    if (this.#partialLength < LENGTH_BYTES) this.#keep(LENGTH_BYTES - this.#partialLength)
    if (this.#partialLength < LENGTH_BYTES) return undefined
    const end = LENGTH_BYTES + this.#frameLength(this.#partial, 0)
    this.#keep(end - this.#partialLength)
    if (this.#partialLength < end) return undefined
    const frame = frameAt(this.#partial, 0, end)
    this.#partial = Buffer.alloc(0)
    this.#partialLength = 0
    return frame
  }

  /** Moves at most `wanted` bytes of the chunk into the partial frame. */
  #keep(wanted: number): void {
    const length = Math.min(wanted, this.#chunk.length - this.#offset)
    if (length === 0) return
    const needed = this.#partialLength + length
    if (needed > this.#partial.length) {
      const next = Buffer.allocUnsafeSlow(Math.max(SMALLEST_PARTIAL_BYTES, 2 * needed))
      next.set(this.#partial.subarray(0, this.#partialLength))
      this.#partial = next
    }
    this.#partial.set(this.#chunk.subarray(this.#offset, this.#offset + length), this.#partialLength)
    this.#partialLength = needed
    this.#offset += length
  }

  #frameLength(bytes: Uint8Array, at: number): number {
    const length = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8)
    const unsigned = (length | (bytes[at + 3] as number)) >>> 0
    if (unsigned === 0) throw new WireError('bad-value', 'a frame is empty')
    if (unsigned > this.#maxFrameBytes) {
      throw new WireError('too-long', `a frame of ${unsigned} bytes exceeds ${this.#maxFrameBytes}`)
    }
    return unsigned
  }
}

function frameAt(bytes: Uint8Array, start: number, end: number): Frame {
  return { kind: bytes[start + LENGTH_BYTES] as number, body: bytes.subarray(start + FRAME_HEADER_BYTES, end) }
}
