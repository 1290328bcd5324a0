// Claims over etcd: the recipe of its `concurrency` package. A claim is a key under a lease of etcd; who made it
// earlier stands before who made it later, and the first ones, as many as the limit says, hold. The revision that made
// the key is the claim's number and its token: whoever holds later has a larger one.
//
//   claim ── lease granted, key put ──▶ waits ── those before it are gone ──▶ holds ── deleted, or lease over ──▶ gone
//
// Of a barrier nobody holds: who sees that as many have come as were agreed on ends the round for all of them, in one
// transaction.

import type { ICompare, ITxnResponse } from 'etcd3'
import type { ClaimCommand, Claimed, ClaimReply } from '../../../consensus/index.ts'
import type { CallOptions } from '../leader-calls.ts'
import type { EtcdClient } from './client.ts'
import { CallFailure } from './failures.ts'
import { type ClaimText, claimsIn, type Keys, roundOf, type StoredClaim } from './keys.ts'

type Claiming = Extract<ClaimCommand, { type: 'claim' }>

/** Of one cluster: each node keeps all of them. */
const MAX_CLAIMS = 16_384
/** A renewal between two leaders of etcd is not to be trusted, and is made again. */
const MAX_RENEWALS = 3
const DEFAULT_RENEW_MS = 5_000
/** Whom a barrier remembers beside those of its last round: who looks late finds that it went through. */
const REMEMBERED_PARTIES = 1_000
/** A transaction of etcd has 128 operations at most. */
const MAX_PASSED_OVER = 100
/** Rounds of a barrier that were over just as this party came. */
const MAX_ROUNDS = 100

export class EtcdClaims {
  readonly #client: EtcdClient
  readonly #keys: Keys
  readonly #count: () => number

  /** `count`: how many claims there are, as far as this node knows. */
  constructor(client: EtcdClient, keys: Keys, count: () => number) {
    this.#client = client
    this.#keys = keys
    this.#count = count
  }

  async submit(operation: string, command: ClaimCommand, options: CallOptions): Promise<ClaimReply> {
    switch (command.type) {
      case 'claim':
        return this.#claim(operation, command, options)
      case 'renew-claim':
        return this.#renew(operation, command, command.claim, options)
      case 'end-claim':
        return this.#end(operation, command, command.claim, options)
      default:
        // etcd ends leases itself.
        return { type: 'no-claim', token: 0 }
    }
  }

