// Every number that HyParView may be tuned by: unit, default, range, and what goes wrong at both ends. Sections are
// those of Leitão, Pereira, Rodrigues 2007; the paper's defaults are those of its evaluation with 10,000 members
// (section 5.1).

import { invariant } from '../invariant.ts'
import { type NumberRule, numberProblems } from '../parameters.ts'

/** What HyParView may be tuned by. */
export interface HyParViewOptions {
  /**
   * Neighbors, self not counted. Default 5 (section 5.1: fanout 4, and one). Range 2 to 64. Few: a third of the members
   * failing at once tears the overlay. Many: links, and copies of each broadcast.
   */
  readonly activeSize: number
  /**
   * Candidates kept in reserve. Default 30 (section 5.1). Range 1 to 256. Few: after a large failure none of them
   * lives. Many: stale ones.
   */
  readonly passiveSize: number
  /**
   * Hops of a join and of a shuffle, ARWL. Default 6 (section 5.1). Range 1 to 16. Few: new neighbors are close to each
   * other. Many: messages.
   */
  readonly activeWalkLength: number
  /**
   * Hops left of a join when it is kept in a passive view, PRWL. Default 3 (section 5.1). Range 0 to activeWalkLength.
   */
  readonly passiveWalkLength: number
  /** Neighbors in a shuffle, ka. Default 3 (section 5.1). Range 0 to 32. */
  readonly shuffleActive: number
  /** Candidates in a shuffle, kp. Default 4 (section 5.1). Range 0 to 64. Few: passive views go stale. Many: bytes. */
  readonly shufflePassive: number
  /**
   * Mean milliseconds between two shuffles of a member; each wait is drawn between half and one and a half of it.
   * Default 10,000 (Partisan). Range 100 to 3,600,000. Short: traffic. Long: stale passive views.
   */
  readonly shuffleIntervalMs: number
  /**
   * Shuffles after which a candidate that has not said that it is there is forgotten. Default 60 (a guess: ten
   * minutes). Range 1 to 10,000. Few: views run empty. Many: the dead are tried.
   */
  readonly maxCandidateAge: number
  /**
   * Milliseconds until those that refused or could not be reached are tried again, doubled each time up to
   * shuffleIntervalMs. Default 500 (a guess). Range 10 to 600,000.
   */
  readonly retryIntervalMs: number
  /**
   * Milliseconds that a candidate has from the dial to its answer. Default 3,000 (a guess: a handshake over a slow
   * path). Range 100 to 600,000. Short: living ones are taken for dead. Long: a silent one holds up the replacement.
   */
  readonly attemptTimeoutMs: number
  /**
   * Milliseconds between two calls of a member that is down or cut off, to merge with whatever part it belongs to.
   * Default 2,000 (a guess). Range 100 to 600,000. Short: dials of the dead. Long: halves stay apart.
   */
  readonly mergeIntervalMs: number
  /**
   * Milliseconds that a former neighbor has to send what it still has for us. Default 2,000 (a guess). Range 0 to
   * 600,000. Zero: what is under way is lost.
   */
  readonly drainMs: number
  /**
   * Milliseconds that who accepted a neighbor leaves to the other end to dial again. Default 500. Range 0 to 60,000.
   */
  readonly dialGraceMs: number
  /**
   * Milliseconds for which news of links is gathered before it is sent. Default 100 (a guess). Range 0 to 60,000. Zero:
   * a message for each change. Long: routes lag.
   */
  readonly linksIntervalMs: number
  /**
   * Members above which nobody tells who its neighbors are, so that `nextHop` knows neighbors only. Default 2,000 (a
   * guess: half a megabyte of adjacencies). Range 0 to 100,000. Zero: never told.
   */
  readonly maxRoutedMembers: number
}

/** The paper's parameters, and guesses where it has none. */
export const hyParViewDefaults: HyParViewOptions = Object.freeze({
  activeSize: 5,
  passiveSize: 30,
  activeWalkLength: 6,
  passiveWalkLength: 3,
  shuffleActive: 3,
  shufflePassive: 4,
  shuffleIntervalMs: 10_000,
  maxCandidateAge: 60,
  retryIntervalMs: 500,
  attemptTimeoutMs: 3_000,
  mergeIntervalMs: 2_000,
  drainMs: 2_000,
  dialGraceMs: 500,
  linksIntervalMs: 100,
  maxRoutedMembers: 2_000,
})

const rules: readonly NumberRule<HyParViewOptions>[] = [
  ['activeSize', 'whole', 2, 64],
  ['passiveSize', 'whole', 1, 256],
  ['activeWalkLength', 'whole', 1, 16],
  ['passiveWalkLength', 'whole', 0, 16],
  ['shuffleActive', 'whole', 0, 32],
  ['shufflePassive', 'whole', 0, 64],
  ['shuffleIntervalMs', 'real', 100, 3_600_000],
  ['maxCandidateAge', 'whole', 1, 10_000],
  ['retryIntervalMs', 'real', 10, 600_000],
  ['attemptTimeoutMs', 'real', 100, 600_000],
  ['mergeIntervalMs', 'real', 100, 600_000],
  ['drainMs', 'real', 0, 600_000],
  ['dialGraceMs', 'real', 0, 60_000],
  ['linksIntervalMs', 'real', 0, 60_000],
  ['maxRoutedMembers', 'whole', 0, 100_000],
]

/** Every rule that these changes to the defaults break, with the values; empty: none. */
export function hyParViewProblems(changes: object): string[] {
  const found = numberProblems('hyparview', rules, changes, hyParViewDefaults)
  const { activeWalkLength, passiveWalkLength } = { ...hyParViewDefaults, ...changes }
  if (passiveWalkLength > activeWalkLength)
    found.push(
      `hyparview.passiveWalkLength (${passiveWalkLength}) must not exceed hyparview.activeWalkLength (${activeWalkLength})`,
    )
  return found
}

/** The defaults with `changes` laid over them, frozen. Throws an `InvariantError` that lists every broken rule. */
export function resolveHyParViewOptions(changes: Partial<HyParViewOptions> = {}): HyParViewOptions {
  const problems = hyParViewProblems(changes)
  invariant(problems.length === 0, problems.join('; '))
  return Object.freeze({ ...hyParViewDefaults, ...changes })
}
