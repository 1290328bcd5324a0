// Envelopes on a lane, written and read by hand: this is the one codec that runs for every message of a user, a million
// times a second. What both ends know anyway is left out: the channel is the lane's, and on a direct way the two ends
// are the two ends of the connection. Field by field it is described in docs/wire-format.md, "Envelopes on a lane".

import { Buffer } from 'node:buffer'
import type { Envelope } from './envelope.ts'
import { MAX_HOPS, MAX_ID_BYTES, MAX_KEY_BYTES, MAX_SUBJECT_BYTES, MAX_TRACE_BYTES } from './limits.ts'
import { envelopeKindNumbers } from './message-numbers.ts'
import { WireError } from './wire-error.ts'

/** The two ends of a connection and the lives in which they are. */
export interface LaneEnds {
  readonly channel: Envelope['channel']
  readonly self: string
  readonly selfGeneration: number
  readonly peer: string
  readonly peerGeneration: number
}

/** An envelope that came over a lane. */
export interface LaneEnvelope extends Envelope {
  /** What it took of the lane's credit: 0 for those that need none. */
  readonly laneBytes: number
}

/** First byte: three bits of kind, then these. */
const KIND_MASK = 0b111
const HAS_JSON = 1 << 3
const HAS_ORDER = 1 << 4
const HAS_ENDS = 1 << 5
const HAS_KEY = 1 << 6
const HAS_MORE = 1 << 7
/** Second byte, when the first says that there is one. */
const HAS_TOPIC = 1
const HAS_SUBJECT = 1 << 1
const HAS_TRACE = 1 << 2
const HAS_DEADLINE = 1 << 3
const HAS_EPOCH = 1 << 4
const HAS_HOPS = 1 << 5
const ALL_MORE = (1 << 6) - 1

/** Short texts are written character by character, which is faster than the call for long ones. */
const SHORT_TEXT = 48

const kinds = Object.keys(envelopeKindNumbers) as Envelope['kind'][]

/** Writes everything but the payload at `start`; there must be room for `MAX_LANE_HEAD_BYTES`. Gives where it ends. */
export function writeHead(bytes: Buffer, start: number, envelope: Envelope, ends: LaneEnds): number {
  const { sequence, floor, key, topic, subject, trace, deadlineMs, epoch, hops } = envelope
  let more = 0
  if (topic !== undefined) more |= HAS_TOPIC
  if (subject !== undefined) more |= HAS_SUBJECT
  if (trace !== undefined) more |= HAS_TRACE
  if (deadlineMs !== undefined) more |= HAS_DEADLINE
  if (epoch !== 0) more |= HAS_EPOCH
  if (hops !== 0) more |= HAS_HOPS
  let flags = envelopeKindNumbers[envelope.kind]
  if (envelope.encoding === 'json') flags |= HAS_JSON
  if (sequence !== 0 || floor !== 0) flags |= HAS_ORDER
  if (!isDirect(envelope, ends)) flags |= HAS_ENDS
  if (key !== undefined) flags |= HAS_KEY
  if (more !== 0) flags |= HAS_MORE
  let at = start
  bytes[at++] = flags
  if (more !== 0) bytes[at++] = more
  at = writeVarint(bytes, at, envelope.id)
  if ((flags & HAS_ENDS) !== 0) {
    at = writeText(bytes, at, envelope.source, MAX_ID_BYTES)
    at = writeVarint(bytes, at, envelope.sourceGeneration)
    at = writeText(bytes, at, envelope.destination, MAX_ID_BYTES)
    at = writeVarint(bytes, at, envelope.destinationGeneration)
  }
  if ((flags & HAS_ORDER) !== 0) {
    at = writeVarint(bytes, at, sequence)
    at = writeVarint(bytes, at, floor)
  }
  if (key !== undefined) at = writeText(bytes, at, key, MAX_KEY_BYTES)
  if (topic !== undefined) at = writeText(bytes, at, topic, MAX_SUBJECT_BYTES)
  if (subject !== undefined) at = writeText(bytes, at, subject, MAX_SUBJECT_BYTES)
  if (trace !== undefined) at = writeText(bytes, at, trace, MAX_TRACE_BYTES)
  if (deadlineMs !== undefined) at = writeVarint(bytes, at, deadlineMs)
  if (epoch !== 0) at = writeVarint(bytes, at, epoch)
  if (hops !== 0) {
    if (!Number.isInteger(hops) || hops < 0 || hops > MAX_HOPS) throw badNumber(hops)
    bytes[at++] = hops
  }
  return at
}

