// Calls to etcd, whichever of its members answers. A read goes on to the next member until its time is over; a write
// only when it cannot have happened, for etcd has no sessions that would keep it from happening twice.
//
//   member answers ── yes ──▶ done
//        │ no: it is left for the next one
//        ├─ read, or nothing has happened ── tried for `PATIENCE_MS` ──▶ ERR_NO_QUORUM, else again
//        └─ write that may have happened ──▶ ERR_NO_QUORUM or ERR_TIMEOUT, mayHaveHappened

import type { ILeaseGrantResponse, IRangeRequest, IRangeResponse, ITxnRequest, ITxnResponse } from 'etcd3'
import { ClusterError } from '../../errors.ts'
import type { Time } from '../../runtime/clock.ts'
import { callAborted, nodeStopping, pause } from '../../wait.ts'
import { type CallOptions, DEFAULT_CALL_TIMEOUT_MS } from '../leader-calls.ts'
import { Endpoint, failureOf, type Service, type WatchStream } from './endpoint.ts'
import { CallFailure, refused, unreached } from './failures.ts'
import type { EtcdSettings } from './options.ts'

/** etcd elects a leader within two election timeouts, by default; who has found none for longer will find none soon. */
const PATIENCE_MS = 2_500
/** A read that is not answered by then is asked elsewhere. */
const READ_ATTEMPT_MS = 1_500
const LOOK_AGAIN_MS = 50

export class EtcdClient {
  readonly hosts: readonly string[]
  readonly clock: Time
  readonly #endpoints: Endpoint[]
  #current = 0
  #isClosed = false

  constructor(settings: EtcdSettings, clock: Time) {
    this.clock = clock
    this.hosts = settings.hosts
    this.#endpoints = settings.hosts.map((host) => Endpoint.at(host, settings))
    this.#current = Math.floor(Math.random() * this.#endpoints.length)
  }

  /** The one in use did not answer: the next one is used from now on. */
  leave(endpoint: Endpoint): void {
    if (this.#endpoints[this.#current] !== endpoint) return
    this.#current = (this.#current + 1) % this.#endpoints.length
  }

  get endpoint(): Endpoint {
    return this.#endpoints[this.#current]!
  }

  range(operation: string, request: IRangeRequest, options: CallOptions = {}): Promise<IRangeResponse> {
    return this.#call(operation, 'KV', 'range', request, 'read', options)
  }

  txn(operation: string, request: ITxnRequest, options: CallOptions = {}): Promise<ITxnResponse> {
    return this.#call(operation, 'KV', 'txn', request, 'write', options)
  }

  grant(operation: string, leaseMs: number, options: CallOptions = {}): Promise<ILeaseGrantResponse> {
    const request = { ID: '0', TTL: String(Math.ceil(leaseMs / 1_000)) }
    // A lease that nobody knows of ends by itself: granting one again does no harm.
    return this.#call(operation, 'Lease', 'leaseGrant', request, 'read', options)
  }

  /** Ends a lease and all keys that hang on it; what does not succeed ends with its time. */
  async revoke(lease: string): Promise<void> {
    await this.#call('revoke', 'Lease', 'leaseRevoke', { ID: lease }, 'read', { timeoutMs: READ_ATTEMPT_MS }).catch(
      () => {},
    )
  }

  /** Renews it. False: there is no such lease. Rejects when nobody can say. */
  async keepAlive(lease: string, ms: number): Promise<boolean> {
    const { endpoint } = this
    const stream = await endpoint.keepAlives()
    return new Promise<boolean>((resolve, reject) => {
      const late = this.clock.setTimeout(() => stop(() => reject(unreached(this.hosts, undefined, true))), ms)
      const stop = (then: () => void): void => {
        late[Symbol.dispose]()
        stream.cancel()
        then()
      }
      stream.on('data', ({ TTL }) => stop(() => resolve(Number(TTL) > 0)))
      stream.on('error', (error) => {
        this.leave(endpoint)
        stop(() => reject(refused(failureOf(error), this.hosts)))
      })
      stream.write({ ID: lease })
    })
  }

  async watch(): Promise<{ readonly stream: WatchStream; readonly endpoint: Endpoint }> {
    const { endpoint } = this
    return { stream: await endpoint.watches(), endpoint }
  }

  close(): void {
    this.#isClosed = true
    for (const endpoint of this.#endpoints) endpoint.close()
  }

  async #call<Answer>(
    operation: string,
    service: Service,
    method: string,
    request: unknown,
    kind: 'read' | 'write',
    { signal, timeoutMs = DEFAULT_CALL_TIMEOUT_MS, isPatient = false }: CallOptions,
  ): Promise<Answer> {
    const begun = this.clock.now()
    for (;;) {
      if (this.#isClosed) throw nodeStopping()
      if (signal?.aborted) throw callAborted(operation)
      const spent = this.clock.now() - begun
      const left = isPatient ? READ_ATTEMPT_MS : Math.max(1, timeoutMs - spent)
      const { endpoint } = this
      try {
        const ms = kind === 'read' ? Math.min(left, READ_ATTEMPT_MS) : left
        return await endpoint.call<Answer>(service, method, request, this.clock.wall() + ms, signal)
      } catch (error) {
        if (!(error instanceof CallFailure)) throw error
        const mayHaveHappened = kind === 'write' && !error.isWithoutEffect
        if (signal?.aborted) throw callAborted(operation, mayHaveHappened)
        if (!error.isPassing) throw error
        this.leave(endpoint)
        const isOver = this.clock.now() - begun >= timeoutMs
        if (mayHaveHappened && error.isTimeout) throw timedOut(operation, timeoutMs, true, error)
        const isHopeless = !isPatient && (isOver || (!error.isTimeout && this.clock.now() - begun >= PATIENCE_MS))
        if (mayHaveHappened || isHopeless) throw unreached(this.hosts, error, mayHaveHappened)
      }
      await pause(this.clock, LOOK_AGAIN_MS, signal)
    }
  }
}

function timedOut(operation: string, timeoutMs: number, mayHaveHappened: boolean, cause: unknown): ClusterError {
  const message = `'${operation}' was not done within ${timeoutMs} ms`
  return new ClusterError('ERR_TIMEOUT', message, { operation, timeoutMs }, { cause, mayHaveHappened })
}
