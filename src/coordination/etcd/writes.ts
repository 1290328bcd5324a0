// Writes of config and counters as transactions of etcd. A revision is etcd's `mod_revision`. A rollback reads what was
// there before: the past does not change.

import type { ICompare, IRequestOp, ITxnResponse } from 'etcd3'
import type {
  ConfigCondition,
  ConfigOperation,
  CountCommand,
  CountReply,
  WriteCommand,
  WriteReply,
  WriteResult,
} from '../../../consensus/index.ts'
import { MAX_CONFIG_OPERATIONS } from '../../wire/limits.ts'
import type { CallOptions } from '../leader-calls.ts'
import type { EtcdClient } from './client.ts'
import { CallFailure, unsupported } from './failures.ts'
import type { EtcdHistory } from './history.ts'
import type { Keys } from './keys.ts'

export interface WritesOptions {
  readonly client: EtcdClient
  readonly keys: Keys
  readonly history: Pick<EtcdHistory, 'compacted' | 'valueAt'>
}

type Plain = Extract<ConfigOperation, { type: 'set' | 'delete' }>

export class EtcdWrites {
  readonly #options: WritesOptions

  constructor(options: WritesOptions) {
    this.#options = options
  }

  async write(operation: string, command: WriteCommand, options: CallOptions): Promise<WriteReply> {
    const { conditions, operations, otherwise } = command
    if ([conditions, operations, otherwise ?? []].some(({ length }) => length > MAX_CONFIG_OPERATIONS))
      return { type: 'refused', reason: 'too-many-operations' }
    if (hasTwice(operations) || hasTwice(otherwise ?? [])) return { type: 'refused', reason: 'key-twice' }
    const then = await this.#plain(operation, operations, options)
    if (!Array.isArray(then)) return then as WriteReply
    const other = otherwise && (await this.#plain(operation, otherwise, options))
    if (other !== undefined && !Array.isArray(other)) return other as WriteReply
    const answer = await this.#transact(
      operation,
      {
        compare: conditions.map((condition) => this.#compare(condition)),
        success: then.map((one) => this.#request(one)),
        failure: other ? (other as Plain[]).map((one) => this.#request(one)) : this.#looks(conditions),
      },
      options,
    )
    if (answer === 'full') return { type: 'refused', reason: 'config-full' }
    if (!answer.succeeded && other === undefined) return firstFailed(conditions, answer)
    const done = answer.succeeded ? then : (other as Plain[])
    const revision = Number(answer.header.revision)
    return { type: 'written', revision, held: answer.succeeded, results: resultsOf(done, answer, revision) }
  }

  /** One addition is one transaction, made again while others come between. */
  async count(operation: string, { name, add, subtract }: CountCommand, options: CallOptions): Promise<CountReply> {
    const { client, keys } = this.#options
    const key = keys.counter(name)
    const deadline = client.clock.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY)
    let { kvs } = await client.range(operation, { key }, options)
    for (;;) {
      const value = Number(kvs[0]?.value.toString('utf8') ?? 0) + add - subtract
      if (!Number.isSafeInteger(value)) return { type: 'refused', reason: 'counter-range' }
      const left = {
        ...options,
        timeoutMs: Math.max(1, Math.min(deadline - client.clock.now(), options.timeoutMs ?? 5_000)),
      }
      const answer = await this.#transact(
        operation,
        {
          compare: [{ target: 'Mod', result: 'Equal', key, mod_revision: kvs[0]?.mod_revision ?? '0' }],
          success: [{ request_put: { key, value: Buffer.from(String(value)) } }],
          failure: [{ request_range: { key } }],
        },
        left,
      )
      if (answer === 'full') return { type: 'refused', reason: 'too-many-counters' }
      if (answer.succeeded) return { type: 'counted', value, revision: Number(answer.header.revision) }
      kvs = answer.responses[0]?.response_range.kvs ?? []
    }
  }

  async #transact(
    operation: string,
    request: { readonly compare: ICompare[]; readonly success: IRequestOp[]; readonly failure: IRequestOp[] },
    options: CallOptions,
  ): Promise<ITxnResponse | 'full'> {
    try {
      return await this.#options.client.txn(operation, request, options)
    } catch (error) {
      if (error instanceof CallFailure && error.isFull) return 'full'
      throw error
    }
  }

  /** What the operations come to, rollbacks read. */
  async #plain(
    operation: string,
    operations: readonly ConfigOperation[],
    options: CallOptions,
  ): Promise<Plain[] | WriteReply> {
    const { history } = this.#options
    const plain: Plain[] = []
    for (const one of operations) {
      if (one.type === 'set' || one.type === 'delete') plain.push(one)
      else if (one.type !== 'rollback') throw unsupported('merging offline keys')
      else {
        const was = await history.valueAt(operation, one.key, one.revision, options)
        if (was === 'future') return { type: 'refused', reason: 'future-revision' }
        if (was === 'compacted') return { type: 'compacted', key: one.key, compacted: await history.compacted(options) }
        plain.push(
          was ? { type: 'set', key: one.key, value: was.value.toString('utf8') } : { type: 'delete', key: one.key },
        )
      }
    }
    return plain
  }

  #compare(condition: ConfigCondition): ICompare {
    const key = this.#options.keys.config(condition.key)
    if (condition.type === 'exists') return { target: 'Create', result: 'Greater', key, create_revision: '0' }
    return { target: 'Mod', result: 'Equal', key, mod_revision: String(condition.revision) }
  }

  #request(one: Plain): IRequestOp {
    const key = this.#options.keys.config(one.key)
    if (one.type === 'delete') return { request_delete_range: { key, prev_kv: true } }
    return { request_put: { key, value: Buffer.from(one.value), prev_kv: true } }
  }

  #looks(conditions: readonly ConfigCondition[]): IRequestOp[] {
    return conditions.map(({ key }) => ({ request_range: { key: this.#options.keys.config(key), keys_only: true } }))
  }
}

function hasTwice(operations: readonly ConfigOperation[]): boolean {
  return new Set(operations.map(({ key }) => key)).size < operations.length
}

function firstFailed(conditions: readonly ConfigCondition[], { responses }: ITxnResponse): WriteReply {
  for (const [position, condition] of conditions.entries()) {
    const revision = Number(responses[position]?.response_range.kvs[0]?.mod_revision ?? 0)
    const holds = condition.type === 'exists' ? revision > 0 : revision === condition.revision
    if (!holds) return { type: 'condition-failed', key: condition.key, revision }
  }
  throw new CallFailure({ code: 13, message: 'etcd refused a transaction whose conditions hold' })
}

function resultsOf(done: readonly Plain[], { responses }: ITxnResponse, revision: number): WriteResult[] {
  return done.map(({ type, key }, position): WriteResult => {
    const response = responses[position]
    if (type === 'delete') {
      const existed = Number(response?.response_delete_range.deleted ?? 0) > 0
      return { key, revision: 0, createRevision: 0, existed }
    }
    const before = response?.response_put.prev_kv
    return { key, revision, createRevision: Number(before?.create_revision ?? revision), existed: before != null }
  })
}
