// One suspicion: who accuses, and until when the member may refute. It lasts long while one accuser stands alone, for
// that one may be the slow one, and shortens with each that confirms independently (Lifeguard section 4.2).
// Who counts as an accuser is a rule; what happens at the deadline is `belief.ts`.

import type { Incarnation, MemberId } from '../types.ts'
import type { EvidenceView, Suspector } from './core.ts'
import type { AccusationKind } from './messages.ts'
import type { SuspicionShape } from './rules.ts'

/** Lifeguard section 4.2: from `maxMs` with no confirmation down to `minMs` with all expected ones, logarithmically. */
export function suspicionMs({ minMs, maxMs, confirmations, expected }: SuspicionShape): number {
  if (expected < 1) return minMs
  const share = Math.log(confirmations + 1) / Math.log(expected + 1)
  return Math.max(minMs, maxMs - share * (maxMs - minMs))
}

export class Suspicion {
  readonly member: MemberId
  readonly incarnation: Incarnation
  readonly since: number
  /** What shapes its length; set once, when it begins. */
  readonly #bounds: Omit<SuspicionShape, 'confirmations'>
  readonly #accusers = new Map<MemberId, Suspector>()
  /** Time this member was away meanwhile; nobody is accused for silence that nobody listened to. */
  #awayMs = 0
  /**
   * The same, of short absences: no more than the longest suspicion, or it would never end where one follows the other.
   */
  #shortlyAwayMs = 0
  /** False once a verdict stands: what is left is the evidence for it. */
  isOpen = true

  constructor(member: MemberId, incarnation: Incarnation, bounds: Omit<SuspicionShape, 'confirmations'>, now: number) {
    this.member = member
    this.incarnation = incarnation
    this.#bounds = bounds
    this.since = now
  }

  kindOf(accuser: MemberId): AccusationKind | undefined {
    return this.#accusers.get(accuser)?.kind
  }

  count(suspector: Suspector): void {
    this.#accusers.set(suspector.by, suspector)
  }

  get accusers(): readonly MemberId[] {
    return [...this.#accusers.keys()]
  }

  get size(): number {
    return this.#accusers.size
  }

  refused(): number {
    let refused = 0
    for (const { kind } of this.#accusers.values()) if (kind === 'refused') refused++
    return refused
  }

  deadline(lasts: (shape: SuspicionShape) => number): number {
    const confirmations = Math.max(0, this.#accusers.size - 1)
    return this.since + this.#awayMs + this.#shortlyAwayMs + lasts({ ...this.#bounds, confirmations })
  }

  /** The time away does not count against the member. */
  extend(ms: number, isLong: boolean): void {
    if (isLong) this.#awayMs += ms
    else this.#shortlyAwayMs = Math.min(this.#shortlyAwayMs + ms, this.#bounds.maxMs)
  }

  view(deadline: number): EvidenceView {
    return {
      member: this.member,
      incarnation: this.incarnation,
      suspectors: [...this.#accusers.values()],
      since: this.since,
      deadline: this.isOpen ? deadline : undefined,
    }
  }
}
