// Frames that wait to be sent, written one after the other into slabs: so a message costs no object of its own, and
// what is queued leaves in as few writes as there are slabs.
//
//   slab   | sent | waiting ........ | free |        sent <= taken <= written
//                 ^taken             ^written

import { Buffer } from 'node:buffer'
import { freeMemory } from '../transport/free-memory.ts'
import { frameLength } from '../wire/lane-frames.ts'
import { MAX_LANE_FRAME_BYTES } from '../wire/limits.ts'

/** Two frames of the largest kind fit. */
const SLAB_BYTES = 2 * (MAX_LANE_FRAME_BYTES + 64)
/**
 * Free slabs that are kept for whoever needs one next. The memory of others is freed at once: old as it is, it would be
 * left until V8 marks its heap.
 */
const MAX_FREE_SLABS = 32
/**
 * Of the slabs that nobody needed while so many were opened, none is kept: what a burst left is given back. A guess.
 */
const OPENINGS_BETWEEN_LOOKS = 256

export interface Slab {
  readonly bytes: Buffer
  /** Where the next frame goes. */
  written: number
  /** Up to here frames have been taken. */
  taken: number
  /** Writes of its bytes that are under way. */
  writing: number
  /** When its first frame was queued. */
  since: number
  /** Nobody will write into it again. */
  isSealed: boolean
}

/** Frames on their way to the connection. */
export interface Taken {
  readonly bytes: Buffer
  readonly messages: number
  readonly slab: Slab
}

/** The one that was used last is used next. */
const free: Buffer[] = []
/** So many were free all the time since the last look. */
let unneeded = 0
let openings = 0

function openSlab(now: number): Slab {
  const bytes = free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES)
  unneeded = Math.min(unneeded, free.length)
  openings += 1
  if (openings % OPENINGS_BETWEEN_LOOKS === 0) {
    for (const unused of free.splice(0, unneeded)) freeMemory(unused)
    unneeded = free.length
  }
  return { bytes, written: 0, taken: 0, writing: 0, since: now, isSealed: false }
}

/** A write of bytes of `slab` is over; when nobody needs them any more, the memory is used again. */
export function finished(slab: Slab): void {
  slab.writing -= 1
  recycle(slab)
}

function recycle(slab: Slab): void {
  const isUsed = slab.writing > 0 || !slab.isSealed || slab.taken < slab.written
  if (isUsed) return
  if (free.length < MAX_FREE_SLABS) free.push(slab.bytes)
  else freeMemory(slab.bytes)
}

export class FrameQueue {
  readonly #slabs: Slab[] = []
  #messages = 0
  #bytes = 0

  get messages(): number {
    return this.#messages
  }

  get bytes(): number {
    return this.#bytes
  }

  /** When the oldest frame was queued, not later; undefined when there is none. */
  get since(): number | undefined {
    return this.#messages === 0 ? undefined : this.#slabs[0]?.since
  }

  /**
   * A slab with room for a frame of `length` bytes behind `slab.written`; {@link commit} tells how many it has become.
   */
  reserve(length: number, now: () => number): Slab {
    const last = this.#slabs.at(-1)
    if (last !== undefined && last.written + length <= SLAB_BYTES) {
      if (last.taken === last.written) last.since = now()
      return last
    }
    if (last !== undefined) {
      last.isSealed = true
      if (last.taken === last.written) this.#leave(last)
    }
    const slab = openSlab(now())
    this.#slabs.push(slab)
    return slab
  }

  commit(slab: Slab, end: number): void {
    this.#bytes += end - slab.written
    this.#messages += 1
    slab.written = end
  }

  /**
   * Whole frames from the front, from one slab, that fit into `limit` bytes; undefined when there are none. Call
   * {@link finished} when they are written.
   */
  take(limit: number): Taken | undefined {
    const slab = this.#first()
    if (slab === undefined) return undefined
    const { bytes, taken, written } = slab
    let end = taken
    let messages = 0
    while (end < written) {
      const next = end + 4 + frameLength(bytes, end)
      if (next - taken > limit) break
      end = next
      messages += 1
    }
    if (messages === 0) return undefined
    slab.taken = end
    slab.writing += 1
    this.#messages -= messages
    this.#bytes -= end - taken
    if (end === written) this.#exhausted(slab)
    return { bytes: bytes.subarray(taken, end), messages, slab }
  }

  /** Drops the oldest frame. */
  dropOldest(): void {
    const slab = this.#first()
    if (slab === undefined) return
    const length = 4 + frameLength(slab.bytes, slab.taken)
    slab.taken += length
    this.#messages -= 1
    this.#bytes -= length
    if (slab.taken === slab.written) this.#exhausted(slab)
  }

  /** Drops everything; gives how many messages that were. */
  clear(): number {
    const dropped = this.#messages
    for (const slab of this.#slabs.splice(0)) {
      slab.isSealed = true
      slab.taken = slab.written
      recycle(slab)
    }
    this.#messages = 0
    this.#bytes = 0
    return dropped
  }

  #first(): Slab | undefined {
    return this.#messages === 0 ? undefined : this.#slabs[0]
  }

  /** All of it is taken. An idle queue keeps no memory. */
  #exhausted(slab: Slab): void {
    slab.isSealed = true
    this.#leave(slab)
  }

  #leave(slab: Slab): void {
    const at = this.#slabs.indexOf(slab)
    if (at >= 0) this.#slabs.splice(at, 1)
    recycle(slab)
  }
}
