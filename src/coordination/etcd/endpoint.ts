// One member of etcd, over the client `etcd3`. The library's retries and circuit breakers stay out of it: they would
// send a write twice, and keep away from a member that is back. Every call says `hasleader`, so that a member without
// one says so at once instead of keeping the caller.

import type { Etcd3, IDuplexStream, IOptions, IWatchRequest, IWatchResponse } from 'etcd3'
import { optionalPeer } from '../../optional-peer.ts'
import { CallFailure } from './failures.ts'
import type { EtcdSettings } from './options.ts'

const { Etcd3: Client } = await optionalPeer<{ Etcd3: typeof Etcd3 }>('etcd3', () => import('etcd3'))

/** What a call of etcd's services `KV`, `Lease` and so on is given and gives. */
type Unary = (
  request: unknown,
  metadata: unknown,
  options: { readonly deadline: number },
  done: (error: (Error & { code?: number; details?: string }) | null, answer: never) => void,
) => { cancel(): void }

export type Service = 'KV' | 'Lease' | 'Watch'
export type WatchStream = IDuplexStream<IWatchRequest, IWatchResponse>
export type KeepAliveStream = IDuplexStream<{ ID: string }, { ID: string; TTL: string }>

/** A batch of changes, or one page of keys, at most; the largest value has 64 KiB. */
const MAX_MESSAGE_BYTES = 64 * 1_024 * 1_024
const KEEPALIVE_MS = 10_000
const KEEPALIVE_TIMEOUT_MS = 3_000
const RECONNECT_MS = 50
const MAX_RECONNECT_MS = 1_000

export class Endpoint extends Client {
  static at(host: string, { username, password, tls, ca, cert, key }: EtcdSettings): Endpoint {
    const isSecure = tls === true || ca !== undefined
    const credentials: IOptions['credentials'] = ca === undefined ? undefined : { rootCertificate: Buffer.from(ca) }
    const own =
      cert === undefined || key === undefined ? {} : { privateKey: Buffer.from(key), certChain: Buffer.from(cert) }
    return new Endpoint({
      hosts: `${isSecure ? 'https' : 'http'}://${host}`,
      ...(username === undefined || password === undefined ? {} : { auth: { username, password } }),
      ...(credentials === undefined ? {} : { credentials: { ...credentials, ...own } }),
      grpcOptions: {
        'grpc.keepalive_time_ms': KEEPALIVE_MS,
        'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
        'grpc.initial_reconnect_backoff_ms': RECONNECT_MS,
        'grpc.min_reconnect_backoff_ms': RECONNECT_MS,
        'grpc.max_reconnect_backoff_ms': MAX_RECONNECT_MS,
        'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
        // Subchannels of its own: a fault of one node's client is not its neighbour's.
        'grpc.use_local_subchannel_pool': 1,
      },
    })
  }

  /** One attempt, until `deadline` (wall clock). Rejects with {@link CallFailure}. */
  async call<Answer>(
    service: Service,
    method: string,
    request: unknown,
    deadline: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    try {
      return await this.#once(service, method, request, deadline, signal)
    } catch (error) {
      const failure = failureOf(error)
      if (!failure.isOldLogin) throw failure
      await this.#logIn()
      return this.#once<Answer>(service, method, request, deadline, signal).catch((again: unknown) => {
        throw failureOf(again)
      })
    }
  }

  async watches(): Promise<WatchStream> {
    return this.#stream<WatchStream>('Watch', 'watch')
  }

  async keepAlives(): Promise<KeepAliveStream> {
    return this.#stream<KeepAliveStream>('Lease', 'leaseKeepAlive')
  }

  async #stream<Stream>(service: Service, method: string): Promise<Stream> {
    const open = (): Promise<Stream> =>
      this.pool.withConnection(service, ({ client, metadata }) => {
        const asked = metadata.clone()
        asked.set('hasleader', 'true')
        return (client as unknown as Record<string, (metadata: unknown) => Stream>)[method]!(asked)
      })
    return open().catch((error: unknown) => {
      throw failureOf(error)
    })
  }

  #once<Answer>(
    service: Service,
    method: string,
    request: unknown,
    deadline: number,
    signal?: AbortSignal,
  ): Promise<Answer> {
    return this.pool.withConnection(
      service,
      ({ client, metadata }) =>
        new Promise<Answer>((resolve, reject) => {
          const asked = metadata.clone()
          asked.set('hasleader', 'true')
          const unary = (client as unknown as Record<string, Unary>)[method]!.bind(client)
          const call = unary(request, asked, { deadline }, (error, answer) => {
            signal?.removeEventListener('abort', onAbort)
            if (error) reject(new CallFailure(error))
            else resolve(answer)
          })
          const onAbort = (): void => call.cancel()
          signal?.addEventListener('abort', onAbort, { once: true })
          if (signal?.aborted) onAbort()
        }),
    )
  }

  /** The library renews a token only in calls that it makes itself. */
  async #logIn(): Promise<void> {
    await this.pool.exec('KV', 'range', { key: Buffer.from('\0'), limit: 1, serializable: true }).catch(() => {})
  }
}

/** Errors of the library's own calls carry gRPC's code in their text alone. */
export function failureOf(error: unknown): CallFailure {
  if (error instanceof CallFailure) return error
  const { code, details, message } = error as Error & { code?: number; details?: string }
  const found = /(\d+) [A-Z_]+: (.*)$/s.exec(message)
  return new CallFailure({
    code: code ?? ((found ? Number(found[1]) : undefined) as number),
    details: details ?? found?.[2] ?? message,
    message,
  })
}
