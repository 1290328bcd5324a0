// Reads fields out of one message's bytes. Every method checks that what it takes is there before it takes or
// allocates anything, and throws nothing but `WireError`.

import { Buffer } from 'node:buffer'
import { PROTOCOL_VERSION } from './versions.ts'
import { WireError } from './wire-error.ts'

export class Reader {
  /** The version the bytes were written in; fields newer than that are not there. */
  readonly version: number
  readonly #bytes: Buffer
  #offset: number

  /** Begins at `start`. */
  constructor(bytes: Uint8Array, version: number = PROTOCOL_VERSION, start = 0) {
    this.version = version
    this.#offset = start
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  /** Where the next field begins. */
  get offset(): number {
    return this.#offset
  }

  /**
   * Takes the next bytes if they are those that lie between `from` and `to`; else it answers false, and nothing is
   * taken.
   */
  repeats(from: number, to: number): boolean {
    const skip = this.#offset - from
    // Past the end no byte is like another.
    for (let at = from; at < to; at++) if (this.#bytes[at] !== this.#bytes[at + skip]) return false
    this.#offset = to + skip
    return true
  }

  /** Throws unless everything was read: within a version, a message has exactly its fields. */
  end(): void {
    if (this.remaining > 0) throw new WireError('trailing-bytes', `${this.remaining} bytes after the message`)
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#take(2))
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#take(4))
  }

  f64(): number {
    const value = this.#bytes.readDoubleBE(this.#take(8))
    if (!Number.isFinite(value)) throw new WireError('bad-value', 'a number is not finite')
    return value
  }

  /** LEB128, at most 2^53 - 1, in its shortest form: each value has exactly one encoding. */
  varint(): number {
    let byte = this.u8()
    let value = byte & 0x7f
    let scale = 1
    while (byte >= 0x80) {
      byte = this.u8()
      scale *= 128
      value += (byte & 0x7f) * scale
      // The second test bounds the loop: zero bits may follow each other for ever.
      if (value > Number.MAX_SAFE_INTEGER || scale > Number.MAX_SAFE_INTEGER) {
        throw new WireError('bad-value', 'a varint exceeds 2^53 - 1')
      }
    }
    if (byte === 0 && scale > 1) throw new WireError('bad-value', 'a varint is padded')
    return value
  }

  /** A length or count: at most `max`, and at most what remains, for each item takes at least one byte. */
  length(max: number): number {
    const length = this.varint()
    if (length > max) throw new WireError('too-long', `a length of ${length} exceeds ${max}`)
    if (length > this.remaining) throw new WireError('truncated', `${length} announced, ${this.remaining} bytes left`)
    return length
  }

  /** UTF-8 of at most `max` bytes. */
  text(max: number): string {
    const length = this.length(max)
    const start = this.#take(length)
    const text = this.#bytes.toString('utf8', start, start + length)
    // Decoding puts U+FFFD where the bytes are wrong; only a text that has one can be wrong.
    if (text.includes('\ufffd') && !this.#isUtf8(start, length)) throw new WireError('bad-utf8', 'a text is not UTF-8')
    return text
  }

  /** A copy of at most `max` bytes: what was read stays valid when the chunk it came in is gone. */
  bytes(max: number): Uint8Array {
    const length = this.length(max)
    const start = this.#take(length)
    return new Uint8Array(this.#bytes.subarray(start, start + length))
  }

  /** The same where they lie: gone with the chunk that they came in. */
  view(max: number): Uint8Array {
    const length = this.length(max)
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  /** A copy of exactly `length` bytes. */
  fixed(length: number): Uint8Array {
    const start = this.#take(length)
    return new Uint8Array(this.#bytes.subarray(start, start + length))
  }

  #isUtf8(start: number, length: number): boolean {
    return Buffer.from(this.#bytes.toString('utf8', start, start + length)).equals(
      this.#bytes.subarray(start, start + length),
    )
  }

  #take(length: number): number {
    const start = this.#offset
    if (length > this.#bytes.length - start) {
      throw new WireError('truncated', `${length} bytes wanted, ${this.remaining} left`)
    }
    this.#offset = start + length
    return start
  }
}
