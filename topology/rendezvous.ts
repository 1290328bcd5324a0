// Rendezvous hashing (Thaler, Ravishankar 1998, "Using name-based mappings to increase hit rates"): who serves whom,
// agreed without a message by all that know the same candidates. When one comes or goes, only those that it serves are
// moved.

import type { MemberId } from './types.ts'

/**
 * Up to `count` of `candidates`, the best ones for `key` first; the same for everybody. Equal scores: the lower id
 * first.
 */
export function rendezvous(key: MemberId, candidates: readonly MemberId[], count: number): MemberId[] {
  const keyHash = hash(key)
  return candidates
    .map((id) => ({ id, score: scoreOf(keyHash, hash(id)) }))
    .sort((one, other) => other.score - one.score || (one.id < other.id ? -1 : 1))
    .slice(0, count)
    .map(({ id }) => id)
}

/**
 * For which of `keys` `self` is among the `count` best of `candidates`; without ranking them all. A key itself does not
 * count for itself.
 */
export function servedBy(
  self: MemberId,
  keys: readonly MemberId[],
  candidates: readonly MemberId[],
  count: number,
): MemberId[] {
  const rivals = candidates.filter((id) => id !== self).map((id) => ({ id, idHash: hash(id) }))
  const selfHash = hash(self)
  return keys.filter((key) => {
    const keyHash = hash(key)
    const own = scoreOf(keyHash, selfHash)
    let better = 0
    for (const { id, idHash } of rivals) {
      const score = scoreOf(keyHash, idHash)
      if ((score > own || (score === own && id < self)) && id !== key && ++better >= count) return false
    }
    return true
  })
}

function scoreOf(keyHash: number, idHash: number): number {
  return scramble(Math.imul(keyHash, 0x85ebca6b) ^ idHash)
}

/** 32 bits that depend on every character (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

/** The finalizer of MurmurHash3: inputs that differ in one bit get unrelated scores. */
function scramble(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
