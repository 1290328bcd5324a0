// What a client and its node say to each other over a WebSocket, as JSON text. First the client's hello and the node's
// welcome or refusal; then frames both ways. A frame carries items, numbered from `n` on in this direction and this
// session, and tells how far the other direction is done (`a`). What is not done is kept and sent again when the
// session is resumed, and a number that was seen is passed over: so every item is taken exactly once as long as the
// session lives.
//
//   client ── hello { token?, session?, received } ──▶ node
//   client ◀── welcome { session, resumed, received } ── node      or  refused { error }, and the end
//   client ◀── { n: 7, m: [item, item], a: 3 } ──▶ node            any number of them

import type { JsonValue } from '../channels/payload.ts'

/** Named in the upgrade, so that another WebSocket is told from a client. */
export const CLIENT_PROTOCOL = 'trellis.client.1'
export const CLIENT_PATH = '/v1/client'
/** A payload at its maximum in base64, and something around it. */
export const MAX_CLIENT_FRAME_BYTES = 2 * 1024 * 1024
/**
 * The node says something at least this often; a client that hears nothing for three times as long takes the connection
 * for dead.
 */
export const ALIVE_INTERVAL_MS = 5_000

export interface ClientHello {
  readonly type: 'hello'
  /** Of the admin API; a page of the node itself has its cookie instead. */
  readonly token?: string
  /** To be resumed. */
  readonly session?: string
  /** Items of the node that this client has taken. */
  readonly received: number
}

export interface ErrorJson {
  readonly code: string
  readonly message: string
  readonly details?: unknown
  readonly mayHaveHappened?: boolean
}

export type NodeGreeting =
  | {
      readonly type: 'welcome'
      readonly session: string
      /** False: what was in the session that the client named is gone. */
      readonly resumed: boolean
      /** Items of the client that the node has taken. */
      readonly received: number
      /** Name of the node. */
      readonly node: string
    }
  | { readonly type: 'refused'; readonly error: ErrorJson }

export interface Frame {
  readonly n?: number
  readonly m?: readonly unknown[]
  readonly a: number
}

/** What a client asks; `id` is its own number for the answer, and for the stream that the answer begins. */
export interface ClientRequest {
  readonly id: number
  readonly op: string
  readonly [field: string]: unknown
}

/** What a node says: an answer, or one thing of a stream. */
export type NodeItem =
  | { readonly id: number; readonly ok: unknown }
  | { readonly id: number; readonly error: ErrorJson }
  | { readonly on: number; readonly item: unknown }
  | { readonly on: number; readonly end: ErrorJson }

/** Bytes as JSON: base64, named so. */
export function payloadFields(payload: Uint8Array | JsonValue): { payload: JsonValue; encoding?: 'base64' } {
  if (!(payload instanceof Uint8Array)) return { payload }
  const chunks: string[] = []
  for (let at = 0; at < payload.length; at += 8_192)
    chunks.push(String.fromCharCode(...payload.subarray(at, at + 8_192)))
  return { payload: btoa(chunks.join('')), encoding: 'base64' }
}

/** The other end of {@link payloadFields}. Throws for what is no base64. */
export function payloadOf({ payload, encoding }: { readonly payload: JsonValue; readonly encoding?: unknown }) {
  if (encoding !== 'base64') return payload
  if (typeof payload !== 'string') throw new TypeError('not base64')
  return Uint8Array.from(atob(payload), (unit) => unit.charCodeAt(0))
}
