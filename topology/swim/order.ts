// How statements about one member are ordered. Compared as numbers and plain strings, never with a locale.

import type { Condition, Incarnation, MemberState } from '../types.ts'

const stateRanks: Record<MemberState, number> = { alive: 0, suspect: 1, down: 2, left: 3 }
const conditionRanks: Record<Condition, number> = { ok: 0, draining: 1, stalled: 2 }

/** Within one incarnation the higher one is believed. */
export function stateRank(state: MemberState): number {
  return stateRanks[state]
}

/** Within one incarnation the higher one is believed. */
export function conditionRank(condition: Condition): number {
  return conditionRanks[condition]
}

/** Negative, zero or positive, as `left` is older than, the same as, or newer than `right`. */
export function compareIncarnations(left: Incarnation, right: Incarnation): number {
  return left.generation - right.generation || left.refutation - right.refutation
}

/** Whether the member still takes part: it is neither down nor left. */
export function isPresent(record: { readonly state: MemberState }): boolean {
  return record.state === 'alive' || record.state === 'suspect'
}
