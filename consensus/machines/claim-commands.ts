// What the log can say about claims: whatever members hold for a while or wait for, each under a lease. Locks,
// semaphores, elections, barriers and singletons differ only in how many hold at once and who is next.

import type { LogIndex } from '../types.ts'

/**
 * `lock`, `election`, `singleton`: one holds. `semaphore`: as many as the limit says. `barrier`: nobody holds; when as
 * many have come as the limit says, all pass at once. Next is who came first; of a singleton, whose owner hosts the
 * fewest.
 */
export type ClaimKind = 'lock' | 'semaphore' | 'election' | 'barrier' | 'singleton'

/** Which thing. Things of different kinds may have the same name. */
export interface Claimed {
  readonly kind: ClaimKind
  readonly name: string
}

/** Time enters only here: the leader proposes `expire-claim` when its clock says so. */
export type ClaimCommand =
  /**
   * `owner` wants it: the index of this entry is the claim. Held by as many as `limit` allows: refused, or, with
   * `waits`, queued. An owner has one claim on a thing. `value` is for whoever looks who holds it.
   */
  | (Claimed & {
      readonly type: 'claim'
      readonly owner: string
      readonly leaseMs: number
      readonly limit: number
      readonly waits: boolean
      readonly value: string
    })
  /** Its owner lives: the lease begins anew. `claim` is the claim, or the token it was granted with. */
  | (Claimed & { readonly type: 'renew-claim'; readonly claim: LogIndex })
  /** Its owner gives it back, or waits no longer. */
  | (Claimed & { readonly type: 'end-claim'; readonly claim: LogIndex })
  /** Nothing was heard of it for longer than its lease. Ignored when it was renewed after the entry `renewedAt`. */
  | (Claimed & { readonly type: 'expire-claim'; readonly claim: LogIndex; readonly renewedAt: LogIndex })

export type ClaimReply =
  /**
   * `token`: the index of the entry that granted it, larger than every token of this thing before; 0 while it waits.
   * `since`: the entry that began this round of the thing; a barrier whose round is over was passed.
   */
  | {
      readonly type: 'claimed'
      readonly claim: LogIndex
      readonly token: LogIndex
      readonly since: LogIndex
      readonly leaseMs: number
    }
  /** Others hold it, or the same owner has a claim already. */
  | { readonly type: 'held'; readonly owner: string; readonly token: LogIndex }
  /** There is no such claim any more; `token` is the largest that holds now, 0 when none does. */
  | { readonly type: 'no-claim'; readonly token: LogIndex }
  | { readonly type: 'refused'; readonly reason: ClaimRefusal }

export type ClaimRefusal =
  | 'claim-text-length'
  | 'lease-length'
  | 'limit-range'
  /** The thing has another limit while anybody claims it. */
  | 'limit-differs'
  | 'too-many-claims'
  | 'too-many-waiting'

/** One claim, as the log has it. */
export interface Claim {
  /** Index of the entry that made it. */
  readonly claim: LogIndex
  readonly owner: string
  readonly leaseMs: number
  /** Index of the entry that renewed it last. */
  readonly renewedAt: LogIndex
  /** 0: it waits. */
  readonly token: LogIndex
  readonly value: string
}

/** One thing with those who hold it or wait for it, in the order in which they came. */
export interface ClaimedThing extends Claimed {
  readonly limit: number
  /** The entry that began this round: before it nobody claimed the thing. */
  readonly since: LogIndex
  readonly claims: readonly Claim[]
}