  /** All claims on a thing, as of now. */
  async claimsOf(operation: string, claimed: Claimed, options: CallOptions): Promise<StoredClaim[]> {
    return claimsIn((await this.#client.range(operation, this.#keys.claimsOf(claimed), options)).kvs)
  }

  /** Ends a round of a barrier to which all have come. Whoever is late finds it ended. */
  async pass(operation: string, claimed: Claimed, options: CallOptions): Promise<void> {
    const round = this.#keys.round(claimed.name)
    const all = this.#keys.claimsOf(claimed)
    for (let attempt = 0; attempt < MAX_ROUNDS; attempt++) {
      const look = await this.#client.txn(operation, this.#looks(claimed), options)
      const claims = claimsIn(look.responses[0]?.response_range.kvs ?? [])
      const [last] = look.responses[1]?.response_range.kvs ?? []
      const limit = claims[0]?.limit ?? 0
      if (limit === 0 || claims.length < limit) return
      const through = claims.slice(0, limit).map(({ claim }) => claim)
      const before = last === undefined ? [] : roundOf(last)
      const passed = [...through, ...before].slice(0, limit + REMEMBERED_PARTIES)
      const answer = await this.#client.txn(
        operation,
        {
          compare: [
            { target: 'Mod', result: 'Equal', key: round, mod_revision: last?.mod_revision ?? '0' },
            // Nobody has come since: whoever did would be sent away unseen.
            { target: 'Create', result: 'Less', ...all, create_revision: String(claims.at(-1)!.claim + 1) },
          ],
          success: [
            { request_put: { key: round, value: Buffer.from(JSON.stringify(passed)) } },
            { request_delete_range: all },
          ],
        },
        options,
      )
      if (answer.succeeded) return
    }
  }

  /** Whether a claim that is gone went through its barrier, by the last round alone. */
  async hasPassed(operation: string, { name }: Claimed, claim: number, options: CallOptions): Promise<boolean> {
    const [round] = (await this.#client.range(operation, { key: this.#keys.round(name) }, options)).kvs
    return round !== undefined && roundOf(round).includes(claim)
  }

  /**
   * Everybody before `to` loses its place, and the holder of `token`, which has stopped, what it holds. False: `to`
   * does not wait, or the token is stale.
   */
  async handOver(claimed: Claimed, token: number, to: string, options: CallOptions): Promise<boolean> {
    const operation = 'leader.transfer'
    const claims = await this.claimsOf(operation, claimed, options)
    const place = claims.findIndex(({ owner }) => owner === to)
    if (claims[0]?.claim !== token || place < 1 || place > MAX_PASSED_OVER) return false
    const before = claims.slice(0, place)
    const compare = claims
      .slice(0, place + 1)
      .map(({ key, claim }): ICompare => ({ target: 'Create', result: 'Equal', key, create_revision: String(claim) }))
    const success = before.map(({ key }) => ({ request_delete_range: { key } }))
    const answer = await this.#client.txn(operation, { compare, success }, options)
    if (answer.succeeded) for (const { lease } of before) void this.#client.revoke(lease)
    return answer.succeeded
  }

  async #claim(operation: string, command: Claiming, options: CallOptions): Promise<ClaimReply> {
    if (this.#count() >= MAX_CLAIMS) return { type: 'refused', reason: 'too-many-claims' }
    const { leaseMs, limit, kind } = command
    const { ID: lease } = await this.#client.grant(operation, leaseMs, options)
    try {
      for (let attempt = 0; attempt < MAX_ROUNDS; attempt++) {
        const answer = await this.#put(operation, command, lease, options)
        const claims = claimsIn(answer.responses.at(-1)?.response_range.kvs ?? [])
        if (!answer.succeeded) return await this.#refuse(lease, held(claims, command.owner))
        const claim = Number(answer.header.revision)
        const place = claims.findIndex((one) => one.claim === claim)
        if (claims[0]!.limit !== limit) return await this.#refuse(lease, { type: 'refused', reason: 'limit-differs' })
        if (kind === 'barrier' && place + 1 >= limit) {
          await this.pass(operation, command, options)
          if (await this.hasPassed(operation, command, claim, options)) return taken(claim, claim, leaseMs)
          // It came when a round was full and about to end, so it belongs to the next.
          await this.#drop(operation, this.#keys.claim(command, command.owner), claim, options)
          continue
        }
        if (kind === 'barrier') return taken(claim, 0, leaseMs)
        if (place < limit) return taken(claim, claim, leaseMs)
        if (command.waits) return taken(claim, 0, leaseMs)
        return await this.#refuse(lease, held(claims, ''))
      }
      return await this.#refuse(lease, { type: 'refused', reason: 'too-many-waiting' })
    } catch (error) {
      void this.#client.revoke(lease)
      throw error
    }
  }

  /** The last answer is all claims on the thing, this one included when it was made. */
  #put(operation: string, command: Claiming, lease: string, options: CallOptions): Promise<ITxnResponse> {
    const { owner, leaseMs, limit, value, waits } = command
    const key = this.#keys.claim(command, owner)
    const text: ClaimText = { owner, leaseMs, limit, value }
    const all = { request_range: this.#keys.claimsOf(command) }
    const compare: ICompare[] = [{ target: 'Create', result: 'Equal', key, create_revision: '0' }]
    // Nobody at all, so that who does not wait never stands in the queue, not for a moment.
    const nobody = { target: 'Create', result: 'Equal', ...this.#keys.claimsOf(command), create_revision: '0' } as const
    if (!waits && limit === 1) compare.push(nobody)
    const put = { request_put: { key, value: Buffer.from(JSON.stringify(text)), lease } }
    return this.#client.txn(operation, { compare, success: [put, all], failure: [all] }, options)
  }

  async #refuse(lease: string, reply: ClaimReply): Promise<ClaimReply> {
    await this.#client.revoke(lease)
    return reply
  }

  /**
   * etcd's leader renews a lease by itself, without asking a majority; one that has just lost its place would, too, for
   * nothing. So the renewal counts only between two reads that a majority confirmed in one and the same term.
   */
  async #renew(operation: string, claimed: Claimed, claim: number, options: CallOptions): Promise<ClaimReply> {
    const { timeoutMs = DEFAULT_RENEW_MS } = options
    for (let attempt = 0; attempt < MAX_RENEWALS; attempt++) {
      const before = await this.#look(operation, claimed, options)
      const own = before.claims.find((one) => one.claim === claim)
      if (!own) return gone(claimed, before.claims)
      if (!(await this.#client.keepAlive(own.lease, timeoutMs))) return gone(claimed, [])
      const after = await this.#look(operation, claimed, options)
      const place = after.claims.findIndex((one) => one.claim === claim)
      if (place < 0) return gone(claimed, after.claims)
      if (before.term === after.term)
        return taken(claim, place < own.limit && claimed.kind !== 'barrier' ? claim : 0, own.leaseMs)
    }
    throw new CallFailure({ code: 14, message: 'the leader of etcd changes all the time' })
  }

  async #look(
    operation: string,
    claimed: Claimed,
    options: CallOptions,
  ): Promise<{ readonly claims: readonly StoredClaim[]; readonly term: string }> {
    const { kvs, header } = await this.#client.range(operation, this.#keys.claimsOf(claimed), options)
    return { claims: claimsIn(kvs), term: header.raft_term }
  }

  async #end(operation: string, claimed: Claimed, claim: number, options: CallOptions): Promise<ClaimReply> {
    const claims = await this.claimsOf(operation, claimed, options)
    const own = claims.find((one) => one.claim === claim)
    if (!own) return gone(claimed, claims)
    if (!(await this.#drop(operation, own.key, claim, options)))
      return gone(claimed, await this.claimsOf(operation, claimed, options))
    void this.#client.revoke(own.lease)
    return taken(claim, claim, own.leaseMs)
  }

  /** False: the key is gone, or another claim's. */
  async #drop(operation: string, key: Buffer, claim: number, options: CallOptions): Promise<boolean> {
    const request = {
      compare: [{ target: 'Create', result: 'Equal', key, create_revision: String(claim) } as const],
      success: [{ request_delete_range: { key } }],
    }
    return (await this.#client.txn(operation, request, options)).succeeded
  }

  /** Claims and the last round, both of one moment. */
  #looks(claimed: Claimed) {
    return {
      success: [
        { request_range: this.#keys.claimsOf(claimed) },
        { request_range: { key: this.#keys.round(claimed.name) } },
      ],
    }
  }
}

function taken(claim: number, token: number, leaseMs: number): ClaimReply {
  return { type: 'claimed', claim, token, since: 0, leaseMs }
}

/** By the same owner, else by the first. */
function held(claims: readonly StoredClaim[], owner: string): ClaimReply {
  const holder = claims.find((claim) => claim.owner === owner) ?? claims[0]
  const isHolder = holder !== undefined && claims.indexOf(holder) < holder.limit
  return { type: 'held', owner: holder?.owner ?? '', token: isHolder ? holder.claim : 0 }
}

function gone({ kind }: Claimed, claims: readonly StoredClaim[]): ClaimReply {
  const holding = kind === 'barrier' ? [] : claims.slice(0, claims[0]?.limit ?? 0)
  return { type: 'no-claim', token: holding.at(-1)?.claim ?? 0 }
}
