// `node.elections`: one leads, the others are in the queue behind it; anybody can ask who, and watch.

import type { Claim } from '../../consensus/index.ts'
import { anything, checkedOptions, waitChecks } from '../call-options.ts'
import type { JsonValue } from '../channels/payload.ts'
import { endable } from '../iteration.ts'
import { jsonText } from '../json-text.ts'
import type { CallOptions } from './leader-calls.ts'
import type { ElectedLeader, ElectionOptions, Lease, NodeElections } from './lease-interface.ts'
import { badOptions, checkedName, checkedWaitMs, type Leases, leaseChecks } from './leases.ts'
import type { Questions } from './store.ts'

const MAX_VALUE_LENGTH = 4_096

export class LocalElections implements NodeElections {
  readonly #leases: Leases
  readonly #reads: Questions
  readonly #stopping: AbortSignal

  constructor(leases: Leases, reads: Questions, stopping: AbortSignal) {
    this.#leases = leases
    this.#reads = reads
    this.#stopping = stopping
  }

  async campaign(name: string, options: ElectionOptions = {}): Promise<Lease> {
    checkedOptions(options, { ...leaseChecks, value: anything })
    const { owner, leaseMs, waitMs, signal, timeoutMs, value = null } = options
    const request = {
      kind: 'election',
      name: checkedName(name),
      owner: owner === undefined ? undefined : checkedName(owner, 'an owner'),
      leaseMs,
      limit: 1,
      value: textOf(value),
    } as const
    return this.#leases.take(request, { waitMs: checkedWaitMs(waitMs, Number.POSITIVE_INFINITY), signal, timeoutMs })
  }

  async leader(name: string, options: CallOptions = {}): Promise<ElectedLeader | undefined> {
    checkedOptions(options, waitChecks)
    const query = { type: 'holder', kind: 'election', name: checkedName(name), known: -1 } as const
    return leaderOf((await this.#reads.linearizable('elections.leader', query, options)).holder)
  }

  observe(name: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<ElectedLeader | undefined> {
    checkedName(name)
    checkedOptions(options, { signal: waitChecks.signal })
    return endable((signal) => this.#leaders(name, signal), [this.#stopping, options.signal])
  }

  async *#leaders(name: string, signal: AbortSignal): AsyncGenerator<ElectedLeader | undefined, void, undefined> {
    let known = -1
    while (!signal.aborted) {
      const query = { type: 'holder', kind: 'election', name, known } as const
      const found = await this.#reads.awaited(query, signal).catch((error: unknown) => {
        if (signal.aborted) return undefined
        throw error
      })
      // A copy that lags behind another one that was asked before says what is over.
      if (!found || found.isKnown || (found.holder !== null && found.holder.token < known)) continue
      known = found.holder?.token ?? 0
      yield leaderOf(found.holder)
    }
  }
}

function leaderOf(holder: Claim | null): ElectedLeader | undefined {
  return holder ? { owner: holder.owner, value: JSON.parse(holder.value) as JsonValue, token: holder.token } : undefined
}

function textOf(value: JsonValue): string {
  const text = jsonText(value, 'the value')
  if (Buffer.byteLength(text) > MAX_VALUE_LENGTH) throw badOptions(`the value has more than ${MAX_VALUE_LENGTH} bytes`)
  return text
}
