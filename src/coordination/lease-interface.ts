// What members hold for a while: locks, semaphores, elections, and what they share. Everything held has a fencing
// token, a signal that aborts before the lease can end, and is given back by `await using`.
//
// A lease protects against nothing that happens between a check and the act after it: a process can be stopped there
// for any time. Whatever the holder changes must take the token and refuse smaller ones; `fence()` does that.

import type { JsonValue } from '../channels/payload.ts'

/** Held until it is disposed, or lost. */
export interface Lease extends AsyncDisposable {
  readonly name: string
  /**
   * Larger than the token of everyone who held this before. Reading it checks the lease at that moment, and throws
   * `ERR_LEASE_LOST` when it is over.
   */
  readonly token: number
  /**
   * Aborts when this is no longer held: given back, lost, or, at the latest, `leaseMarginMs(leaseMs)` before the lease
   * can be over, when it could not be renewed. The reason is `ERR_LEASE_LOST`.
   */
  readonly signal: AbortSignal
  /** Gives it back. Never rejects: what cannot be given back ends with its lease. */
  [Symbol.asyncDispose](): Promise<void>
}

export interface LeaseOptions {
  /**
   * How long others wait after this process has died. Renewed three times within. Default 10,000; 100 to 86,400,000.
   */
  readonly leaseMs?: number | undefined
  /**
   * Whoever asks who holds it sees this. One owner holds or waits once. Default: the node's name and a number of its
   * own.
   */
  readonly owner?: string | undefined
  /** Milliseconds to wait for its turn; over: `ERR_LOCK_HELD`. 0: do not wait. Default 5,000. */
  readonly waitMs?: number | undefined
  /** Ends the wait with `ERR_ABORTED`. It does not end what is held. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds until `ERR_TIMEOUT`, the wait for its turn included. Default: 5,000 for each exchange with the leader,
   * and `waitMs` between them.
   */
  readonly timeoutMs?: number | undefined
}

/** What can be seen of a claim: who holds or waits. */
export interface ClaimView {
  readonly kind: 'lock' | 'semaphore' | 'election' | 'barrier' | 'singleton'
  readonly name: string
  /** How many may hold; of a barrier, how many have to come. */
  readonly limit: number
  readonly holders: readonly { readonly owner: string; readonly token: number; readonly leaseMs: number }[]
  /** Who waits, in their order. */
  readonly waiting: readonly string[]
}

/**
 * What every call here can reject with: `ERR_NO_QUORUM`, `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_BAD_OPTIONS`,
 * `ERR_BUFFER_FULL`, `ERR_SHUTTING_DOWN`.
 */
export interface NodeLocks {
  /**
   * Waits for its turn, first come, first served. `ERR_LOCK_HELD` when that takes longer than `waitMs`, or the owner
   * has it already. Not re-entrant.
   */
  acquire(name: string, options?: LeaseOptions): Promise<Lease>
  /**
   * Ends the claim with that token, whoever made it: for holders that are no process of this cluster. `ERR_STALE_TOKEN`
   * when it holds no more.
   */
  release(name: string, token: number, options?: Pick<LeaseOptions, 'signal' | 'timeoutMs'>): Promise<void>
  /**
   * Like {@link acquire}, but nobody renews: it ends `expiresInMs` from now at the earliest, unless {@link renew} is
   * called. For holders that are no process of this cluster.
   */
  grant(name: string, options: LeaseOptions & { readonly owner: string }): Promise<Grant>
  /** Begins the lease anew. `ERR_STALE_TOKEN` when it holds no more. */
  renew(name: string, token: number, options?: Pick<LeaseOptions, 'signal' | 'timeoutMs'>): Promise<Grant>
  /** Everything that anybody holds or waits for, of every kind. */
  list(options?: Pick<LeaseOptions, 'signal' | 'timeoutMs'>): Promise<readonly ClaimView[]>
}

/** Held until it is over, or given back. */
export interface Grant {
  readonly token: number
  /** Nobody else holds it for so long, counted from the moment of the answer. */
  readonly expiresInMs: number
}

export interface NodeSemaphores {
  /**
   * One of `permits`. Everybody must name the same number while anybody holds or waits (`ERR_BAD_OPTIONS`). Otherwise
   * as {@link NodeLocks.acquire}.
   */
  acquire(name: string, options: LeaseOptions & { readonly permits: number }): Promise<Lease>
}

export interface ElectionOptions extends LeaseOptions {
  /** What {@link NodeElections.leader} says of the winner. At most 4,096 characters of JSON. Default null. */
  readonly value?: JsonValue | undefined
}

/** Who leads in an election. */
export interface ElectedLeader {
  readonly owner: string
  readonly value: JsonValue
  readonly token: number
}

export interface NodeElections {
  /**
   * Resolves when elected; candidates are in a queue. Default `waitMs`: as long as it takes. Leads until it is disposed
   * or lost.
   */
  campaign(name: string, options?: ElectionOptions): Promise<Lease>
  /** Undefined: nobody. */
  leader(name: string, options?: Pick<LeaseOptions, 'signal' | 'timeoutMs'>): Promise<ElectedLeader | undefined>
  /**
   * The present leader and every later one (undefined: nobody), until `signal` aborts or the node stops. One that led
   * only for a moment may be left out.
   */
  observe(name: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ElectedLeader | undefined>
}

export interface NodeBarriers {
  /**
   * Resolves when `parties` have come, for all of them; the next to come begin a new round. Everybody must name the
   * same number in a round. A party that dies while it waits no longer counts once its lease is over. `ERR_TIMEOUT`
   * (`waitMs`, default 30,000) takes this one out again.
   */
  enter(name: string, options: LeaseOptions & { readonly parties: number }): Promise<void>
}

export interface NodeCounters {
  /** 0 for one that nobody has added to. */
  get(name: string, options?: Pick<LeaseOptions, 'signal' | 'timeoutMs'>): Promise<number>
  /**
   * Adds a whole number, default 1, and resolves to the sum: no two calls with a positive number get the same one.
   * Added once, however often it had to be sent.
   */
  add(name: string, by?: number, options?: Pick<LeaseOptions, 'signal' | 'timeoutMs'>): Promise<number>
}
