// One claim in the hands of this process: renewed while it lives, and given up by its own clock when that does not
// succeed in time.

import type { Claimed, ClaimKind } from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { Lease } from './lease-interface.ts'
import { elapsedSince, leaseMarginMs, type Moment, momentOf } from './lease-time.ts'

export interface HeldLeaseOptions extends Claimed {
  readonly claim: number
  readonly leaseMs: number
  /** When the claim was sent. */
  readonly sent: Moment
  readonly clock: Time
  /** Resolves to false when there is no such claim any more; rejects when nobody can say. */
  readonly renew: (timeoutMs: number) => Promise<boolean>
  /** Rejects when it cannot be given back for now. */
  readonly end: () => Promise<void>
  readonly onEnd: () => void
}

/** Renewals within one lease: two may fail before it is lost. */
const RENEWALS = 3

export class HeldLease implements Lease {
  readonly name: string
  readonly #options: HeldLeaseOptions
  readonly #abort = new AbortController()
  #sent: Moment
  #token = 0
  #renewing: Timer | undefined
  #ending: Timer | undefined
  #ended: Promise<ClusterError | undefined> | undefined

  constructor(options: HeldLeaseOptions) {
    this.name = options.name
    this.#options = options
    this.#sent = options.sent
    this.#extend(options.sent)
    this.#plan()
  }

  get kind(): ClaimKind {
    return this.#options.kind
  }

  get claim(): number {
    return this.#options.claim
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get token(): number {
    if (this.leftMs() <= 0) this.#lose('its lease is over')
    if (this.#abort.signal.aborted || this.#token === 0) throw this.#lost('it is not held any more')
    return this.#token
  }

  /** Until the signal aborts, unless it is renewed before. */
  leftMs(): number {
    const { leaseMs, clock } = this.#options
    if (this.#abort.signal.aborted) return 0
    return leaseMs - leaseMarginMs(leaseMs) - elapsedSince(this.#sent, clock)
  }

  /** It is held from now on, no longer waited for. */
  granted(token: number): void {
    this.#token = token
  }

  /** Renews now. False: it is lost. */
  async renew(): Promise<boolean> {
    const sent = momentOf(this.#options.clock)
    const left = this.leftMs()
    if (left <= 0) return false
    const isThere = await this.#options.renew(Math.max(1, left))
    if (!isThere) this.#lose('the cluster has ended it')
    else if (!this.#abort.signal.aborted) this.#extend(sent)
    return isThere
  }

  /** It goes on without this process: nobody renews it. */
  forget(): void {
    this.#lose('it is in other hands')
  }

  /** Gives it back, held or waited for. Resolves to what kept it from being given back, for now. */
  end(): Promise<ClusterError | undefined> {
    this.#ended ??= this.#end()
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #end(): Promise<ClusterError | undefined> {
    const wasLost = this.#abort.signal.aborted
    this.#lose('it was given back')
    if (wasLost) return undefined
    return await this.#options.end().then(
      () => undefined,
      (error: unknown) => {
        if (error instanceof ClusterError) return error
        throw error
      },
    )
  }

  #extend(sent: Moment): void {
    this.#sent = sent
    this.#ending?.[Symbol.dispose]()
    this.#ending = this.#options.clock.setTimeout(() => this.#expire(), Math.max(0, this.leftMs()))
  }

  #expire(): void {
    const left = this.leftMs()
    if (left <= 0) this.#lose('it could not be renewed in time')
    // Timers may come a little early.
    else this.#ending = this.#options.clock.setTimeout(() => this.#expire(), Math.ceil(left))
  }

  #plan(): void {
    this.#renewing = this.#options.clock.setTimeout(() => void this.#renewAgain(), this.#options.leaseMs / RENEWALS)
  }

  async #renewAgain(): Promise<void> {
    // Nobody can say: perhaps the next time, as long as there is one.
    await this.renew().catch(() => {})
    if (!this.#abort.signal.aborted) this.#plan()
  }

  #lose(why: string): void {
    if (this.#abort.signal.aborted) return
    this.#renewing?.[Symbol.dispose]()
    this.#ending?.[Symbol.dispose]()
    this.#abort.abort(this.#lost(why))
    this.#options.onEnd()
  }

  #lost(why: string): ClusterError {
    const { kind, name } = this.#options
    return new ClusterError('ERR_LEASE_LOST', `the ${kind} '${name}' is lost: ${why}`, {
      lease: name,
      fencingToken: this.#token,
    })
  }
}
