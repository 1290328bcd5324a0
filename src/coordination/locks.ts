// `node.locks` and `node.semaphores`: claims of which one, or a few, hold at a time.

import { checkedOptions, waitChecks } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import { isDots } from './config-words.ts'
import type { CallOptions } from './leader-calls.ts'
import type { ClaimView, Grant, Lease, LeaseOptions, NodeLocks, NodeSemaphores } from './lease-interface.ts'
import {
  badOptions,
  type ClaimRequest,
  checkedLeaseMs,
  checkedName,
  checkedWaitMs,
  DEFAULT_LEASE_MS,
  type Leases,
  leaseChecks,
} from './leases.ts'
import type { Questions } from './store.ts'

const DEFAULT_WAIT_MS = 5_000
const MAX_PERMITS = 4_096

export class LocalLocks implements NodeLocks {
  readonly #leases: Leases
  readonly #reads: Questions

  constructor(leases: Leases, reads: Questions) {
    this.#leases = leases
    this.#reads = reads
  }

  async acquire(name: string, options: LeaseOptions = {}): Promise<Lease> {
    checkedOptions(options, leaseChecks)
    return this.#leases.take(requestOf(newName(name), options), waitOf(options))
  }

  async grant(name: string, options: LeaseOptions & { readonly owner: string }): Promise<Grant> {
    const request = requestOf(newName(name), checkedOptions(options, leaseChecks, ['owner']))
    const lease = await this.#leases.take(request, waitOf(options))
    try {
      // From here on its holder is on its own: nobody renews.
      const grant = await this.renew(name, lease.token, { signal: options.signal, timeoutMs: options.timeoutMs })
      lease.forget()
      return grant
    } catch (error) {
      // Its holder has not heard of it.
      await this.#leases.giveUp(lease)
      throw error
    }
  }

  async renew(name: string, token: number, options: CallOptions = {}): Promise<Grant> {
    checkedOptions(options, waitChecks)
    const sent = this.#leases.now()
    const command = { type: 'renew-claim', kind: 'lock', name: checkedName(name), claim: checkedToken(token) } as const
    const reply = await this.#leases.submit(command, options)
    if (reply.type === 'claimed' && reply.token === token)
      return { token, expiresInMs: this.#leases.expiresInMs(reply.leaseMs, sent) }
    throw stale(token, reply.token)
  }

  async release(name: string, token: number, options: CallOptions = {}): Promise<void> {
    checkedOptions(options, waitChecks)
    const command = { type: 'end-claim', kind: 'lock', name: checkedName(name), claim: checkedToken(token) } as const
    const reply = await this.#leases.submit(command, options)
    if (reply.type !== 'claimed') throw stale(token, reply.token)
  }

  async list(options: CallOptions = {}): Promise<readonly ClaimView[]> {
    checkedOptions(options, waitChecks)
    const found: ClaimView[] = []
    for (;;) {
      const page = await this.#reads.linearizable('locks.list', { type: 'claims', after: found.length }, options)
      found.push(...page.things)
      if (page.isWhole) return found
    }
  }
}

export class LocalSemaphores implements NodeSemaphores {
  readonly #leases: Leases

  constructor(leases: Leases) {
    this.#leases = leases
  }

  async acquire(name: string, options: LeaseOptions & { readonly permits: number }): Promise<Lease> {
    const { permits } = checkedOptions(options, { ...leaseChecks, permits: isPermits }, ['permits'])
    return this.#leases.take({ ...requestOf(name, options), kind: 'semaphore', limit: permits }, waitOf(options))
  }
}

function isPermits(value: unknown): string | undefined {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PERMITS) return undefined
  return `(${String(value)}) must be a whole number from 1 to ${MAX_PERMITS}`
}

/** Of a lock that is taken: over HTTP its name is a part of the URL. */
function newName(name: string): string {
  if (isDots(name)) throw badOptions(`a lock cannot be called '${name}': no URL can name it`)
  return name
}

function requestOf(name: string, { owner, leaseMs }: LeaseOptions): ClaimRequest {
  return {
    kind: 'lock',
    name: checkedName(name),
    owner: owner === undefined ? undefined : checkedName(owner, 'an owner'),
    leaseMs: checkedLeaseMs(leaseMs ?? DEFAULT_LEASE_MS),
    limit: 1,
    value: '',
  }
}

function waitOf({ waitMs, signal, timeoutMs }: LeaseOptions) {
  return { waitMs: checkedWaitMs(waitMs, DEFAULT_WAIT_MS), signal, timeoutMs }
}

function checkedToken(token: unknown): number {
  if (Number.isSafeInteger(token) && (token as number) > 0) return token as number
  throw badOptions(`a token is a whole number, not ${String(token)}`)
}

function stale(token: number, current: number): ClusterError {
  const message = current === 0 ? 'nobody holds it' : `it is held with token ${current}`
  return new ClusterError('ERR_STALE_TOKEN', `token ${token} is stale: ${message}`, { token, current })
}
