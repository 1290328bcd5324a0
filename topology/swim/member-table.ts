// What is believed of every member, and the rule by which two beliefs become one (SWIM section 4.2). The rule is a
// join: commutative, associative, idempotent. So members that heard the same things in any order believe the same. The
// table only stores and counts; what a change leads to is `belief.ts`.

import type { MemberId, MemberRecord } from '../types.ts'
import { compareIncarnations, conditionRank, isPresent, stateRank } from './order.ts'

/**
 * What its member signed wins, then the higher incarnation. Within one the worse state and the worse condition win,
 * each for itself. Whoever leaves says so in a higher refutation than any before and says nothing more, so nothing
 * overrules it but a new life, or the word of a member of which somebody else said that it left. Returns `mine` itself
 * when nothing changes.
 */
export function mergeRecords(mine: MemberRecord, theirs: MemberRecord): MemberRecord {
  const order =
    Number(mine.signature !== undefined) - Number(theirs.signature !== undefined) ||
    compareIncarnations(mine.incarnation, theirs.incarnation)
  if (order !== 0) return order > 0 ? mine : theirs
  // Only the member sets these, so they are equal; if a bug made them differ, all must still choose the same.
  const owner = ownerKey(mine) >= ownerKey(theirs) ? mine : theirs
  const state = stateRank(mine.state) >= stateRank(theirs.state) ? mine.state : theirs.state
  const condition = conditionRank(mine.condition) >= conditionRank(theirs.condition) ? mine.condition : theirs.condition
  return owner === mine && state === mine.state && condition === mine.condition ? mine : { ...owner, state, condition }
}

function ownerKey(record: MemberRecord): string {
  return JSON.stringify([record.name, record.address, record.zone, record.livenessPort, record.roles])
}

export class MemberTable {
  readonly #records = new Map<MemberId, MemberRecord>()
  /** Members that are down or left, in the order in which they went. */
  readonly #gone = new Set<MemberId>()
  #alive = 0

  get(id: MemberId): MemberRecord | undefined {
    return this.#records.get(id)
  }

  all(): readonly MemberRecord[] {
    return [...this.#records.values()]
  }

  set(record: MemberRecord): void {
    const before = this.#records.get(record.id)
    if (before?.state === 'alive') this.#alive--
    if (record.state === 'alive') this.#alive++
    this.#records.set(record.id, record)
    if (isPresent(record)) this.#gone.delete(record.id)
    else this.#gone.add(record.id)
  }

  delete(id: MemberId): void {
    if (this.#records.get(id)?.state === 'alive') this.#alive--
    this.#records.delete(id)
    this.#gone.delete(id)
  }

  /** Members neither down nor left. */
  get present(): number {
    return this.#records.size - this.#gone.size
  }

  get alive(): number {
    return this.#alive
  }

  /** Members down or left, the one longest gone first. */
  gone(): Iterable<MemberId> {
    return this.#gone.values()
  }

  get goneCount(): number {
    return this.#gone.size
  }
}
