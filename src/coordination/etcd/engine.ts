// etcd as the place where a cluster keeps what it agrees on, for one node: what the members' own log does otherwise. It
// holds a copy of what waiters look at, asks now and then whether a majority of etcd is there, and shows that its node
// lives.
//
//   open ── keys read, watch begun ──▶ at work ── watch lost ──▶ taken up again where it was
//                                         │  └── compacted meanwhile ──▶ keys read anew
//                                         └── a revision went back ──▶ the node stops: another history

import type { IKeyValue } from 'etcd3'
import type { ClaimCommand, ClientCommand, ClusterReply } from '../../../consensus/index.ts'
import { ClusterError, isClusterError } from '../../errors.ts'
import { nodeStopping, pause } from '../../wait.ts'
import { type CallOptions, DEFAULT_CALL_TIMEOUT_MS } from '../leader-calls.ts'
import type { AnswerTo, Query } from '../queries.ts'
import type { Aged } from '../reads.ts'
import { type EngineHolder, type EngineSetup, LEADER, type OpenEngine } from '../store.ts'
import { checkSize } from '../submissions.ts'
import { Wakeups } from '../wakeups.ts'
import { followChanges } from './change-stream.ts'
import { EtcdClaims } from './claims.ts'
import { EtcdClient } from './client.ts'
import { EtcdCopy } from './copy.ts'
import { CallFailure, refused } from './failures.ts'
import { EtcdHistory } from './history.ts'
import { Horizon } from './horizon.ts'
import { Keys } from './keys.ts'
import type { EtcdSettings } from './options.ts'
import { Presence } from './presence.ts'
import { EtcdQuestions } from './questions.ts'
import { EtcdWrites } from './writes.ts'

/** Between two looks whether etcd is there. */
const PROBE_MS = 500
const PROBE_TIMEOUT_MS = 1_000
/** So long after the last answer etcd counts as reached. */
const FRESH_MS = 2_500
const RETRY_MS = 250
const LOOK_AGAIN_MS = 100
/** Calls of this node under way at once. */
const MAX_IN_FLIGHT = 4_096

export class EtcdEngine implements OpenEngine {
  readonly #setup: EngineSetup
  readonly #keys: Keys
  readonly #client: EtcdClient
  readonly #copy: EtcdCopy
  readonly #claims: EtcdClaims
  readonly #writes: EtcdWrites
  readonly #questions: EtcdQuestions
  readonly #horizon: Horizon
  readonly #presence: Presence
  readonly #wakeups: Wakeups
  readonly #closing = new AbortController()
  #working: Promise<unknown> = Promise.resolve()
  #inFlight = 0
  #wasReached = true

