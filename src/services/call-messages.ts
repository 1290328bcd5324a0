// What members say to each other about calls: JSON over the data channel, everything of one turn in one message, so
// that many small calls cost little more than one. Each argument and answer is written when it is given, so that one
// that JSON cannot say fails alone.
//
//   caller ── calls [id, number, method, ms left, kind, trace, argument, retries] ──▶ owner   0: one answer, 1: stream
//   caller ── pulls [id, call] ──▶ owner                                     more of the stream that a call began
//   caller ── cancels [call] ──▶ owner                                       nobody waits any more
//   owner  ── answers [id, value, retries used] ──▶ caller                   of a stream: { items, isDone }
//   owner  ── failures [id, error, isRefused, retries used] ──▶ caller       refused: no handler has seen it

import type { JsonValue } from '../channels/payload.ts'
import { MAX_PAYLOAD_BYTES, MAX_TRACE_BYTES } from '../wire/limits.ts'
import { CALL_RETRIES } from './retry-allowance.ts'

/** A call as it comes. */
export interface IncomingCall {
  /** Unique with this life of the caller. */
  readonly id: number
  /** Of the instance, with its owner. */
  readonly number: number
  readonly method: string
  readonly deadlineMs: number
  readonly isStream: boolean
  readonly trace: string | undefined
  readonly argument: JsonValue
  /** How often whatever it leads to may be done again. */
  readonly retries: number
}

export interface CallAnswer {
  readonly id: number
  readonly value: JsonValue
  readonly retriesUsed: number
}

export interface IncomingPull {
  readonly id: number
  /** The id of the call that began the stream. */
  readonly call: number
}

export interface CallFailure {
  readonly id: number
  /** As `encodeFailure` writes it. */
  readonly error: unknown
  readonly isRefused: boolean
  readonly retriesUsed: number
}

export interface CallMessage {
  readonly calls: readonly IncomingCall[]
  readonly pulls: readonly IncomingPull[]
  readonly cancels: readonly number[]
  readonly answers: readonly CallAnswer[]
  readonly failures: readonly CallFailure[]
}

/** An argument or an answer, as JSON. */
export const MAX_CALL_BYTES = MAX_PAYLOAD_BYTES
/** One message is closed when it has so many; only one that is larger by itself makes a larger message. */
export const MAX_BATCH_BYTES = 48 * 1024
/** Things taken in one message. */
export const MAX_BATCH = 4_096
/**
 * Things said in one message, so that the other end begins with some while others are still being said; more save
 * hardly anything.
 */
const SAID_TOGETHER = 32

const kinds = ['calls', 'pulls', 'cancels', 'answers', 'failures'] as const
export type Kind = (typeof kinds)[number]

/** What is to be said to one member, until it is sent. */
export class OutgoingBatch {
  readonly #texts: Record<Kind, string> = { calls: '', pulls: '', cancels: '', answers: '', failures: '' }
  /** Calls and pulls in it: who waits for an answer. */
  readonly asked: number[] = []
  /** When the last of those who wait for what is in it does no more, on the node's clock. */
  until = 0
  /** Since when it could have been sent, on the node's clock. */
  heldSince: number | undefined
  #bytes = 0
  #count = 0

  get isFull(): boolean {
    return this.#bytes >= MAX_BATCH_BYTES || this.#count >= SAID_TOGETHER
  }

  /** `text` is JSON. */
  add(kind: Kind, text: string, until: number): void {
    const texts = this.#texts
    texts[kind] = texts[kind] === '' ? text : `${texts[kind]},${text}`
    this.until = Math.max(this.until, until)
    // A lower bound is enough: what counts is that messages end.
    this.#bytes += text.length
    this.#count += 1
  }