/** Acknowledgements and answers need no credit (design rule 11). */
export function isFree(kind: Envelope['kind']): boolean {
  return kind !== 'message' && kind !== 'request'
}

/** The same of a head as bytes. */
export function isFreeHead(head: Uint8Array): boolean {
  return (head[0]! & KIND_MASK) > envelopeKindNumbers.request
}

/** From an end of the connection to the other, both in the lives that the handshake named. */
function isDirect(envelope: Envelope, ends: LaneEnds): boolean {
  const { destinationGeneration } = envelope
  return (
    envelope.source === ends.self &&
    envelope.destination === ends.peer &&
    envelope.sourceGeneration === ends.selfGeneration &&
    (destinationGeneration === ends.peerGeneration || destinationGeneration === 0)
  )
}

/**
 * Reads heads. One for each connection: it keeps its place in fields, so that a head costs no object but the envelope.
 */
export class HeadReader {
  readonly #ends: LaneEnds
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  constructor(ends: LaneEnds) {
    this.#ends = ends
  }

  /**
   * The envelope in `bytes` from `start` to `end`, which takes `laneBytes` of credit if its kind needs any, its payload
   * being the rest behind the head: a view, not a copy. With `payload`, that is the payload, and nothing may follow the
   * head. Throws nothing but `WireError`.
   */
  read(bytes: Buffer, start: number, end: number, laneBytes: number, payload?: Uint8Array): LaneEnvelope {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    const flags = this.#byte()
    const more = (flags & HAS_MORE) === 0 ? 0 : this.#byte()
    const kind = kinds[flags & KIND_MASK]
    if (kind === undefined) throw new WireError('unknown-number', `no envelope has kind ${flags & KIND_MASK}`)
    if ((more & ~ALL_MORE) !== 0 || (more === 0 && (flags & HAS_MORE) !== 0)) {
      throw new WireError('bad-value', `flags of an envelope are ${more}`)
    }
    const id = this.#varint()
    const hasEnds = (flags & HAS_ENDS) !== 0
    const ends = this.#ends
    const source = hasEnds ? this.#text(MAX_ID_BYTES) : ends.peer
    const sourceGeneration = hasEnds ? this.#varint() : ends.peerGeneration
    const destination = hasEnds ? this.#text(MAX_ID_BYTES) : ends.self
    const destinationGeneration = hasEnds ? this.#varint() : ends.selfGeneration
    const hasOrder = (flags & HAS_ORDER) !== 0
    const envelope: LaneEnvelope = {
      kind,
      id,
      source,
      sourceGeneration,
      destination,
      destinationGeneration,
      channel: ends.channel,
      sequence: hasOrder ? this.#varint() : 0,
      floor: hasOrder ? this.#varint() : 0,
      key: (flags & HAS_KEY) === 0 ? undefined : this.#text(MAX_KEY_BYTES),
      topic: (more & HAS_TOPIC) === 0 ? undefined : this.#text(MAX_SUBJECT_BYTES),
      subject: (more & HAS_SUBJECT) === 0 ? undefined : this.#text(MAX_SUBJECT_BYTES),
      trace: (more & HAS_TRACE) === 0 ? undefined : this.#text(MAX_TRACE_BYTES),
      deadlineMs: (more & HAS_DEADLINE) === 0 ? undefined : this.#varint(),
      epoch: (more & HAS_EPOCH) === 0 ? 0 : this.#varint(),
      hops: (more & HAS_HOPS) === 0 ? 0 : this.#hops(),
      encoding: (flags & HAS_JSON) === 0 ? 'bytes' : 'json',
      payload: payload ?? this.#rest(),
      laneBytes: isFree(kind) ? 0 : laneBytes,
    }
    if (payload !== undefined && this.#at < end) {
      throw new WireError('trailing-bytes', `${end - this.#at} bytes after the head of an envelope`)
    }
    return envelope
  }

