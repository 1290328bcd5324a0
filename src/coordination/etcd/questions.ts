// Questions to etcd, and to this node's copy of it. Linearizable ones are etcd's own linearizable reads. Stale ones are
// answered by whichever member of etcd is there, with the time for which that may have missed something: since the last
// moment at which a majority confirmed a revision that the answer has.

import type { ConfigRecord } from '../../../consensus/index.ts'
import type { CallOptions } from '../leader-calls.ts'
import { type Answers, type AnswerTo, type Query, viewOf } from '../queries.ts'
import type { Aged } from '../reads.ts'
import type { Wakeups } from '../wakeups.ts'
import type { EtcdClaims } from './claims.ts'
import type { EtcdClient } from './client.ts'
import type { EtcdCopy } from './copy.ts'
import type { EtcdHistory } from './history.ts'
import type { Horizon } from './horizon.ts'
import { claimsIn, type Keys } from './keys.ts'
import { changesAnswer, holderOf, keyOf, recordOf, thingsIn } from './words.ts'

export interface EtcdQuestionsOptions {
  readonly client: EtcdClient
  readonly keys: Keys
  readonly copy: EtcdCopy
  readonly claims: EtcdClaims
  readonly history: EtcdHistory
  readonly horizon: Horizon
  readonly wakeups: Wakeups
}

/** Keys in one exchange, each with a value of 64 KiB at most. */
const PAGE_KEYS = 256
/** How long one question waits for a change. */
const AWAIT_MS = 10_000

export class EtcdQuestions {
  readonly #options: EtcdQuestionsOptions

  constructor(options: EtcdQuestionsOptions) {
    this.#options = options
  }

  async linearizable<Q extends Query>(operation: string, query: Q, options: CallOptions): Promise<AnswerTo<Q>> {
    return (await this.#ask(operation, query, options, false)).answer as AnswerTo<Q>
  }

  async stale<Q extends Query>(query: Q, options: CallOptions): Promise<Aged<AnswerTo<Q>>> {
    const { copy, horizon } = this.#options
    const near = this.#fromCopy(query)
    if (near) return { answer: near as AnswerTo<Q>, ageMs: horizon.ageMs(copy.through) }
    const { answer, revision } = await this.#ask(`stale ${query.type}`, query, options, true)
    return { answer: answer as AnswerTo<Q>, ageMs: horizon.ageMs(revision) }
  }

  async awaited<Q extends Query>(query: Q, signal: AbortSignal): Promise<AnswerTo<Q> | undefined> {
    const { client, wakeups } = this.#options
    const deadline = client.clock.now() + AWAIT_MS
    for (;;) {
      const { count } = wakeups
      const found = await this.#now(query, signal)
      const left = deadline - client.clock.now()
      if (found !== undefined || left <= 0 || signal.aborted) return found as AnswerTo<Q> | undefined
      if (wakeups.count === count) await wakeups.next(left, signal)
    }
  }

  /** What is worth an answer. Undefined: nothing yet. */
  async #now(query: Query, signal: AbortSignal): Promise<Answers[keyof Answers] | undefined> {
    switch (query.type) {
      case 'config-changes':
        return this.#changes(query, signal)
      case 'claim':
        return this.#claim(query, signal)
      case 'holder': {
        const found = this.#fromCopy(query) as Answers['holder']
        return found.isKnown ? undefined : found
      }
      default:
        return (await this.#ask(query.type, query, { signal }, false)).answer
    }
  }

  async #changes(
    { from, prefix, limit }: Extract<Query, { type: 'config-changes' }>,
    signal: AbortSignal,
  ): Promise<Answers['config-changes'] | undefined> {
    const { copy } = this.#options
    if (from < copy.keptFrom) return this.#options.history.past(from, prefix, signal)
    const changes = copy.changes(from, prefix, limit)
    if (changes.length === 0) return undefined
    return changesAnswer(changes, changes.at(-1)!.revision + 1)
  }