  encode(): Uint8Array {
    const said = kinds.filter((kind) => this.#texts[kind] !== '').map((kind) => `"${kind}":[${this.#texts[kind]}]`)
    return Buffer.from(`{${said.join(',')}}`)
  }
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** The method that was written last, and how: mostly it is the next one, too. */
let written = { method: '', text: '""' }

function methodText(method: string): string {
  if (method !== written.method) written = { method, text: JSON.stringify(method) }
  return written.text
}

/** A call as an item of {@link OutgoingBatch}; `leftMs` until its deadline. */
export function callText(
  call: Omit<IncomingCall, 'deadlineMs' | 'argument'> & { readonly argument: string },
  leftMs: number,
): string {
  const { id, number, method, isStream, trace, argument, retries } = call
  // What sums of fractions leave over is no millisecond.
  const left = Math.max(1, Math.ceil(leftMs - 0.001))
  const said = trace === undefined ? 'null' : JSON.stringify(trace)
  return `[${id},${number},${methodText(method)},${left},${isStream ? 1 : 0},${said},${argument},${retries}]`
}

/** Throws when it is no such message, or past its bounds. */
export function parseCallMessage(payload: Uint8Array): CallMessage {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString('utf8')
  const raw = JSON.parse(text) as Partial<Record<Kind, unknown>> | null
  if (typeof raw !== 'object' || raw === null) throw new TypeError('no message of calls')
  const message = {
    calls: parsed(raw.calls, parseCall),
    pulls: parsed(raw.pulls, parsePull),
    cancels: parsed(raw.cancels, (value) => (isId(value) ? value : undefined)),
    answers: parsed(raw.answers, parseAnswer),
    failures: parsed(raw.failures, parseFailure),
  }
  const count = kinds.reduce((sum, kind) => sum + message[kind].length, 0)
  if (count > MAX_BATCH) throw new TypeError('too much in one message of calls')
  return message
}

function parsed<Item>(list: unknown, parse: (value: unknown) => Item | undefined): readonly Item[] {
  if (list === undefined) return []
  if (!Array.isArray(list)) throw new TypeError('no list of calls')
  return list.map((value: unknown) => {
    const item = parse(value)
    if (item === undefined) throw new TypeError('a call that is none')
    return item
  })
}

// By index: this runs for every call, and a pattern would take each list apart with an iterator.

function parseCall(value: unknown): IncomingCall | undefined {
  if (!Array.isArray(value)) return undefined
  const id: unknown = value[0]
  const number: unknown = value[1]
  const method: unknown = value[2]
  const deadlineMs: unknown = value[3]
  const kind: unknown = value[4]
  const trace: unknown = value[5]
  const argument = (value[6] ?? null) as JsonValue
  const retries: unknown = value[7] ?? 0
  if (!isId(id) || !isId(number) || typeof method !== 'string') return undefined
  if (typeof deadlineMs !== 'number' || !(deadlineMs > 0) || (kind !== 0 && kind !== 1)) return undefined
  if (trace !== null && (typeof trace !== 'string' || trace.length > MAX_TRACE_BYTES)) return undefined
  if (!isCount(retries) || retries > CALL_RETRIES) return undefined
  return { id, number, method, deadlineMs, isStream: kind === 1, trace: trace ?? undefined, argument, retries }
}

function parsePull(value: unknown): IncomingPull | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, call] = value as unknown[]
  return isId(id) && isId(call) ? { id, call } : undefined
}

function parseAnswer(value: unknown): CallAnswer | undefined {
  if (!Array.isArray(value)) return undefined
  const id: unknown = value[0]
  const retriesUsed: unknown = value[2] ?? 0
  if (!isId(id) || !isCount(retriesUsed)) return undefined
  return { id, value: (value[1] ?? null) as JsonValue, retriesUsed }
}

function parseFailure(value: unknown): CallFailure | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, error, isRefused, retriesUsed = 0] = value as unknown[]
  if (!isId(id) || !isCount(retriesUsed)) return undefined
  return { id, error, isRefused: isRefused === 1, retriesUsed }
}
