// The decisions on which the truth of membership rests, one small function each, to be read beside the papers: Das,
// Gupta, Motivala 2002 (SWIM); Dadgar, Phillips, Currey 2017 (Lifeguard). Everything else in this folder is bookkeeping
// around them.
//
// They are gathered in one object so that a simulation can put a broken rule in the place of a true one and must
// notice. Production code has no reason to pass anything but `swimRules`.

import type { Incarnation, MemberId, MemberRecord } from '../types.ts'
import { mergeRecords } from './member-table.ts'
import type { AccusationKind } from './messages.ts'
import { compareIncarnations, conditionRank } from './order.ts'
import { suspicionMs } from './suspicion.ts'

/** How many saw a port refuse, and how many could have. */
export interface RefusedCount {
  /** Distinct members, self included, that count as accusers of kind `refused`. */
  readonly accusers: number
  /** Members in state `alive`, self included, the accused not. */
  readonly aliveOthers: number
  /** Members neither down nor left, the accused included. */
  readonly size: number
}

/** What the length of a suspicion depends on. */
export interface SuspicionShape {
  readonly minMs: number
  readonly maxMs: number
  /** Accusers beyond the first. */
  readonly confirmations: number
  /** As many confirmations bring it down to `minMs`; 0 when the cluster is too small to expect any. */
  readonly expected: number
}

/** A liveness worker's answer, and how long its member has been stalled already; all in milliseconds. */
export interface StallView {
  /** Since the main thread turned. */
  readonly ageMs: number
  /** How long it had for its answer to the probe. */
  readonly probeTimeoutMs: number
  /** Since it was announced stalled; 0 when it was not. */
  readonly stalledForMs: number
  readonly keepStalledMs: number
}

/** Every decision of membership that a simulation may break on purpose. */
export interface SwimRules {
  /**
   * SWIM section 4.2: what is believed after hearing `theirs`. A join of a semilattice, so that everyone who heard the
   * same, in whatever order and how often, believes the same.
   */
  merge(mine: MemberRecord, theirs: MemberRecord): MemberRecord
  /**
   * What a record of a full exchange says. A `down` there may be old news of a partition that has healed: it makes
   * suspect whom we believe alive in the same life, and a member that lives then refutes it before anybody acts on it.
   */
  hearsay(mine: MemberRecord, theirs: MemberRecord): MemberRecord
  /** SWIM section 4.2: a member told bad news of its present life says otherwise, until it has left. */
  mustRefute(self: MemberRecord, told: MemberRecord): boolean
  /** A newer incarnation is news of the member itself: what was held against the former one is void. */
  clearsAccusations(before: Incarnation, after: Incarnation): boolean
  /**
   * Lifeguard section 4.2: each accuser counts once, a second accusation only when it is the stronger kind. The accused
   * and those that are gone or unknown do not count.
   */
  countsAccuser(
    known: AccusationKind | undefined,
    kind: AccusationKind,
    accuser: MemberRecord | undefined,
    accused: MemberId,
  ): boolean
  /**
   * Design rule 13: a refusing port is a verdict at once when enough distinct observers saw it; never on the word of
   * one alone, and never in a cluster of two.
   */
  refusedIsEnough(count: RefusedCount, quorum: number): boolean
  /** Lifeguard section 4.2: how long a suspicion lasts; confirmations shorten it logarithmically. */
  suspicionMs(shape: SuspicionShape): number
  /** Whether a suspicion is over. A timer that fires early, or late after a gap, is judged by this alone. */
  isOver(now: number, deadline: number): boolean
  /**
   * Design rule 6: whose main thread has not turned while the probe waited is silent for that reason. A main thread
   * that turns and does not answer is not excused by its worker, nor is one that has stood still for longer than it
   * may.
   */
  excusesSilence(stall: StallView): boolean
  /** A probe round ends with an accusation unless somebody answered for the target. */
  probeFailed(answered: boolean): boolean
}

/** The rules as the papers and the design have them. */
export const swimRules: SwimRules = Object.freeze({
  merge: mergeRecords,
  hearsay: (mine, theirs) =>
    theirs.state === 'down' &&
    (mine.state === 'alive' || mine.state === 'suspect') &&
    theirs.incarnation.generation === mine.incarnation.generation
      ? { ...theirs, state: 'suspect' as const }
      : theirs,
  mustRefute: (self, told) => {
    if (self.state === 'left') return false
    if (told.incarnation.generation !== self.incarnation.generation) return false
    const newer = told.incarnation.refutation - self.incarnation.refutation
    if (newer !== 0) return newer > 0
    return told.state !== 'alive' || conditionRank(told.condition) > conditionRank(self.condition)
  },
  clearsAccusations: (before, after) => compareIncarnations(after, before) > 0,
  countsAccuser: (known, kind, accuser, accused) =>
    accuser !== undefined &&
    accuser.id !== accused &&
    accuser.state !== 'down' &&
    accuser.state !== 'left' &&
    (known === undefined || (known === 'silent' && kind === 'refused')),
  refusedIsEnough: ({ accusers, aliveOthers, size }, quorum) =>
    size >= 3 && accusers >= Math.max(2, Math.min(quorum, aliveOthers)),
  suspicionMs,
  isOver: (now, deadline) => now >= deadline,
  excusesSilence: ({ ageMs, probeTimeoutMs, stalledForMs, keepStalledMs }) =>
    ageMs >= probeTimeoutMs * 0.8 && stalledForMs < keepStalledMs,
  probeFailed: (answered) => !answered,
} satisfies SwimRules)
