// The two datagrams of liveness (design rule 6), each 205 bytes: an answer is never longer than its question, so nobody
// can use a worker to send others more than it was sent. Both carry an HMAC-SHA256 of a key that is made of the cluster
// secret, over all that stands before it, the kind among it; a question's nonce ties the answer to it.
// `docs/wire-format.md` has the layout.

import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'

const MAGIC = Buffer.from('TRL1')
const QUESTION = 1
const ANSWER = 2
export const NONCE_BYTES = 16
const ID_BYTES = 64
const MAC_BYTES = 32
const FROM = MAGIC.length + 1 + NONCE_BYTES
const TO = FROM + ID_BYTES
const GENERATION = TO + ID_BYTES
const AGE = GENERATION + 8
const CONDITION = AGE + 8
const BODY_BYTES = CONDITION + 8
/** Of every datagram. */
export const DATAGRAM_BYTES = BODY_BYTES + MAC_BYTES

/** What a worker is asked. */
export interface Question {
  /** {@link NONCE_BYTES} random bytes. */
  readonly nonce: Uint8Array
  /** Ids. */
  readonly from: string
  readonly to: string
}

/** What it answers; `from` and `to` as in the question. */
export interface Answer extends Question {
  readonly generation: number
  /** Milliseconds since the main thread turned. */
  readonly ageMs: number
  /** Index in {@link conditions}: what the main thread last said of itself. */
  readonly condition: number
}

export const conditions = ['ok', 'draining'] as const

/** A key for liveness alone, so that a worker never holds the secret itself. */
export function livenessKey(secret: string, cluster: string): Uint8Array {
  return createHmac('sha256', secret).update(`trellis-liveness-1 ${cluster}`).digest()
}

export function encodeQuestion(question: Question, key: Uint8Array): Buffer {
  return sealed(begin(QUESTION, question), key)
}

export function encodeAnswer(answer: Answer, key: Uint8Array): Buffer {
  const bytes = begin(ANSWER, answer)
  bytes.writeBigUInt64BE(BigInt(answer.generation), GENERATION)
  bytes.writeBigUInt64BE(BigInt(Math.max(0, Math.round(answer.ageMs))), AGE)
  bytes[CONDITION] = answer.condition
  return sealed(bytes, key)
}

/** The question, and the key of `keys` that sealed it; undefined when it is no question or sealed by none of them. */
export function decodeQuestion(
  bytes: Buffer,
  keys: readonly Uint8Array[],
): { readonly question: Question; readonly key: Uint8Array } | undefined {
  const key = open(bytes, QUESTION, keys)
  return key && { question: read(bytes), key }
}

/** Undefined when it is no answer, or sealed by none of `keys`. */
export function decodeAnswer(bytes: Buffer, keys: readonly Uint8Array[]): Answer | undefined {
  if (!open(bytes, ANSWER, keys)) return undefined
  return {
    ...read(bytes),
    generation: Number(bytes.readBigUInt64BE(GENERATION)),
    ageMs: Number(bytes.readBigUInt64BE(AGE)),
    condition: bytes[CONDITION] as number,
  }
}

function begin(kind: number, { nonce, from, to }: Question): Buffer {
  const bytes = Buffer.alloc(DATAGRAM_BYTES)
  MAGIC.copy(bytes)
  bytes[MAGIC.length] = kind
  bytes.set(nonce.subarray(0, NONCE_BYTES), MAGIC.length + 1)
  writeId(bytes, from, FROM)
  writeId(bytes, to, TO)
  return bytes
}

function read(bytes: Buffer): Question {
  const nonce = Buffer.from(bytes.subarray(MAGIC.length + 1, FROM))
  return { nonce, from: readId(bytes, FROM), to: readId(bytes, TO) }
}

/** One byte of length, then the text. */
function writeId(bytes: Buffer, id: string, at: number): void {
  const length = bytes.write(id, at + 1, ID_BYTES - 1, 'latin1')
  bytes[at] = length
}

function readId(bytes: Buffer, at: number): string {
  const length = Math.min(bytes[at] as number, ID_BYTES - 1)
  return bytes.toString('latin1', at + 1, at + 1 + length)
}

function sealed(bytes: Buffer, key: Uint8Array): Buffer {
  mac(bytes, key).copy(bytes, BODY_BYTES)
  return bytes
}

function open(bytes: Buffer, kind: number, keys: readonly Uint8Array[]): Uint8Array | undefined {
  if (bytes.length !== DATAGRAM_BYTES || bytes[MAGIC.length] !== kind) return undefined
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  return keys.find((key) => timingSafeEqual(mac(bytes, key), bytes.subarray(BODY_BYTES)))
}

function mac(bytes: Buffer, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, BODY_BYTES)).digest()
}
