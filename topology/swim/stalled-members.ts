// Since when members are known to be stalled: a stalled member keeps its place for a bounded time from then on.

import type { Incarnation, MemberId } from '../types.ts'
import { compareIncarnations } from './order.ts'

/** Since when members are known to be stalled, in which incarnation. */
export class StalledMembers {
  readonly #since = new Map<MemberId, { readonly incarnation: Incarnation; readonly at: number }>()

  /** The member is announced stalled; the first word of one incarnation is what counts. */
  note(member: MemberId, incarnation: Incarnation, now: number): void {
    const known = this.#since.get(member)
    if (known && compareIncarnations(known.incarnation, incarnation) >= 0) return
    this.#since.set(member, { incarnation, at: now })
  }

  /** It said something itself, or is gone. */
  clear(member: MemberId): void {
    this.#since.delete(member)
  }

  /** Milliseconds since it was announced; 0 when it is not stalled. */
  forMs(member: MemberId, now: number): number {
    return now - (this.#since.get(member)?.at ?? now)
  }

  /** Until when it keeps its place, whatever is held against it; the past when it is not stalled. */
  keptUntil(member: MemberId, keepStalledMs: number): number {
    return (this.#since.get(member)?.at ?? Number.NEGATIVE_INFINITY) + keepStalledMs
  }
}
