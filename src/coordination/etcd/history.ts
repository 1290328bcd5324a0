// The past, asked of etcd: changes that this node never saw or no longer has. etcd answers such a question by a watch
// that begins in the past, and a watch has no end; so each of these ends at a change of which it is known that it will
// come.

import type { IKeyValue } from 'etcd3'
import type { ConfigChange } from '../../../consensus/index.ts'
import { type CallOptions, DEFAULT_CALL_TIMEOUT_MS } from '../leader-calls.ts'
import type { Answers } from '../queries.ts'
import { followChanges } from './change-stream.ts'
import type { EtcdClient } from './client.ts'
import type { EtcdCopy } from './copy.ts'
import { CallFailure, unreached } from './failures.ts'
import { type Keys, only } from './keys.ts'
import { changeOf, changesAnswer, recordOf } from './words.ts'

/** Of one question about the past. */
const MAX_WAIT_MS = 60_000
/** Changes that are asked of etcd again at once, for a watch that begins in the past. */
const MAX_CAUGHT_UP = 4_096

export class EtcdHistory {
  readonly #client: EtcdClient
  readonly #keys: Keys
  readonly #copy: EtcdCopy

  constructor(client: EtcdClient, keys: Keys, copy: EtcdCopy) {
    this.#client = client
    this.#keys = keys
    this.#copy = copy
  }

  /** Up to and including which revision etcd has dropped its history; 0: it has all of it. */
  async compacted(options: CallOptions): Promise<number> {
    try {
      // Revision 1 is the empty store.
      await this.#client.range(
        'compacted',
        { key: this.#keys.decision, revision: '1', keys_only: true, serializable: true },
        options,
      )
      return 0
    } catch (error) {
      if (error instanceof CallFailure && error.isCompacted) return this.#compactedAt(options)
      throw error
    }
  }

  /**
   * What this node no longer has, or never had. It ends at the first change that it has: that one is there for certain.
   */
  async past(from: number, prefix: string, signal: AbortSignal): Promise<Answers['config-changes'] | undefined> {
    const { keptFrom, through: known } = this.#copy
    // Its own sign of life is the change that the end is known by; it may not have come back yet.
    if (known < keptFrom) return undefined
    const done = new AbortController()
    const found: ConfigChange[] = []
    let next: number | undefined
    let compacted = 0
    await followChanges({
      client: this.#client,
      stretch: this.#keys.all,
      from,
      signal: AbortSignal.any([signal, done.signal]),
      onChanges: (events, through) => {
        for (const event of events) {
          const place = this.#keys.placeOf(event.kv.key)
          const isOlder = Number(event.kv.mod_revision) < keptFrom
          if (isOlder && place?.room === 'config' && place.key.startsWith(prefix))
            found.push(changeOf(place.key, event))
        }
        next = Math.min(through + 1, keptFrom)
        if (through + 1 >= keptFrom || found.length >= MAX_CAUGHT_UP) done.abort()
      },
      onCompacted: (revision) => {
        compacted = revision
      },
    })
    if (compacted > 0) return { type: 'compacted', compacted }
    return next === undefined ? undefined : changesAnswer(found, next)
  }

  /**
   * Every change of a key that etcd has kept. Of a key that is there they end with its present value; of one that is
   * gone, with the newest change of all.
   */
  async of(operation: string, key: string, options: CallOptions): Promise<Answers['config-history']> {
    const compacted = await this.compacted(options)
    const { kvs } = await this.#client.range(operation, { key: this.#keys.config(key) }, options)
    const present = kvs[0] && recordOf(key, kvs[0])
    const end = present?.revision ?? this.#copy.through
    const found: ConfigChange[] = []
    const done = new AbortController()
    const late = this.#late(options)
    let since = compacted
    await followChanges({
      client: this.#client,
      stretch: present ? only(this.#keys.config(key)) : this.#keys.all,
      from: compacted + 1,
      signal: AbortSignal.any([done.signal, late]),
      onChanges: (events, through) => {
        for (const event of events) {
          const place = this.#keys.placeOf(event.kv.key)
          if (place?.room === 'config' && place.key === key) found.push(changeOf(key, event))
        }
        if (through >= end) done.abort()
      },
      onCompacted: (revision) => {
        since = revision
      },
    })
    if (late.aborted && !done.signal.aborted) throw unreached(this.#client.hosts, undefined, false)
    if (since > compacted) return this.of(operation, key, options)
    // What it is now is its last change, even when that lies before what is kept.
    if (present && found.length === 0) found.push(present)
    return { changes: found, compacted }
  }

  /** The newest change of a key up to a revision; of those before it, nothing. */
  async until(
    operation: string,
    key: string,
    revision: number,
    options: CallOptions,
  ): Promise<Answers['config-history']> {
    const was = await this.valueAt(operation, key, revision, options)
    const isThere = was !== undefined && was !== 'compacted' && was !== 'future'
    return { changes: isThere ? [recordOf(key, was)] : [], compacted: await this.compacted(options) }
  }

  /** The key as it was at that revision; undefined: it was not there. */
  async valueAt(
    operation: string,
    key: string,
    revision: number,
    options: CallOptions,
  ): Promise<IKeyValue | undefined | 'compacted' | 'future'> {
    try {
      // Revision 0 is before the first, where etcd takes it for the newest.
      const request = { key: this.#keys.config(key), revision: String(Math.max(1, revision)) }
      return (await this.#client.range(operation, request, options)).kvs[0]
    } catch (error) {
      if (error instanceof CallFailure && error.isCompacted) return 'compacted'
      if (error instanceof CallFailure && error.isFuture) return 'future'
      throw error
    }
  }

  /** etcd says where its history begins only to a watch that asks for what is gone. */
  async #compactedAt(options: CallOptions): Promise<number> {
    let compacted = 0
    const late = this.#late(options)
    await followChanges({
      client: this.#client,
      stretch: only(this.#keys.decision),
      from: 1,
      signal: late,
      onChanges: () => {},
      onCompacted: (revision) => {
        compacted = revision
      },
    })
    return compacted
  }

  /** Aborts when the caller's time is over, or its patience. */
  #late({ timeoutMs = DEFAULT_CALL_TIMEOUT_MS, signal }: CallOptions): AbortSignal {
    const late = this.#client.clock.timeout(Math.max(1, Math.ceil(Math.min(timeoutMs, MAX_WAIT_MS))))
    return signal ? AbortSignal.any([late, signal]) : late
  }
}
