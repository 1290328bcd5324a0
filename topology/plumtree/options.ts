// Every number that Plumtree may be tuned by: unit, default, range, and what goes wrong at both ends. Sections are
// those of Leitão, Pereira, Rodrigues 2007, "Epidemic Broadcast Trees".

import { invariant } from '../invariant.ts'
import { type NumberRule, numberProblems } from '../parameters.ts'

/** What Plumtree may be tuned by. */
export interface PlumtreeOptions {
  /**
   * Milliseconds that an announced broadcast may take to come by itself before it is asked for (section 3.5, the first
   * timeout). Default 200 (a guess: the time of the tree, twice). Range 1 to 60,000. Short: copies. Long: a broken tree
   * delivers late.
   */
  readonly missingTimeoutMs: number
  /**
   * Milliseconds that a neighbor has to answer a graft before the next one is asked (section 3.5, the second timeout).
   * Default 100 (a guess: some round trips). Range 1 to 60,000.
   */
  readonly graftTimeoutMs: number
  /**
   * Milliseconds for which announcements are gathered (section 3.4, the lazy queue). Default 50 (a guess). Range 0 to
   * 60,000. Zero: a message for each. Long: repair starts late.
   */
  readonly lazyIntervalMs: number
  /**
   * Hops by which a lazy way must be shorter to replace an eager one (section 3.8). Default 3 (the paper tries 3 and
   * 7). Range 1 to 255. Small: the tree swings. Large: it stays deep.
   */
  readonly optimizationThreshold: number
  /**
   * Broadcasts remembered as seen; past that the oldest is forgotten. Default 16,384. Range 16 to 1,000,000. Few: a
   * copy that comes late is delivered again.
   */
  readonly maxSeen: number
  /** Broadcasts whose bytes are kept for grafts. Default 1,024. Range 0 to 1,000,000. Zero: nothing can be repaired. */
  readonly maxCached: number
  /** Bytes of these in all; past it the oldest go. Default 4 MiB. Range 0 to 1 GiB. */
  readonly maxCachedBytes: number
  /**
   * Announced broadcasts that are waited for at once; past that an announcement is dropped and counted. Default 4,096.
   * Range 1 to 1,000,000.
   */
  readonly maxMissing: number
  /**
   * Most recent broadcasts announced to a new neighbor, so that what was lost while links changed is repaired. Default
   * 32. Range 0 to 256.
   */
  readonly recentAnnounced: number
  /** Milliseconds after which a broadcast is no longer recent. Default 10,000. Range 0 to 600,000. */
  readonly recentMs: number
}

/** Defaults for a local network. */
export const plumtreeDefaults: PlumtreeOptions = Object.freeze({
  missingTimeoutMs: 200,
  graftTimeoutMs: 100,
  lazyIntervalMs: 50,
  optimizationThreshold: 3,
  maxSeen: 16_384,
  maxCached: 1_024,
  maxCachedBytes: 4 * 1024 * 1024,
  maxMissing: 4_096,
  recentAnnounced: 32,
  recentMs: 10_000,
})

const rules: readonly NumberRule<PlumtreeOptions>[] = [
  ['missingTimeoutMs', 'real', 1, 60_000],
  ['graftTimeoutMs', 'real', 1, 60_000],
  ['lazyIntervalMs', 'real', 0, 60_000],
  ['optimizationThreshold', 'whole', 1, 255],
  ['maxSeen', 'whole', 16, 1_000_000],
  ['maxCached', 'whole', 0, 1_000_000],
  ['maxCachedBytes', 'whole', 0, 1_073_741_824],
  ['maxMissing', 'whole', 1, 1_000_000],
  ['recentAnnounced', 'whole', 0, 256],
  ['recentMs', 'real', 0, 600_000],
]

/** Every rule that these changes to the defaults break, with the values; empty: none. */
export function plumtreeProblems(changes: object): string[] {
  const found = numberProblems('plumtree', rules, changes, plumtreeDefaults)
  const { maxCached, maxSeen } = { ...plumtreeDefaults, ...changes }
  if (maxCached > maxSeen) found.push(`plumtree.maxCached (${maxCached}) must not exceed plumtree.maxSeen (${maxSeen})`)
  return found
}

/** The defaults with `changes` laid over them, frozen. Throws an `InvariantError` that lists every broken rule. */
export function resolvePlumtreeOptions(changes: Partial<PlumtreeOptions> = {}): PlumtreeOptions {
  const problems = plumtreeProblems(changes)
  invariant(problems.length === 0, problems.join('; '))
  return Object.freeze({ ...plumtreeDefaults, ...changes })
}
