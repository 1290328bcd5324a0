// Writes fields into one growing buffer. Messages are cut from a shared slab one after the other, so that a small one
// costs no allocation of its own. A value that no reader would accept is refused here with the same `WireError`.

import { Buffer } from 'node:buffer'
import { PROTOCOL_VERSION } from './versions.ts'
import { WireError } from './wire-error.ts'

const SLAB_BYTES = 64 * 1024
/** Less free space than this is not worth keeping. */
const SMALLEST_FREE_BYTES = 1024

/** The free rest of the shared slab; undefined while a message is being written into it. */
let free: Buffer | undefined = Buffer.allocUnsafeSlow(SLAB_BYTES)

/**
 * Runs `body` on a new writer and gives what it wrote. When `body` throws, nothing is kept. The bytes share memory with
 * other messages: who keeps them for long keeps up to 64 KiB with them, and copies instead.
 */
export function write(version: number, body: (writer: Writer) => void): Uint8Array {
  const shared = free
  if (shared === undefined) return writeInto(Buffer.allocUnsafe(SMALLEST_FREE_BYTES), version, body).written
  free = undefined
  let rest = shared
  try {
    const writer = writeInto(shared, version, body)
    rest = writer.rest
    return writer.written
  } finally {
    free = rest.length < SMALLEST_FREE_BYTES ? Buffer.allocUnsafeSlow(SLAB_BYTES) : rest
  }
}

function writeInto(space: Buffer, version: number, body: (writer: Writer) => void): Writer {
  const writer = new Writer(space, version)
  body(writer)
  return writer
}

/** Made by {@link write}. */
export class Writer {
  /** The version to write in; fields newer than that are left out. */
  readonly version: number
  #buffer: Buffer
  #offset = 0

  constructor(space: Buffer, version: number = PROTOCOL_VERSION) {
    this.version = version
    this.#buffer = space
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#offset
  }

  /** What was written so far. */
  get written(): Uint8Array {
    return this.#buffer.subarray(0, this.#offset)
  }

  /** The space behind it. */
  get rest(): Buffer {
    return this.#buffer.subarray(this.#offset)
  }

  /** Begins anew in the same space: what `written` gave before is overwritten. */
  clear(): void {
    this.#offset = 0
  }

  u8(value: number): void {
    checkInteger(value, 0xff)
    const offset = this.#claim(1)
    this.#buffer[offset] = value
  }

  u16(value: number): void {
    checkInteger(value, 0xffff)
    const offset = this.#claim(2)
    this.#buffer.writeUInt16BE(value, offset)
  }

  u32(value: number): void {
    checkInteger(value, 0xffffffff)
    const offset = this.#claim(4)
    this.#buffer.writeUInt32BE(value, offset)
  }

  /** Overwrites four bytes written before: the length of a frame is known last. */
  u32At(position: number, value: number): void {
    this.#buffer.writeUInt32BE(value, position)
  }

  f64(value: number): void {
    if (!Number.isFinite(value)) throw new WireError('bad-value', 'a number is not finite')
    const offset = this.#claim(8)
    this.#buffer.writeDoubleBE(value, offset)
  }

  varint(value: number): void {
    checkInteger(value, Number.MAX_SAFE_INTEGER)
    let offset = this.#claim(8)
    let rest = value
    while (rest >= 0x80) {
      // Beyond 2^31 bit operations would cut the number.
      this.#buffer[offset++] = (rest % 128) | 0x80
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 128)
    }
    this.#buffer[offset++] = rest
    this.#offset = offset
  }

  text(value: string, max: number): void {
    const length = Buffer.byteLength(value)
    if (length > max) throw new WireError('too-long', `a text of ${length} bytes exceeds ${max}`)
    if (!value.isWellFormed()) throw new WireError('bad-utf8', 'a text holds half a surrogate pair')
    this.varint(length)
    const offset = this.#claim(length)
    this.#buffer.write(value, offset, length)
  }

  bytes(value: Uint8Array, max: number): void {
    if (value.length > max) throw new WireError('too-long', `${value.length} bytes exceed ${max}`)
    this.varint(value.length)
    const offset = this.#claim(value.length)
    this.#buffer.set(value, offset)
  }

  fixed(value: Uint8Array, length: number): void {
    if (value.length !== length) throw new WireError('bad-value', `${value.length} bytes where ${length} belong`)
    const offset = this.#claim(length)
    this.#buffer.set(value, offset)
  }

  /** Where the next `length` bytes go; moves on to a larger buffer when this one is full. */
  #claim(length: number): number {
    const offset = this.#offset
    if (offset + length > this.#buffer.length) return this.#grow(length)
    this.#offset = offset + length
    return offset
  }

  #grow(length: number): number {
    const written = this.#offset
    const needed = written + length
    const next = Buffer.allocUnsafeSlow(needed <= SLAB_BYTES / 4 ? SLAB_BYTES : 2 * needed)
    next.set(this.written)
    this.#buffer = next
    this.#offset = needed
    return written
  }
}

function checkInteger(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new WireError('bad-value', `${value} is no whole number from 0 to ${max}`)
  }
}
