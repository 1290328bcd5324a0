// The first bytes of a link's stream: each end sends 32 bytes of chance. The encrypter has proven who the two are, but
// libp2p gives no exporter as TLS has; a hash over both nonces and both ids stands in for it. Both ends have it, and no
// other connection, for each end's own nonce is in it; whoever sits between two members has a key of its own, so its
// two connections differ in the ids.

import { createHash, randomBytes } from 'node:crypto'
import type { Stream, StreamMessageEvent } from '@libp2p/interface'

/** Spoken by both ends of a link; a peer without it is no node of ours. */
export const LINK_PROTOCOL = '/trellis/link/1.0.0'
const NONCE_BYTES = 32
const LABEL = 'trellis libp2p link 1'

export interface Greeting {
  readonly binding: Uint8Array
  /** What came behind the nonce. */
  readonly early: readonly Uint8Array[]
}

export interface Greeters {
  readonly dialer: string
  readonly acceptor: string
  readonly side: 'dialer' | 'acceptor'
}

/** Exchanges nonces and leaves the stream paused. Rejects when `signal` aborts or the stream ends. */
export function greet(stream: Stream, { dialer, acceptor, side }: Greeters, signal: AbortSignal): Promise<Greeting> {
  const ours = randomBytes(NONCE_BYTES)
  const chunks: Uint8Array[] = []
  let length = 0
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stream.removeEventListener('message', receive)
      stream.removeEventListener('close', fail)
      stream.removeEventListener('remoteCloseWrite', fail)
      signal.removeEventListener('abort', fail)
    }
    const fail = (): void => {
      settle()
      reject(signal.reason ?? new Error('the stream ended within the greeting'))
    }
    const receive = ({ data }: StreamMessageEvent): void => {
      for (const chunk of chunksOf(data)) chunks.push(chunk)
      length += data.byteLength
      if (length < NONCE_BYTES) return
      settle()
      if (stream.status === 'open') stream.pause()
      const bytes = Buffer.concat(chunks)
      const theirs = bytes.subarray(0, NONCE_BYTES)
      const nonces = side === 'dialer' ? [ours, theirs] : [theirs, ours]
      const hash = createHash('sha256').update(LABEL)
      for (const part of [Buffer.from(dialer), Buffer.from(acceptor)])
        hash.update(Uint8Array.of(part.length)).update(part)
      for (const nonce of nonces) hash.update(nonce)
      const early = length > NONCE_BYTES ? [bytes.subarray(NONCE_BYTES)] : []
      resolve({ binding: hash.digest(), early })
    }
    if (signal.aborted) return void fail()
    stream.addEventListener('message', receive)
    stream.addEventListener('close', fail)
    stream.addEventListener('remoteCloseWrite', fail)
    signal.addEventListener('abort', fail, { once: true })
    stream.send(ours)
  })
}

/** The arrays of what a stream brought, without copying. */
export function chunksOf(data: StreamMessageEvent['data']): Iterable<Uint8Array> {
  return data instanceof Uint8Array ? [data] : data
}
