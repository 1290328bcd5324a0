// Messages that are larger than a chunk, at both ends of one connection. The sender announces head and length, then
// cuts the payload as credit comes; the receiver puts it together in one buffer, into which every byte is copied
// exactly once. Chunks have a credit of their own, which comes back as they are put in place: it depends on no handler,
// so a large reply reaches a handler that waits for it.

import { Buffer } from 'node:buffer'
import type { Envelope } from '../wire/envelope.ts'
import { FRAME_HEADER_BYTES } from '../wire/frame.ts'
import { type HeadReader, type LaneEnds, type LaneEnvelope, writeHead, writeVarint } from '../wire/lane-envelope.ts'
import { CHUNK_HEADER_BYTES, writeFrameHeader } from '../wire/lane-frames.ts'
import { MAX_CHUNK_BYTES, MAX_LANE_HEAD_BYTES, MAX_OPEN_TRANSFERS, MAX_TRANSFER_BYTES } from '../wire/limits.ts'
import { frameNumbers } from '../wire/message-numbers.ts'
import { WireError } from '../wire/wire-error.ts'
import { MAX_REASSEMBLY_BYTES, TRANSFER_CREDIT_BYTES } from './lane-limits.ts'

/** Number and length before the head, each at most as long as a varint gets. */
const ANNOUNCEMENT_BYTES = FRAME_HEADER_BYTES + 16 + MAX_LANE_HEAD_BYTES

/** What a transfer takes of the message credit until its handler is done. */
export function transferCredit(total: number): number {
  return Math.min(total, TRANSFER_CREDIT_BYTES)
}

/** A payload on its way out. */
export class OutgoingTransfer {
  readonly number: number
  readonly envelope: Envelope
  #offset = 0

  constructor(number: number, envelope: Envelope) {
    this.number = number
    this.envelope = envelope
  }

  get isDone(): boolean {
    return this.#offset === this.envelope.payload.length
  }

  /** The frame that begins it. Throws `WireError` when the head is one that no receiver takes. */
  announce(ends: LaneEnds): Buffer {
    const bytes = Buffer.allocUnsafe(ANNOUNCEMENT_BYTES)
    let at = writeVarint(bytes, FRAME_HEADER_BYTES, this.number)
    at = writeVarint(bytes, at, this.envelope.payload.length)
    at = writeHead(bytes, at, this.envelope, ends)
    writeFrameHeader(bytes, 0, at, frameNumbers['lane-transfer'])
    return bytes.subarray(0, at)
  }

  /** Writes the next chunk at `start`, where there is room for the largest, and gives where it ends. */
  writeChunk(bytes: Buffer, start: number): number {
    const { payload } = this.envelope
    const from = this.#offset
    const to = Math.min(payload.length, from + MAX_CHUNK_BYTES)
    const end = start + CHUNK_HEADER_BYTES + to - from
    bytes.set(payload.subarray(from, to), start + CHUNK_HEADER_BYTES)
    bytes.writeUInt32BE(this.number, start + FRAME_HEADER_BYTES)
    writeFrameHeader(bytes, start, end, frameNumbers['lane-chunk'])
    this.#offset = to
    return end
  }
}

/** Memory for messages that are being put together, of one node. */
export class ReassemblyBudget {
  readonly #limit: number
  #reserved = 0

  constructor(limit: number = MAX_REASSEMBLY_BYTES) {
    this.#limit = limit
  }

  get reserved(): number {
    return this.#reserved
  }

  reserve(bytes: number): boolean {
    if (this.#reserved + bytes > this.#limit) return false
    this.#reserved += bytes
    return true
  }

  release(bytes: number): void {
    this.#reserved -= bytes
  }
}

interface Incoming {
  readonly head: Buffer
  readonly payload: Buffer
  filled: number
}

/** The messages that one connection's receiver is putting together. */
export class IncomingTransfers {
  readonly #open = new Map<number, Incoming>()
  readonly #budget: ReassemblyBudget
  readonly #reader: HeadReader

  constructor(budget: ReassemblyBudget, reader: HeadReader) {
    this.#budget = budget
    this.#reader = reader
  }

  /** False: there is no memory for it; its pieces will be thrown away. */
  begin(number: number, total: number, head: Buffer): boolean {
    if (total <= MAX_CHUNK_BYTES || total > MAX_TRANSFER_BYTES)
      throw new WireError('bad-value', `a transfer of ${total} bytes`)
    if (this.#open.has(number)) throw new WireError('bad-value', `transfer ${number} is open already`)
    if (this.#open.size >= MAX_OPEN_TRANSFERS) throw new WireError('too-long', 'too many transfers at once')
    if (!this.#budget.reserve(total)) return false
    this.#open.set(number, { head, payload: Buffer.allocUnsafeSlow(total), filled: 0 })
    return true
  }

  /** The envelope, once its last byte is here. */
  add(number: number, bytes: Buffer, start: number, end: number): LaneEnvelope | undefined {
    const incoming = this.#open.get(number)
    // One that was refused, and whose chunks were on their way.
    if (incoming === undefined) return undefined
    const { head, payload, filled } = incoming
    if (filled + end - start > payload.length) throw new WireError('too-long', `transfer ${number} has bytes too many`)
    payload.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), filled)
    incoming.filled += end - start
    if (incoming.filled < payload.length) return undefined
    this.#close(number, incoming)
    const whole = new Uint8Array(payload.buffer, payload.byteOffset, payload.length)
    return this.#reader.read(head, 0, head.length, transferCredit(whole.length), whole)
  }

  close(): void {
    for (const [number, incoming] of [...this.#open]) this.#close(number, incoming)
  }

  #close(number: number, { payload }: Incoming): void {
    this.#open.delete(number)
    this.#budget.release(payload.length)
  }
}
