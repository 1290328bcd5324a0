// Singletons as the log has them: who was activated last, under which token, and what it decided. This is the record of
// what is *allowed*; whether the host runs at this moment is the business of its lease (`hosting.ts`), never of the
// log.

import type { ApplyMeta } from '../state-machine.ts'
import type { ClusterCommand, ClusterReply, SingletonRecord } from './commands.ts'

export interface SingletonBounds {
  /** Names of singletons at most. */
  readonly maxSingletons: number
  /** Bytes in one decision at most. */
  readonly maxDecisionBytes: number
  /** UTF-16 units in the name of a singleton or in an id at most. */
  readonly maxNameLength: number
}

type Refusal = Exclude<ClusterReply, { type: 'ok' }>
type Of<Type extends ClusterCommand['type']> = Extract<ClusterCommand, { type: Type }>

export class Singletons {
  readonly #bounds: SingletonBounds
  #records = new Map<string, SingletonRecord>()

  constructor(bounds: SingletonBounds) {
    this.#bounds = bounds
  }

  activate({ index, term }: ApplyMeta, command: Of<'activate'>): Refusal | undefined {
    const { singleton, host } = command
    const record = this.#records.get(singleton)
    const { maxSingletons, maxNameLength } = this.#bounds
    if (singleton.length === 0 || singleton.length > maxNameLength || host.length > maxNameLength)
      return { type: 'refused', reason: 'name-length' }
    if (record === undefined && this.#records.size >= maxSingletons)
      return { type: 'refused', reason: 'too-many-singletons' }
    // A forwarded or delayed copy stands in a later term than it names. Within a term only its leader may host.
    if (command.term !== term || (record?.term === term && record.host !== host)) return { type: 'not-activated' }
    this.#records.set(singleton, { singleton, host, token: index, term, released: false, decision: record?.decision })
    return undefined
  }

  release({ singleton, token }: Of<'release'>): Refusal | undefined {
    const record = this.#active(singleton, token)
    if (record.type !== 'record') return record
    this.#records.set(singleton, { ...record.record, released: true })
    return undefined
  }

  decide({ index }: ApplyMeta, { singleton, token, payload }: Of<'decide'>): Refusal | undefined {
    const record = this.#active(singleton, token)
    if (record.type !== 'record') return record
    if (payload.length > this.#bounds.maxDecisionBytes) return { type: 'refused', reason: 'decision-too-large' }
    // Its own copy: the caller may read the command out of a buffer that is used again.
    this.#records.set(singleton, { ...record.record, decision: { index, payload: new Uint8Array(payload) } })
    return undefined
  }

  /** The record of one singleton; undefined before its first activation. */
  record(singleton: string): SingletonRecord | undefined {
    return this.#records.get(singleton)
  }

  /** All records, copied, in the order of their first activation. */
  entries(): SingletonRecord[] {
    return [...this.#records.values()].map(detached)
  }

  restore(records: readonly SingletonRecord[]): void {
    this.#records = new Map(records.map((record) => [record.singleton, detached(record)]))
  }

  #active(singleton: string, token: number): Refusal | { readonly type: 'record'; readonly record: SingletonRecord } {
    const record = this.#records.get(singleton)
    if (record === undefined) return { type: 'not-activated' }
    if (record.token !== token || record.released) return { type: 'stale-token', token, current: record.token }
    return { type: 'record', record }
  }
}

function detached(record: SingletonRecord): SingletonRecord {
  const { decision } = record
  return { ...record, decision: decision && { index: decision.index, payload: new Uint8Array(decision.payload) } }
}
