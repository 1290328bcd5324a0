// Sets of ids travel and are stored as sorted lists. Sorted by code unit, so that it is the same on every machine.

import type { MemberId } from '../types.ts'

export function byId(left: MemberId, right: MemberId): number {
  return left < right ? -1 : left > right ? 1 : 0
}

/** Whether two sorted sets are the same. */
export function sameSet(left: readonly MemberId[], right: readonly MemberId[]): boolean {
  if (left === right) return true
  return left.length === right.length && left.every((id, index) => id === right[index])
}

/** Whether the ids are sorted and none is there twice: whatever a peer sends as a set must be. */
export function isSortedSet(ids: readonly MemberId[]): boolean {
  return ids.every((id, index) => index === 0 || (ids[index - 1] as MemberId) < id)
}
