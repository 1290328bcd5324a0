// What etcd, or the way to it, refuses a call with, and what that means for users. etcd tells its errors apart by
// gRPC's code and a fixed text (its `rpctypes` package); these texts are its interface, and there is no other.

import { ClusterError } from '../../errors.ts'

/** gRPC's status codes, as far as they are met. */
const DEADLINE_EXCEEDED = 4
const PERMISSION_DENIED = 7
const RESOURCE_EXHAUSTED = 8
const OUT_OF_RANGE = 11
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16
const INVALID_ARGUMENT = 3

/** A call that failed, as gRPC says it. */
export class CallFailure extends Error {
  override readonly name = 'CallFailure'
  readonly code: number
  readonly details: string

  constructor(error: { readonly code?: number; readonly details?: string; readonly message: string }) {
    const details = error.details ?? error.message
    super(details)
    this.code = error.code ?? UNAVAILABLE
    this.details = details
  }

  /** It never reached etcd, or etcd refused it before doing anything. */
  get isWithoutEffect(): boolean {
    if (this.code === UNAVAILABLE)
      return /^No connection established|ECONNREFUSED|^etcdserver: no leader|^Name resolution failed/.test(this.details)
    return this.code !== DEADLINE_EXCEEDED && this.code !== 1 && this.code !== 2 && this.code !== 13
  }

  /** Another member, or the same one later, may answer. */
  get isPassing(): boolean {
    return [1, 2, 13, DEADLINE_EXCEEDED, UNAVAILABLE].includes(this.code)
  }

  get isTimeout(): boolean {
    return this.code === DEADLINE_EXCEEDED
  }

  get isCompacted(): boolean {
    return this.code === OUT_OF_RANGE && this.details.includes('compacted')
  }

  get isFuture(): boolean {
    return this.code === OUT_OF_RANGE && this.details.includes('future')
  }

  /** The token of a login has run out. */
  get isOldLogin(): boolean {
    return this.details.includes('invalid auth token')
  }

  get isFull(): boolean {
    return this.code === RESOURCE_EXHAUSTED && this.details.includes('space')
  }

  get isLeaseGone(): boolean {
    return this.details.includes('requested lease not found')
  }
}

/** What passes by itself, in the users' words. `mayHaveHappened` is the caller's to know. */
export function unreached(hosts: readonly string[], cause: unknown, mayHaveHappened: boolean): ClusterError {
  const why = cause instanceof CallFailure ? `: ${cause.details}` : ''
  const message = `no majority of etcd is in reach${why}`
  return new ClusterError('ERR_NO_QUORUM', message, { voters: hosts }, { cause, mayHaveHappened })
}

/** What does not pass by itself. */
export function refused(failure: CallFailure, hosts: readonly string[]): ClusterError {
  const { code, details } = failure
  const options = { cause: failure }
  if (code === UNAUTHENTICATED || /authentication failed|user name is empty|invalid auth token/.test(details))
    return new ClusterError('ERR_UNAUTHORIZED', `etcd does not let this node in: ${details}`, {}, options)
  if (code === PERMISSION_DENIED)
    return new ClusterError('ERR_FORBIDDEN', `etcd: ${details}`, { role: 'etcd', needs: 'readwrite' }, options)
  if (failure.isFull)
    return new ClusterError('ERR_CONFIG_FULL', 'etcd has no space left', { reason: 'etcd-space' }, options)
  if (code === RESOURCE_EXHAUSTED || details.includes('too many requests'))
    return new ClusterError('ERR_BUFFER_FULL', `etcd: ${details}`, { queue: 'etcd', limit: 0 }, options)
  if (code === INVALID_ARGUMENT && details.includes('too large'))
    return new ClusterError('ERR_PAYLOAD_TOO_LARGE', `etcd: ${details}`, { bytes: 0, limit: 0 }, options)
  if (failure.isPassing) return unreached(hosts, failure, !failure.isWithoutEffect)
  return new ClusterError('ERR_INTERNAL', `etcd: ${details}`, {}, options)
}

/** What the engine is not made for. */
export function unsupported(what: string): ClusterError {
  return new ClusterError('ERR_UNSUPPORTED', `${what} is not possible over etcd`, { feature: what, engine: 'etcd' })
}
