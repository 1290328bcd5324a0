// After the log has ended a switch: everybody is told, first that it is decided, and once all have adopted that the
// former overlay may go. Nothing rests on it: the cluster record and each member's own time to drain lead to the same
// end.

import type { MemberId } from '../types.ts'
import type { MemberReport, PastSwitch } from './core.ts'
import type { Progress } from './progress.ts'

/** A member that is there and silent holds nobody up for longer than this. */
const PATIENCE_MS = 3_000
/**
 * When the time of the switch is over, whoever waits for its end waits for so long for those who have not adopted that.
 */
const REPORT_GRACE_MS = 300

interface Told {
  heard: 'nothing' | 'adopted' | 'closed'
  at: number
}

type Wanted = { readonly member: MemberId; readonly wants: 'adopted' | 'closed' }

export class WrapUp {
  readonly past: PastSwitch
  /**
   * Whoever waits for the end hears it by then, though some members have not said that they adopted it: they are told
   * all the same.
   */
  readonly tellBy: number
  isTold = false
  readonly #progress: Progress
  readonly #until: number
  readonly #told = new Map<MemberId, Told>()

  /** `deadline`: of the switch. */
  constructor(past: PastSwitch, progress: Progress, deadline: number, now: number) {
    this.past = past
    this.#progress = progress
    this.#until = now + PATIENCE_MS
    this.tellBy = Math.max(deadline, now) + REPORT_GRACE_MS
    for (const member of progress.required) this.#told.set(member, { heard: 'nothing', at: Number.NEGATIVE_INFINITY })
  }

  heard(member: MemberId, what: 'adopted' | 'closed'): void {
    const told = this.#told.get(member)
    if (!told || told.heard === 'closed') return
    // The next word is due at once.
    if (told.heard === 'nothing') told.at = Number.NEGATIVE_INFINITY
    told.heard = what
  }

  /** Who is to be told (again), and what is wanted of it; from now on it has been. */
  due(isThere: (member: MemberId) => boolean, now: number, repeatMs: number): Wanted[] {
    const wants = this.#hasAll(isThere, 'adopted') ? 'closed' : 'adopted'
    // Nothing was opened that is not closed again by an abort itself.
    if (wants === 'closed' && this.past.outcome === 'aborted') return []
    const due: Wanted[] = []
    for (const [member, told] of this.#told) {
      const isSatisfied = told.heard === 'closed' || (wants === 'adopted' && told.heard === 'adopted')
      if (isSatisfied || !isThere(member) || now < told.at + repeatMs) continue
      told.at = now
      due.push({ member, wants })
    }
    return due
  }

  isOver(isThere: (member: MemberId) => boolean, now: number): boolean {
    return now >= this.#until || this.#hasAll(isThere, this.past.outcome === 'aborted' ? 'adopted' : 'closed')
  }

  report(): MemberReport[] {
    return this.#progress.report((member) => (this.#told.get(member)?.heard ?? 'nothing') !== 'nothing')
  }

  #hasAll(isThere: (member: MemberId) => boolean, what: 'adopted' | 'closed'): boolean {
    for (const [member, { heard }] of this.#told) {
      if (isThere(member) && heard !== 'closed' && heard !== what) return false
    }
    return true
  }
}
