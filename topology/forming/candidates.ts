// Before anything is promised: which fresh nodes were found, whom each of them found, and since when they agree. A set
// is decided when none of it would choose another one, unchanged for a while. A wrong decision is never unsafe, only
// slow.

import type { MemberId } from '../types.ts'
import { byId, sameSet } from './ids.ts'
import type { FormingOptions } from './options.ts'
import type { FormingRules } from './rules.ts'

/**
 * A node that has not repeated itself for so many intervals has something else to do, or is gone; one that is only slow
 * has not.
 */
const REPORT_INTERVALS = 10
/**
 * From so many on, each speaks the less often the more they are: what all hear together grows with the square of their
 * number.
 */
const UNHURRIED_FROM = 5

interface Report {
  /** What it would choose of those that it has found. */
  readonly choice: readonly MemberId[] | undefined
  readonly at: number
}

/** A founder that already holds a set. */
interface Claim {
  readonly set: readonly MemberId[]
  readonly at: number
}

export class Candidates {
  readonly #self: MemberId
  readonly #expect: number
  readonly #options: FormingOptions
  readonly #rules: FormingRules
  readonly #reports = new Map<MemberId, Report>()
  readonly #claims = new Map<MemberId, Claim>()
  /** The set on which all of it agree, and since when. */
  #agreed: { readonly set: readonly MemberId[]; readonly since: number } | undefined

  constructor(self: MemberId, expect: number, options: FormingOptions, rules: FormingRules) {
    this.#self = self
    this.#expect = expect
    this.#options = options
    this.#rules = rules
  }

  /** A fresh node says whom it found. False: there is no room for another one. */
  report(from: MemberId, found: readonly MemberId[], now: number): boolean {
    this.#claims.delete(from)
    if (!this.#reports.has(from) && this.#reports.size >= this.#options.maxFound) return false
    this.#reports.set(from, { choice: this.#rules.choose(found, this.#expect), at: now })
    return true
  }

  /** A fresh node holds a set with us in it: it chooses no longer. */
  claim(from: MemberId, set: readonly MemberId[], now: number): void {
    this.#reports.delete(from)
    if (this.#claims.has(from) || this.#claims.size < this.#options.maxFound) this.#claims.set(from, { set, at: now })
  }

  /** It does not hold that set any more. */
  unclaim(from: MemberId, set: readonly MemberId[]): void {
    const claim = this.#claims.get(from)
    if (claim && sameSet(claim.set, set)) this.#claims.delete(from)
  }

  forget(peer: MemberId): void {
    this.#reports.delete(peer)
    this.#claims.delete(peer)
  }

  /** Milliseconds between repetitions of what a node has to say; the same at all that expect the same number. */
  get intervalMs(): number {
    return this.#options.candidateIntervalMs * Math.max(1, this.#expect / UNHURRIED_FROM)
  }

  /** Self and all linked fresh nodes heard of lately, sorted; the lowest `maxFound` of them. */
  found(linked: ReadonlySet<MemberId>, now: number): readonly MemberId[] {
    this.#expire(now)
    return this.known(linked)
  }

  /** The same as of the last time it was asked. */
  known(linked: ReadonlySet<MemberId>): readonly MemberId[] {
    const others = [...this.#reports.keys()].filter((id) => linked.has(id))
    return [this.#self, ...others].sort(byId).slice(0, this.#options.maxFound)
  }

  /** A set that a linked founder holds: nothing is won by waiting. */
  claimed(linked: ReadonlySet<MemberId>, now: number): readonly MemberId[] | undefined {
    this.#expire(now)
    for (const [from, { set }] of this.#claims) if (linked.has(from)) return set
    return undefined
  }

  /** Whether `id` has said that it holds this set. */
  claims(id: MemberId, set: readonly MemberId[]): boolean {
    const claim = this.#claims.get(id)
    return claim !== undefined && sameSet(claim.set, set)
  }

  /** When the set agreed on was, or will have been, stable for long enough; undefined while there is no agreement. */
  agreement(
    linked: ReadonlySet<MemberId>,
    now: number,
  ): { readonly set: readonly MemberId[]; readonly at: number } | undefined {
    const set =
      this.#reports.size + 1 < this.#expect ? undefined : this.#rules.choose(this.found(linked, now), this.#expect)
    if (!set?.every((id) => id === this.#self || this.#agrees(id, set)) || !set.includes(this.#self)) {
      this.#agreed = undefined
      return undefined
    }
    if (!this.#agreed || !sameSet(this.#agreed.set, set)) this.#agreed = { set, since: now }
    // Who expects only itself has nobody to wait for.
    return { set, at: this.#agreed.since + (this.#expect === 1 ? 0 : this.#options.stableMs) }
  }

  /** Who has found too few for a set of its own takes that of another. */
  #agrees(id: MemberId, set: readonly MemberId[]): boolean {
    const report = this.#reports.get(id)
    return report !== undefined && (report.choice === undefined || sameSet(report.choice, set))
  }

  #expire(now: number): void {
    const oldest = now - REPORT_INTERVALS * this.intervalMs
    for (const [id, { at }] of this.#reports) if (at < oldest) this.#reports.delete(id)
    for (const [id, { at }] of this.#claims) if (at < oldest) this.#claims.delete(id)
  }
}