  async #claim(
    { kind, name, claim }: Extract<Query, { type: 'claim' }>,
    signal: AbortSignal,
  ): Promise<Answers['claim'] | undefined> {
    const { copy, claims } = this.#options
    const all = copy.claims(kind, name)
    const place = all.findIndex((one) => one.claim === claim)
    if (place >= 0) {
      const { limit } = all[place]!
      if (kind !== 'barrier') return place < limit ? { state: 'granted', token: claim } : undefined
      // Whoever was to end the round may be gone.
      if (all.length >= limit) await claims.pass('barriers.enter', { kind, name }, { signal }).catch(() => {})
      return undefined
    }
    // The copy has not seen it yet.
    if (copy.through < claim) return undefined
    const hasPassed = kind === 'barrier' && copy.round(name).includes(claim)
    return { state: hasPassed ? 'passed' : 'gone', token: 0 }
  }

  /** What the copy answers as well as etcd would. */
  #fromCopy(query: Query): Answers['holder'] | Answers['claims'] | undefined {
    const { copy } = this.#options
    if (query.type === 'holder') return holderOf(copy.claims(query.kind, query.name), query)
    if (query.type === 'claims') return { things: copy.things().map(viewOf), isWhole: true }
    return undefined
  }

  async #ask(
    operation: string,
    query: Query,
    options: CallOptions,
    serializable: boolean,
  ): Promise<{ readonly answer: Answers[keyof Answers]; readonly revision: number }> {
    const { client, keys } = this.#options
    switch (query.type) {
      case 'config-get': {
        const { kvs, header } = await client.range(operation, { key: keys.config(query.key), serializable }, options)
        const revision = Number(header.revision)
        return { answer: { record: kvs[0] ? recordOf(query.key, kvs[0]) : null }, revision }
      }
      case 'config-list':
        return this.#list(operation, query.prefix, options, serializable)
      case 'config-history': {
        const { history } = this.#options
        const { key, until } = query
        const answer =
          until === undefined ? history.of(operation, key, options) : history.until(operation, key, until, options)
        return { answer: await answer, revision: 0 }
      }
      case 'config-revision': {
        const request = { key: keys.decision, keys_only: true, serializable }
        const revision = Number((await client.range(operation, request, options)).header.revision)
        return { answer: { revision, compacted: await this.#options.history.compacted(options) }, revision }
      }
      case 'counter': {
        const { kvs, header } = await client.range(operation, { key: keys.counter(query.name), serializable }, options)
        return { answer: { value: Number(kvs[0]?.value.toString('utf8') ?? 0) }, revision: Number(header.revision) }
      }
      case 'holder': {
        const { kvs, header } = await client.range(operation, { ...keys.claimsOf(query), serializable }, options)
        return { answer: holderOf(claimsIn(kvs), query), revision: Number(header.revision) }
      }
      case 'claims': {
        const { kvs, header } = await client.range(operation, { ...keys.claims, serializable }, options)
        return { answer: { things: thingsIn(keys, kvs).map(viewOf), isWhole: true }, revision: Number(header.revision) }
      }
      default:
        throw new TypeError(`not a question for etcd: ${query.type}`)
    }
  }

  /** All of it as of one revision, however many pages that takes. */
  async #list(operation: string, prefix: string, options: CallOptions, serializable: boolean) {
    const { client, keys } = this.#options
    const { key, range_end } = keys.configs(prefix)
    const records: ConfigRecord[] = []
    let from = key
    let revision: string | undefined
    for (;;) {
      const page = { key: from, range_end, limit: String(PAGE_KEYS), serializable }
      const request = revision === undefined ? page : { ...page, revision }
      const { kvs, header, more } = await client.range(operation, request, options)
      revision ??= header.revision
      for (const kv of kvs) records.push(recordOf(keyOf(keys, kv), kv))
      const last = kvs.at(-1)
      if (!more || last === undefined)
        return { answer: { records, revision: Number(revision), isWhole: true }, revision: Number(revision) }
      from = Buffer.concat([last.key, Buffer.from([0])])
    }
  }
}
