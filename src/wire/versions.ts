// Which versions of the wire format this release speaks. The rule is in docs/wire-format.md, "Versions": release N
// speaks N and N-1, a link uses the largest version both ends speak, and within a version every byte is fixed.

import { FIRST_LEVEL, featureLevels } from '../../consensus/feature-level.ts'

/** The version this release prefers. */
export const PROTOCOL_VERSION = 2
/** From this version on members sign what they say of themselves. */
export const SIGNED_VERSION = 2
/** From this version on founders vouch for each other. */
export const VOUCHING_VERSION = 2
/** The oldest version this release still speaks. */
export const OLDEST_PROTOCOL_VERSION = 1
/**
 * Optional abilities, one bit each; a link has those that both ends have. The bits from the lowest on, without a gap,
 * say which level of commands a member can apply (`consensus/feature-level.ts`): none 1, one 2, two 3.
 */
export const FEATURES = 2 ** (featureLevels.own - FIRST_LEVEL) - 1

/** What a member with these abilities can apply. */
export function levelOfFeatures(features: number): number {
  let level = FIRST_LEVEL
  while (level < 32 && (features & (2 ** (level - FIRST_LEVEL))) !== 0) level++
  return level
}
