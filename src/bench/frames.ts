// Frames as the baselines of the benchmarks have them: a length of four bytes, all frames of a turn in one write, and
// what came cut without copying unless it is cut by its end.

import { Buffer } from 'node:buffer'

export const LENGTH_BYTES = 4
/** Written and not yet taken by the kernel, past which the sender waits. */
export const MAX_IN_FLIGHT_BYTES = 512 * 1024
export const BATCH_BYTES = 64 * 1024

/** The first byte of a frame says what its receiver does with it. */
export const COUNT = 0
export const ECHO = 1

/** Cuts frames out of a stream. */
export class Cutter {
  readonly #onFrame: (frame: Buffer) => void
  #partial: Buffer | undefined
  #filled = 0
  #rest: Buffer = Buffer.alloc(0)

  constructor(onFrame: (frame: Buffer) => void) {
    this.#onFrame = onFrame
  }

  push(bytes: Buffer): void {
    let chunk = bytes
    let at = 0
    if (this.#partial !== undefined) {
      at = Math.min(chunk.length, this.#partial.length - this.#filled)
      chunk.copy(this.#partial, this.#filled, 0, at)
      this.#filled += at
      if (this.#filled < this.#partial.length) return
      this.#onFrame(this.#partial)
      this.#partial = undefined
    } else if (this.#rest.length > 0) {
      chunk = Buffer.concat([this.#rest, chunk])
      this.#rest = Buffer.alloc(0)
    }
    while (chunk.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + chunk.readUInt32BE(at)
      if (end > chunk.length) {
        this.#partial = Buffer.allocUnsafeSlow(end - at - LENGTH_BYTES)
        this.#filled = chunk.copy(this.#partial, 0, at + LENGTH_BYTES)
        return
      }
      this.#onFrame(chunk.subarray(at + LENGTH_BYTES, end))
      at = end
    }
    this.#rest = chunk.subarray(at)
  }
}

/** Collects frames in one buffer and writes all of a turn at once. */
export class Coalescer {
  readonly #write: (bytes: Buffer) => void
  #buffer: Buffer = Buffer.alloc(0)
  /** What of it is written, and what is filled. */
  #written = 0
  #filled = 0
  #isScheduled = false

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write
  }

  send(payload: Buffer): void {
    const length = LENGTH_BYTES + payload.length
    if (this.#filled + length > this.#buffer.length) this.#begin(Math.max(length, BATCH_BYTES))
    this.#buffer.writeUInt32BE(payload.length, this.#filled)
    this.#buffer.set(payload, this.#filled + LENGTH_BYTES)
    this.#filled += length
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  /** What is written may not be taken yet, so its buffer is used no more. */
  #begin(bytes: number): void {
    this.#flush()
    this.#buffer = Buffer.allocUnsafeSlow(bytes)
    this.#written = 0
    this.#filled = 0
  }

  #flush(): void {
    if (this.#filled === this.#written) return
    const bytes = this.#buffer.subarray(this.#written, this.#filled)
    this.#written = this.#filled
    this.#write(bytes)
  }
}

/** As many frames of `bytes` as are written at once. */
export function batchOf(bytes: number): Buffer {
  const perBatch = Math.max(1, Math.floor(BATCH_BYTES / (bytes + LENGTH_BYTES)))
  const payload = Buffer.alloc(bytes)
  payload[0] = COUNT
  const batch = Buffer.allocUnsafe(perBatch * (bytes + LENGTH_BYTES))
  for (let at = 0; at < batch.length; at += bytes + LENGTH_BYTES) {
    batch.writeUInt32BE(bytes, at)
    batch.set(payload, at + LENGTH_BYTES)
  }
  return batch
}
