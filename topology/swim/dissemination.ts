// What still has to be told, and how often each piece was (SWIM section 4.1, infection-style dissemination). A piece
// rides on lambda * ln(n) messages and is then at rest; a newer one about the same subject takes the place of the
// older. Which message it rides on is `spreading.ts`.
//
// Bounded by the table: one record per member, and at most `maxAccusersPerMember` accusations against each.

import type { MemberId } from '../types.ts'
import type { Update } from './messages.ts'

interface Piece {
  readonly update: Update
  readonly serial: number
  sends: number
}

export class Dissemination {
  readonly #pieces = new Map<string, Piece>()
  #serial = 0

  get size(): number {
    return this.#pieces.size
  }

  put(update: Update): void {
    this.#pieces.set(subjectOf(update), { update, serial: this.#serial++, sends: 0 })
  }

  /** Takes back what was to be told against a member: its newer word, or the verdict, replaces it. */
  dropAccusations(member: MemberId, accusers: Iterable<MemberId>): void {
    for (const by of accusers) this.#pieces.delete(accusationKey(member, by))
  }

  dropRecord(member: MemberId): void {
    this.#pieces.delete(recordKey(member))
  }

  /** Somebody else tells that record, too, which counts as telling it; `limit` times, and it is at rest. */
  heard(member: MemberId, limit: number): void {
    const key = recordKey(member)
    const piece = this.#pieces.get(key)
    if (piece && ++piece.sends >= limit) this.#pieces.delete(key)
  }

  /**
   * Up to `count` pieces for one message: the least told first, among those the newest. Each counts as sent; told
   * `limit` times it is at rest. The result is oldest first, so that a record stands before the accusations it
   * explains.
   */
  take(count: number, limit: number): Update[] {
    const chosen = [...this.#pieces.values()]
    if (chosen.length > count) {
      chosen.sort((left, right) => left.sends - right.sends || right.serial - left.serial)
      chosen.length = Math.max(0, count)
    }
    for (const piece of chosen) {
      piece.sends++
      if (piece.sends >= limit) this.#pieces.delete(subjectOf(piece.update))
    }
    return chosen.sort((left, right) => left.serial - right.serial).map((piece) => piece.update)
  }
}

/**
 * How often each member tells a piece in a cluster of `size` (SWIM section 4.1): multiplier * ln. The natural
 * logarithm, as in the paper's analysis: with memberlist's log10 a rumor misses some member of a small cluster once in
 * some hundred times.
 */
export function retransmits(multiplier: number, size: number): number {
  return Math.max(1, Math.ceil(multiplier * Math.log(size + 1)))
}

function subjectOf(update: Update): string {
  return update.type === 'record' ? recordKey(update.record.id) : accusationKey(update.member, update.by)
}

function recordKey(member: MemberId): string {
  return `record ${member}`
}

function accusationKey(member: MemberId, by: MemberId): string {
  return `accusation ${member} ${by}`
}
