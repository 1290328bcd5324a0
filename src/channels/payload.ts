// What users send, as bytes: a Uint8Array arrives as a Uint8Array, anything else travels as JSON. An error crosses a link
// as its JSON form, so that the asker can tell it by its code.

import { ClusterError, type ErrorCode, type ErrorDetails } from '../errors.ts'
import type { Envelope } from '../wire/envelope.ts'
import { MAX_PAYLOAD_BYTES } from '../wire/limits.ts'

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** What a message carries. */
export type Payload = Uint8Array | JsonValue

export interface EncodedPayload {
  readonly encoding: Envelope['encoding']
  readonly payload: Uint8Array
}

/** Throws `ERR_PAYLOAD_TOO_LARGE` past `limit` bytes, and a TypeError for what JSON cannot say. */
export function encodePayload(value: Payload, limit = MAX_PAYLOAD_BYTES): EncodedPayload {
  const isBytes = value instanceof Uint8Array
  const payload = isBytes ? value : new TextEncoder().encode(toJson(value))
  if (payload.length > limit) {
    const message = `the payload has ${payload.length} bytes; ${limit} are allowed`
    throw new ClusterError('ERR_PAYLOAD_TOO_LARGE', message, { bytes: payload.length, limit })
  }
  return { encoding: isBytes ? 'bytes' : 'json', payload }
}

/** Throws when it is no UTF-8 or no JSON. (The bytes are the receiver's own: the codec copied them.) */
export function decodePayload({ encoding, payload }: EncodedPayload): Payload {
  return encoding === 'bytes' ? payload : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
}

/** What the asker learns of a failure: a ClusterError whole; of anything else the message, never the stack. */
export function encodeFailure(error: unknown, member: string, subject: string): EncodedPayload {
  if (error instanceof ClusterError) return encodePayload({ ...error.toJSON() } as unknown as JsonValue)
  const reason = (error instanceof Error ? error.message : String(error)).slice(0, 1_000)
  const message = `the handler of '${subject}' on ${member} failed: ${reason}`
  const failed = new ClusterError('ERR_HANDLER_FAILED', message, { member, subject, reason }, { mayHaveHappened: true })
  return encodePayload({ ...failed.toJSON() } as unknown as JsonValue)
}

/** The other end of {@link encodeFailure}. Throws when the bytes are no such thing. */
export function decodeFailure(encoded: EncodedPayload): ClusterError {
  const value = decodePayload(encoded) as Record<string, unknown> | null
  if (typeof value?.code !== 'string' || typeof value.message !== 'string') throw new TypeError('not an error')
  const details = (value.details ?? {}) as ErrorDetails[ErrorCode]
  return new ClusterError(value.code as ErrorCode, value.message, details, {
    mayHaveHappened: value.mayHaveHappened === true,
  })
}

function toJson(value: Payload): string {
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('the payload is neither bytes nor a JSON value')
  return text
}
