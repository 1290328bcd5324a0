// Frames of a lane: cut out of the stream, and written. What a frame holds is never copied more than once: a whole
// frame is handed on as it lies in its chunk, one that is cut by a chunk's end is put together in a buffer of exactly
// its length, and the bytes of a transfer are handed on piece by piece, to be put where they belong.

import { Buffer } from 'node:buffer'
import { FRAME_HEADER_BYTES } from './frame.ts'
import { writeVarint } from './lane-envelope.ts'
import { MAX_CHUNK_BYTES, MAX_LANE_FRAME_BYTES } from './limits.ts'
import { frameNumbers } from './message-numbers.ts'
import { WireError } from './wire-error.ts'

/** Length, kind, and the number of the transfer. */
export const CHUNK_HEADER_BYTES = FRAME_HEADER_BYTES + 4

/** Gets what a stream of frames holds. */
export interface LaneFrameHandler {
  /**
   * A whole frame of any kind but a chunk; its body lies in `bytes` from `start` to `end`. The bytes are the handler's.
   */
  frame(kind: number, bytes: Buffer, start: number, end: number): void
  /**
   * The next bytes of a transfer, to be copied. `isLast`: the chunk, of `frameBytes` with its header, ends with them.
   */
  piece(transfer: number, bytes: Buffer, start: number, end: number, frameBytes: number, isLast: boolean): void
}

/** Cuts the chunks of one connection into frames. After it has thrown a `WireError`, close the connection. */
export class LaneFrameSplitter {
  readonly #handler: LaneFrameHandler
  /** The beginning of a frame whose length and kind are not here yet. */
  readonly #header = Buffer.alloc(CHUNK_HEADER_BYTES)
  #headerLength = 0
  /** A frame that is not complete, and how much of it is here. */
  #partial: Buffer | undefined
  #partialLength = 0
  /** The chunk of a transfer that is being handed on. */
  #transfer = 0
  #chunkBytes = 0
  #chunkLeft = 0
  /** A frame was handed on as it lies in the chunk at hand. */
  #isKept = false

  constructor(handler: LaneFrameHandler) {
    this.#handler = handler
  }

  /** Hands on all that `chunk` completes. True: whatever it held was copied, nobody needs its memory. */
  push(chunk: Buffer): boolean {
    let at = 0
    this.#isKept = false
    const { length } = chunk
    while (at < length) {
      if (this.#chunkLeft > 0) at = this.#passPiece(chunk, at)
      else if (this.#partial !== undefined) at = this.#fill(this.#partial, chunk, at)
      else if (this.#headerLength > 0) at = this.#fillHeader(chunk, at)
      else at = this.#cut(chunk, at)
    }
    return !this.#isKept
  }

  /** A frame begins at `at`. */
  #cut(chunk: Buffer, at: number): number {
    const left = chunk.length - at
    if (left < FRAME_HEADER_BYTES) return this.#fillHeader(chunk, at)
    const kind = chunk[at + 4] as number
    const end = at + 4 + frameLength(chunk, at)
    if (kind === frameNumbers['lane-chunk']) {
      if (left < CHUNK_HEADER_BYTES) return this.#fillHeader(chunk, at)
      this.#beginChunk(chunk, at, end - at)
      return at + CHUNK_HEADER_BYTES
    }
    if (end > chunk.length) return this.#beginPartial(end - at, chunk, at)
    this.#isKept = true
    this.#handler.frame(kind, chunk, at + FRAME_HEADER_BYTES, end)
    return end
  }

  #fillHeader(chunk: Buffer, from: number): number {
    const header = this.#header
    let at = from
    while (at < chunk.length) {
      header[this.#headerLength++] = chunk[at++] as number
      if (this.#headerLength < FRAME_HEADER_BYTES) continue
      const isChunk = header[4] === frameNumbers['lane-chunk']
      if (isChunk && this.#headerLength < CHUNK_HEADER_BYTES) continue
      const length = 4 + frameLength(header, 0)
      const begun = this.#headerLength
      this.#headerLength = 0
      if (isChunk) this.#beginChunk(header, 0, length)
      else this.#beginPartial(length, header.subarray(0, begun), 0)
      return at
    }
    return at
  }

  #beginPartial(length: number, chunk: Buffer, at: number): number {
    const partial = Buffer.allocUnsafeSlow(length)
    this.#partialLength = 0
    this.#partial = partial
    return this.#fill(partial, chunk, at)
  }

  #fill(partial: Buffer, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + partial.length - this.#partialLength)
    partial.set(at === 0 && end === chunk.length ? chunk : chunk.subarray(at, end), this.#partialLength)
    this.#partialLength += end - at
    if (this.#partialLength === partial.length) {
      this.#partial = undefined
      this.#handler.frame(partial[4] as number, partial, FRAME_HEADER_BYTES, partial.length)
    }
    return end
  }

  #beginChunk(header: Buffer, at: number, length: number): void {
    if (length <= CHUNK_HEADER_BYTES || length > CHUNK_HEADER_BYTES + MAX_CHUNK_BYTES) {
      throw new WireError('bad-value', `a chunk's frame has ${length} bytes`)
    }
    this.#transfer = header.readUInt32BE(at + FRAME_HEADER_BYTES)
    this.#chunkBytes = length
    this.#chunkLeft = length - CHUNK_HEADER_BYTES
  }

  #passPiece(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#chunkLeft)
    this.#chunkLeft -= end - at
    this.#handler.piece(this.#transfer, chunk, at, end, this.#chunkBytes, this.#chunkLeft === 0)
    return end
  }
}

/** The length of the frame that begins at `at`, without itself. */
export function frameLength(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] as number) * 0x1000000
  const length = high + ((bytes[at + 1] as number) << 16) + ((bytes[at + 2] as number) << 8) + (bytes[at + 3] as number)
  if (length === 0) throw new WireError('bad-value', 'a frame is empty')
  if (length > MAX_LANE_FRAME_BYTES) {
    throw new WireError('too-long', `a frame of ${length} bytes exceeds ${MAX_LANE_FRAME_BYTES}`)
  }
  return length
}

/** Writes length and kind of a frame that goes from `start` to `end`. */
export function writeFrameHeader(bytes: Uint8Array, start: number, end: number, kind: number): void {
  const length = end - start - 4
  bytes[start] = length >>> 24
  bytes[start + 1] = length >>> 16
  bytes[start + 2] = length >>> 8
  bytes[start + 3] = length
  bytes[start + 4] = kind
}

/** A frame of a few numbers. */
export function smallFrame(kind: number, ...numbers: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + 8 * numbers.length)
  let at = FRAME_HEADER_BYTES
  for (const number of numbers) at = writeVarint(bytes, at, number)
  writeFrameHeader(bytes, 0, at, kind)
  return bytes.subarray(0, at)
}