  #byte(): number {
    if (this.#at >= this.#end) throw truncated()
    return this.#bytes[this.#at++] as number
  }

  #hops(): number {
    const hops = this.#byte()
    if (hops === 0 || hops > MAX_HOPS) throw new WireError('bad-value', `an envelope has travelled ${hops} hops`)
    return hops
  }

  #varint(): number {
    let byte = this.#byte()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    let scale = 1
    while (byte >= 0x80) {
      byte = this.#byte()
      scale *= 128
      value += (byte & 0x7f) * scale
      // The second test bounds the loop: zero bits may follow each other for ever.
      if (value > Number.MAX_SAFE_INTEGER || scale > Number.MAX_SAFE_INTEGER) {
        throw new WireError('bad-value', 'a varint exceeds 2^53 - 1')
      }
    }
    if (byte === 0) throw new WireError('bad-value', 'a varint is padded')
    return value
  }

  #text(max: number): string {
    const length = this.#varint()
    if (length > max) throw new WireError('too-long', `a text of ${length} bytes exceeds ${max}`)
    const start = this.#at
    const end = start + length
    if (end > this.#end) throw truncated()
    this.#at = end
    const text = this.#bytes.toString('utf8', start, end)
    // Decoding puts U+FFFD where the bytes are wrong; only a text that has one can be wrong.
    if (text.includes('\ufffd') && !Buffer.from(text).equals(this.#bytes.subarray(start, end))) {
      throw new WireError('bad-utf8', 'a text is not UTF-8')
    }
    return text
  }

  #rest(): Uint8Array {
    const bytes = this.#bytes
    return new Uint8Array(bytes.buffer, bytes.byteOffset + this.#at, this.#end - this.#at)
  }
}

/** Writes an unsigned LEB128 number at `start` and gives where it ends. */
export function writeVarint(bytes: Uint8Array, start: number, value: number): number {
  let at = start
  if (value >= 0 && value < 0x80 && Number.isInteger(value)) {
    bytes[at++] = value
    return at
  }
  if (!Number.isSafeInteger(value) || value < 0) throw badNumber(value)
  let rest = value
  while (rest >= 0x80) {
    // Beyond 2^31 bit operations would cut the number.
    bytes[at++] = (rest % 128) | 0x80
    rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 128)
  }
  bytes[at++] = rest
  return at
}

function writeText(bytes: Buffer, start: number, value: string, max: number): number {
  const { length } = value
  if (length > max) throw tooLong(length, max)
  if (length <= SHORT_TEXT) {
    let at = start
    bytes[at++] = length
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code >= 0x80) return writeLongText(bytes, start, value, max)
      bytes[at++] = code
    }
    return at
  }
  return writeLongText(bytes, start, value, max)
}

function writeLongText(bytes: Buffer, start: number, value: string, max: number): number {
  const length = Buffer.byteLength(value)
  if (length > max) throw tooLong(length, max)
  if (!value.isWellFormed()) throw new WireError('bad-utf8', 'a text holds half a surrogate pair')
  const at = writeVarint(bytes, start, length)
  bytes.write(value, at, length)
  return at + length
}

function badNumber(value: number): WireError {
  return new WireError('bad-value', `${value} is no whole number that may stand here`)
}

function tooLong(length: number, max: number): WireError {
  return new WireError('too-long', `a text of ${length} bytes exceeds ${max}`)
}

function truncated(): WireError {
  return new WireError('truncated', 'an envelope ends inside a field')
}
