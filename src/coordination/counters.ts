// `node.counters`: whole numbers that everybody adds to.

import { checkedOptions, waitChecks } from '../call-options.ts'
import { ClusterError } from '../errors.ts'
import type { CallOptions } from './leader-calls.ts'
import type { NodeCounters } from './lease-interface.ts'
import { badOptions, checkedName } from './leases.ts'
import type { Commands, Questions } from './store.ts'

export class LocalCounters implements NodeCounters {
  readonly #submissions: Commands
  readonly #reads: Questions

  constructor(submissions: Commands, reads: Questions) {
    this.#submissions = submissions
    this.#reads = reads
  }

  async get(name: string, options: CallOptions = {}): Promise<number> {
    checkedOptions(options, waitChecks)
    return (await this.#reads.linearizable('counters.get', { type: 'counter', name: checkedName(name) }, options)).value
  }

  async add(name: string, by = 1, options: CallOptions = {}): Promise<number> {
    checkedOptions(options, waitChecks)
    if (!Number.isSafeInteger(by)) throw badOptions(`what is added (${String(by)}) must be a whole number`)
    const command = {
      type: 'count',
      name: checkedName(name),
      add: Math.max(0, by),
      subtract: Math.max(0, -by),
    } as const
    const reply = await this.#submissions.submit('counters.add', command, options)
    if (reply.type === 'counted') return reply.value
    if (reply.type === 'refused' && reply.reason === 'counter-range')
      throw badOptions(`'${name}' would no longer be an exact whole number`)
    if (reply.type === 'refused' && reply.reason === 'too-many-counters')
      throw new ClusterError('ERR_CONFIG_FULL', 'there are too many counters', { reason: reply.reason })
    throw new ClusterError('ERR_INTERNAL', `a count was answered with ${reply.type}`, {})
  }
}

/** Called, it is this process's own counts; its methods are the cluster's counters. */
export function countersOf(
  own: () => Readonly<Record<string, number>>,
  cluster: NodeCounters,
): NodeCounters & (() => Readonly<Record<string, number>>) {
  return Object.assign(() => own(), {
    get: (...asked: Parameters<NodeCounters['get']>) => cluster.get(...asked),
    add: (...asked: Parameters<NodeCounters['add']>) => cluster.add(...asked),
  })
}