  private constructor(settings: EtcdSettings, setup: EngineSetup) {
    this.#setup = setup
    this.#wakeups = new Wakeups(setup.clock)
    this.#keys = new Keys(settings.prefix ?? `trellis/${setup.cluster}/`)
    this.#client = new EtcdClient(settings, setup.clock)
    this.#copy = new EtcdCopy(this.#keys)
    this.#horizon = new Horizon(setup.clock, FRESH_MS)
    this.#claims = new EtcdClaims(this.#client, this.#keys, () => this.#copy.claimCount)
    const { client, keys, copy, claims, horizon, wakeups } = {
      ...{ client: this.#client, keys: this.#keys, copy: this.#copy },
      ...{ claims: this.#claims, horizon: this.#horizon, wakeups: this.#wakeups },
    }
    const history = new EtcdHistory(client, keys, copy)
    this.#writes = new EtcdWrites({ client, keys, history })
    this.#questions = new EtcdQuestions({ client, keys, copy, claims, history, horizon, wakeups })
    this.#presence = new Presence(client, keys, setup)
  }

  /** Resolves when etcd has answered. `ERR_UNAUTHORIZED`, `ERR_FORBIDDEN`, or the reason of the setup's signal. */
  static async open(settings: EtcdSettings, setup: EngineSetup): Promise<EtcdEngine> {
    const engine = new EtcdEngine(settings, setup)
    try {
      await engine.#begin()
      return engine
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  get isReached(): boolean {
    return this.#horizon.isReached
  }

  get revision(): number {
    return Math.max(this.#horizon.revision, this.#copy.through)
  }

  get decision(): { readonly index: number; readonly payload: Uint8Array } | undefined {
    return this.#copy.decision
  }

  holder({ kind, name }: { readonly kind: 'singleton'; readonly name: string }): EngineHolder | undefined {
    const [first] = this.#copy.claims(kind, name)
    return first && { owner: first.owner, value: first.value, token: first.claim }
  }

  submit(operation: string, command: ClientCommand, options: CallOptions = {}): Promise<ClusterReply> {
    checkSize(command)
    return this.#inWords(async () => {
      switch (command.type) {
        case 'write':
          return this.#writes.write(operation, command, options)
        case 'count':
          return this.#writes.count(operation, command, options)
        default:
          return this.#claims.submit(operation, command satisfies ClaimCommand, options)
      }
    })
  }

  linearizable<Q extends Query>(operation: string, query: Q, options: CallOptions): Promise<AnswerTo<Q>> {
    return this.#inWords(() => this.#questions.linearizable(operation, query, options))
  }

  stale<Q extends Query>(query: Q, options: CallOptions): Promise<Aged<AnswerTo<Q>>> {
    return this.#inWords(() => this.#questions.stale(query, options))
  }

  async awaited<Q extends Query>(query: Q, signal: AbortSignal): Promise<AnswerTo<Q> | undefined> {
    try {
      return await this.#questions.awaited(query, signal)
    } catch (error) {
      if (!(error instanceof CallFailure) && !(error instanceof ClusterError)) throw error
      if (error instanceof ClusterError && error.code === 'ERR_SHUTTING_DOWN') throw error
      await this.pause(signal)
      return undefined
    }
  }

  pause(signal: AbortSignal): Promise<void> {
    return this.#wakeups.next(LOOK_AGAIN_MS, signal)
  }

  decide(token: number, payload: Uint8Array, options: CallOptions): Promise<ClusterReply> {
    return this.#inWords(async () => {
      const claimed = { kind: 'singleton', name: LEADER } as const
      const [holder] = await this.#claims.claimsOf('s5.decide', claimed, options)
      if (!holder) return { type: 'not-activated' }
      if (holder.claim !== token) return { type: 'stale-token', token, current: holder.claim }
      const answer = await this.#client.txn(
        's5.decide',
        {
          compare: [{ target: 'Create', result: 'Equal', key: holder.key, create_revision: String(token) }],
          success: [{ request_put: { key: this.#keys.decision, value: Buffer.from(payload) } }],
        },
        options,
      )
      return answer.succeeded ? { type: 'ok', index: Number(answer.header.revision) } : { type: 'not-activated' }
    })
  }

  handOver(name: string, token: number, to: string): Promise<boolean> {
    return this.#inWords(() => this.#claims.handOver({ kind: 'singleton', name }, token, to, {}))
  }

  async enter(clusterId: string): Promise<void> {
    await this.#inWords(() => this.#presence.enter(clusterId, this.#closing.signal))
  }

  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) await this.#presence.leave()
    this.#closing.abort()
    this.#wakeups.wake()
    await this.#working
    this.#client.close()
  }

  async #begin(): Promise<void> {
    const { signal, logger } = this.#setup
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#load()
        break
      } catch (error) {
        if (signal.aborted) throw isClusterError(signal.reason, 'ERR_TIMEOUT') ? error : signal.reason
        if (!isPassing(error)) throw inWords(error, this.#client.hosts)
        if (attempt === 0) logger.warn('etcd is not in reach yet', { hosts: this.#client.hosts, reason: textOf(error) })
        await pause(this.#setup.clock, RETRY_MS, signal)
      }
    }
    await this.#presence.show()
    this.#working = Promise.all([this.#follow(), this.#probe()])
  }

  /** All keys but config's, as of one revision. */
  async #load(): Promise<void> {
    const at = this.#setup.clock.now()
    const { claims, rounds, decision } = this.#keys
    const stretches = [claims, rounds, { key: decision }]
    const success = stretches.map((stretch) => ({ request_range: stretch }))
    const answer = await this.#client.txn('etcd.open', { success }, { timeoutMs: DEFAULT_CALL_TIMEOUT_MS })
    const kvs: IKeyValue[] = answer.responses.flatMap(({ response_range }) => response_range.kvs)
    const revision = Number(answer.header.revision)
    this.#horizon.confirm(revision, at)
    this.#copy.load(kvs, revision)
    this.#changed()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await followChanges({
        client: this.#client,
        stretch: this.#keys.all,
        from: this.#copy.through + 1,
        signal,
        onChanges: (events, through) => {
          this.#copy.apply(events, through)
          this.#changed()
        },
        onCompacted: (revision) =>
          this.#setup.logger.warn('etcd was compacted while it was out of reach', { revision }),
      })
      // What was between is gone: as it is now.
      while (!signal.aborted) {
        const isLoaded = await this.#load().then(
          () => true,
          () => false,
        )
        if (isLoaded) break
        await pause(this.#setup.clock, RETRY_MS, signal)
      }
    }
  }

  /** Whether a majority is there, and its revision; a member of etcd that does not answer is left for the next one. */
  async #probe(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await pause(this.#setup.clock, PROBE_MS, signal)
      if (signal.aborted) return
      const at = this.#setup.clock.now()
      const known = this.#horizon.revision
      const request = { key: this.#keys.decision, keys_only: true }
      const options = { timeoutMs: PROBE_TIMEOUT_MS, signal }
      const answer = await this.#client.range('etcd.probe', request, options).catch(() => undefined)
      if (answer) this.#confirmed(Number(answer.header.revision), known, at)
      if (this.isReached === this.#wasReached) continue
      this.#wasReached = this.isReached
      if (this.#wasReached) this.#setup.logger.info('etcd is in reach again', {})
      else this.#setup.logger.warn('no majority of etcd is in reach', { hosts: this.#client.hosts })
      this.#changed()
    }
  }

  #confirmed(revision: number, known: number, at: number): void {
    if (revision >= known) {
      this.#horizon.confirm(revision, at)
      return
    }
    const message = `etcd is at revision ${revision}, and was at ${known}: it was restored, and tokens and revisions of before count no more`
    const details = { id: this.#keys.prefix, generation: revision, seen: known }
    this.#setup.onFailure(new ClusterError('ERR_DATA_ROLLED_BACK', message, details))
  }

  #changed(): void {
    this.#wakeups.wake()
    this.#setup.onChange()
  }

  async #inWords<Value>(call: () => Promise<Value>): Promise<Value> {
    if (this.#closing.signal.aborted) throw nodeStopping()
    if (this.#inFlight >= MAX_IN_FLIGHT) {
      const details = { queue: 'etcd', limit: MAX_IN_FLIGHT }
      throw new ClusterError('ERR_BUFFER_FULL', `${MAX_IN_FLIGHT} calls are under way already`, details)
    }
    this.#inFlight += 1
    try {
      return await call()
    } catch (error) {
      throw inWords(error, this.#client.hosts)
    } finally {
      this.#inFlight -= 1
    }
  }
}

function inWords(error: unknown, hosts: readonly string[]): unknown {
  return error instanceof CallFailure ? refused(error, hosts) : error
}

function isPassing(error: unknown): boolean {
  return isClusterError(error, 'ERR_NO_QUORUM')
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
