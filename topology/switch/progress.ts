// How far each required member has come, and when. Bookkeeping only; what follows from it is the leader's to decide.

import type { MemberId } from '../types.ts'
import type { AbortReason, MemberProgress, MemberReport } from './core.ts'

interface Entry {
  progress: MemberProgress
  afterMs: number
  /** When it was last told to prepare. */
  toldAt: number
}

export class Progress {
  readonly #began: number
  readonly #entries = new Map<MemberId, Entry>()
  #refusal: AbortReason | undefined

  constructor(required: readonly MemberId[], now: number) {
    this.#began = now
    const toldAt = Number.NEGATIVE_INFINITY
    for (const member of required) this.#entries.set(member, { progress: 'waiting', afterMs: 0, toldAt })
  }

  /** Who still counts: neither struck nor refusing. */
  get required(): readonly MemberId[] {
    return [...this.#entries].filter(([, { progress }]) => progress !== 'struck').map(([member]) => member)
  }

  get isPrepared(): boolean {
    return this.#all('prepared', 'verified')
  }

  get isVerified(): boolean {
    return this.#all('verified')
  }

  /** Why somebody cannot take part, if one cannot. */
  get refusal(): AbortReason | undefined {
    return this.#refusal
  }

  /** The log says who is required now: whoever is not among them any more was struck. */
  require(required: readonly MemberId[], now: number): void {
    const left = new Set(required)
    for (const [member, { progress }] of this.#entries) {
      if (!left.has(member) && progress !== 'struck') this.#reach(member, 'struck', now)
    }
  }

  prepare(member: MemberId, now: number): void {
    if (this.#entries.get(member)?.progress === 'waiting') this.#reach(member, 'prepared', now)
  }

  verify(member: MemberId, now: number): void {
    if (this.#entries.get(member)?.progress === 'prepared') this.#reach(member, 'verified', now)
  }

  refuse(member: MemberId, reason: AbortReason, now: number): void {
    const progress = this.#entries.get(member)?.progress
    if (progress === undefined || progress === 'struck') return
    this.#reach(member, 'refused', now)
    this.#refusal ??= reason
  }

  /** What an earlier round has reached does not count for the next. */
  newRound(): void {
    for (const entry of this.#entries.values()) if (entry.progress === 'verified') entry.progress = 'prepared'
  }

  /** Who is to be told (again) to prepare; from now on they have been. */
  due(now: number, repeatMs: number): MemberId[] {
    const due: MemberId[] = []
    for (const [member, entry] of this.#entries) {
      if (entry.progress !== 'waiting' || now < entry.toldAt + repeatMs) continue
      entry.toldAt = now
      due.push(member)
    }
    return due
  }

  report(hasAdopted: (member: MemberId) => boolean): MemberReport[] {
    return [...this.#entries].map(([member, { progress, afterMs }]) => {
      return { member, progress, afterMs, hasAdopted: hasAdopted(member) }
    })
  }

  #reach(member: MemberId, progress: MemberProgress, now: number): void {
    const entry = this.#entries.get(member)
    if (entry) Object.assign(entry, { progress, afterMs: now - this.#began })
  }

  #all(...wanted: readonly MemberProgress[]): boolean {
    for (const { progress } of this.#entries.values()) {
      if (progress !== 'struck' && !wanted.includes(progress)) return false
    }
    return true
  }
}
