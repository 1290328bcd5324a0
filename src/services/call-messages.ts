// What members say to each other about calls: JSON over the data channel, everything of one turn in one message, so that many small
// calls cost little more than one. Each argument and answer is written when it is given, so that one that JSON cannot say fails alone.
//
//   caller ── calls [id, number, method, ms left, kind, trace, argument] ──▶ owner      kind 0: one answer, 1: a stream
//   caller ── pulls [id, call] ──▶ owner                                            more of the stream that a call began
//   caller ── cancels [call] ──▶ owner                                                 nobody waits any more
//   owner  ── answers [id, value] ──▶ caller                                  of a stream: { items, isDone }
//   owner  ── failures [id, error, isRefused] ──▶ caller                      refused: no handler has seen it

import type { JsonValue } from '../channels/payload.ts'
import { MAX_PAYLOAD_BYTES, MAX_TRACE_BYTES } from '../wire/limits.ts'

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
}

export interface CallMessage {
  readonly calls: readonly IncomingCall[]
  readonly pulls: readonly IncomingPull[]
  readonly cancels: readonly number[]
  readonly answers: readonly (readonly [id: number, value: JsonValue])[]
  readonly failures: readonly CallFailure[]
}

/** An argument or an answer, as JSON. */
export const MAX_CALL_BYTES = MAX_PAYLOAD_BYTES
/** One message is closed when it has so many; only one that is larger by itself makes a larger message. */
export const MAX_BATCH_BYTES = 48 * 1024
/** Things said in one message. */
export const MAX_BATCH = 4_096

const kinds = ['calls', 'pulls', 'cancels', 'answers', 'failures'] as const
type Kind = (typeof kinds)[number]

/** What is to be said to one member, until it is sent. */
export class OutgoingBatch {
  readonly #texts: Record<Kind, string> = { calls: '', pulls: '', cancels: '', answers: '', failures: '' }
  /** Calls and pulls in it: who waits for an answer. */
  readonly asked: number[] = []
  /** When the last of those who wait for what is in it does no more, on the node's clock. */
  until = 0
  #bytes = 0
  #count = 0

  get isFull(): boolean {
    return this.#bytes >= MAX_BATCH_BYTES || this.#count >= MAX_BATCH
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

function parseCall(value: unknown): IncomingCall | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, number, method, deadlineMs, kind, trace, argument = null] = value as unknown[]
  const isCall = isId(id) && isId(number) && typeof method === 'string' && typeof deadlineMs === 'number'
  const isTrace = trace === null || (typeof trace === 'string' && trace.length <= MAX_TRACE_BYTES)
  if (!isCall || !(deadlineMs > 0) || (kind !== 0 && kind !== 1) || !isTrace) return undefined
  const isStream = kind === 1
  return { id, number, method, deadlineMs, isStream, trace: trace ?? undefined, argument: argument as JsonValue }
}

function parsePull(value: unknown): IncomingPull | undefined {
  if (!Array.isArray(value)) return undefined
  const [id, call] = value as unknown[]
  return isId(id) && isId(call) ? { id, call } : undefined
}

function parseAnswer(value: unknown): readonly [number, JsonValue] | undefined {
  if (!Array.isArray(value) || !isId(value[0])) return undefined
  return [value[0], (value[1] ?? null) as JsonValue]
}

function parseFailure(value: unknown): CallFailure | undefined {
  if (!Array.isArray(value) || !isId(value[0])) return undefined
  return { id: value[0], error: value[1], isRefused: value[2] === 1 }
}
