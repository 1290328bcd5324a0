// `node.barriers`: everybody waits until as many have come as were agreed on, then all go on.

import { checkedOptions } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import type { LeaseOptions, NodeBarriers } from './lease-interface.ts'
import { checkedName, checkedWaitMs, type Leases, leaseChecks } from './leases.ts'

const DEFAULT_WAIT_MS = 30_000
const MAX_PARTIES = 4_096

export class LocalBarriers implements NodeBarriers {
  readonly #leases: Leases

  constructor(leases: Leases) {
    this.#leases = leases
  }

  async enter(name: string, options: LeaseOptions & { readonly parties: number }): Promise<void> {
    const checks = { ...leaseChecks, parties: isParties }
    const { parties, owner, leaseMs, signal, timeoutMs } = checkedOptions(options, checks, ['parties'])
    const waitMs = checkedWaitMs(options.waitMs, DEFAULT_WAIT_MS)
    const claimed = { kind: 'barrier', name: checkedName(name) } as const
    const request = {
      ...claimed,
      owner: owner === undefined ? undefined : checkedName(owner, 'an owner'),
      leaseMs,
      limit: parties,
      value: '',
    }
    const wait = { waitMs, signal, timeoutMs }
    const { lease, isGranted, since, rest } = await this.#leases.claim(request, wait)
    // The last one to come goes on at once; its claim is gone with the round.
    const outcome = isGranted ? 'passed' : await this.#leases.turn(lease, claimed, since, rest)
    if (outcome === 'passed') return lease.forget()
    await this.#leases.giveUp(lease)
    if (outcome === 'late') {
      const patienceMs = Math.min(waitMs, timeoutMs ?? waitMs)
      const message = `${parties} parties have not come to barrier '${name}' within ${patienceMs} ms`
      throw new ClusterError('ERR_TIMEOUT', message, { operation: 'barriers.enter', timeoutMs: patienceMs })
    }
    throw new ClusterError('ERR_LEASE_LOST', `the place at barrier '${name}' was lost`, {
      lease: name,
      fencingToken: 0,
    })
  }
}

function isParties(value: unknown): string | undefined {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_PARTIES) return undefined
  return `(${String(value)}) must be a whole number from 1 to ${MAX_PARTIES}`
}
