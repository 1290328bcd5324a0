// What users send, as bytes: a Uint8Array arrives as a Uint8Array, anything else travels as JSON. An error crosses a
// link as its JSON form, so that the asker can tell it by its code.

import { ClusterError, type ErrorCode, type ErrorDetails, isClusterError } from '../errors.ts'
import { jsonText } from '../json-text.ts'
import type { Envelope } from '../wire/envelope.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/limits.ts'

// One for all: making one costs more than it does for a small payload.
const decoder = new TextDecoder('utf-8', { fatal: true })

/** UTF-16 units of a failure's message that are told at least. */
const MAX_REASON_LENGTH = 1_000

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** What a message carries. */
export type Payload = Uint8Array | JsonValue

/**
 * {@link JsonValue} as it is given: of an interface TypeScript does not see that its objects are such values. What JSON
 * cannot say of one is refused, with `ERR_BAD_OPTIONS`.
 */
// biome-ignore lint/suspicious/noExplicitAny: only with `any` an interface fits, which has no index signature.
export type JsonInput = null | boolean | number | string | readonly JsonInput[] | { readonly [key: string]: any }

/** A {@link Payload} as it is given. */
export type Sendable = Uint8Array | JsonInput

export interface EncodedPayload {
  readonly encoding: Envelope['encoding']
  readonly payload: Uint8Array
}

/** Throws `ERR_PAYLOAD_TOO_LARGE` past `limit` bytes, and `ERR_BAD_OPTIONS` for what JSON cannot say. */
export function encodePayload(value: Payload, limit = MAX_PAYLOAD_BYTES): EncodedPayload {
  const isBytes = value instanceof Uint8Array
  const payload = isBytes ? value : Buffer.from(jsonText(value, 'the payload'))
  if (payload.length > limit) {
    const message = `the payload has ${payload.length} bytes; ${limit} are allowed`
    throw new ClusterError('ERR_PAYLOAD_TOO_LARGE', message, { bytes: payload.length, limit })
  }
  return { encoding: isBytes ? 'bytes' : 'json', payload }
}

/**
 * What a handler answers with: throws a TypeError for what cannot be sent, for it is the handler that has failed, and
 * that after it has run.
 */
export function encodeAnswer(answer: Payload, limit = MAX_PAYLOAD_BYTES): EncodedPayload {
  try {
    return encodePayload(answer, limit)
  } catch (error) {
    throw unsendable(error)
  }
}

/**
 * Why an answer cannot be sent, as a failure of its handler: the code of what it fails with would blame the request.
 */
export function unsendable(error: unknown): unknown {
  if (isClusterError(error, 'ERR_PAYLOAD_TOO_LARGE'))
    return new TypeError(`its answer is too large: ${error.message}`, { cause: error })
  return isClusterError(error, 'ERR_BAD_OPTIONS') ? new TypeError(error.message, { cause: error }) : error
}

/** Throws when it is no UTF-8 or no JSON. (The bytes are the receiver's own: the codec copied them.) */
export function decodePayload({ encoding, payload }: EncodedPayload): Payload {
  return encoding === 'bytes' ? payload : JSON.parse(decoder.decode(payload))
}

/**
 * What the asker learns of a failure: a ClusterError whole; of anything else the message, never the stack. Never
 * throws.
 */
export function encodeFailure(
  error: unknown,
  member: string,
  subject: string,
  limit = MAX_PAYLOAD_BYTES,
): EncodedPayload {
  const failure = error instanceof ClusterError ? error : handlerFailed(reasonOf(error), member, subject)
  const { code, mayHaveHappened } = failure
  try {
    return encodePayload({ ...failure.toJSON() } as unknown as JsonValue, limit)
  } catch {
    // Too large, or with details that JSON cannot say: the code is what the asker decides by.
    return encodePayload({ code, message: reasonOf(failure), details: {}, mayHaveHappened })
  }
}

/** The other end of {@link encodeFailure}. Throws when the bytes are no such thing. */
export function decodeFailure(encoded: EncodedPayload): ClusterError {
  return failureFrom(decodePayload(encoded))
}

/** What {@link encodeFailure} wrote, read as JSON. Throws when it is no such thing. */
export function failureFrom(said: unknown): ClusterError {
  const value = said as Record<string, unknown> | null | undefined
  if (typeof value?.code !== 'string' || typeof value.message !== 'string') throw new TypeError('not an error')
  const details = (value.details ?? {}) as ErrorDetails[ErrorCode]
  return new ClusterError(value.code as ErrorCode, value.message, details, {
    mayHaveHappened: value.mayHaveHappened === true,
  })
}

function handlerFailed(reason: string, member: string, subject: string): ClusterError {
  const message = `the handler of '${subject}' on ${member} failed: ${reason}`
  return new ClusterError('ERR_HANDLER_FAILED', message, { member, subject, reason }, { mayHaveHappened: true })
}

/** Handlers may throw anything, even what has no words for itself. */
function reasonOf(thrown: unknown): string {
  try {
    return (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, MAX_REASON_LENGTH)
  } catch {
    return 'it cannot be said why'
  }
}
