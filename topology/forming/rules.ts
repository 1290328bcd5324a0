// The decisions that keep two clusters from forming over one node, one small function each. They are gathered in one
// object so that a simulation can put a broken one in the place of a true one and must notice.
//
// Why they suffice. Call a set alive when a majority of its voters started with it. Let S and T be alive, and Z in
// both. Each that started S did so after Z said "I hold S", in answer to a round begun after its own intent was
// durable; it holds S ever after. The same for T. Z holds one set at a time, so of one of them, say S, it let go after
// the last such answer. It let go only after it renounced S and, in answers to a round begun after that, a majority of
// the voters said that they do not hold S. That majority shares a voter with the majority that started S and holds it
// ever after: a contradiction. So two clusters that live share no node; and two that share none can only form when
// neither found the other in time.
//
// It does not matter who carries "I hold S" to who starts, if only it was said after that one's own intent was durable.
// So who is not linked to all of S may ask another founder; that one asks all of S in a new round, which began after
// the question came, and then vouches for them (`mayVouch`).

import type { MemberId } from '../types.ts'
import { byId, sameSet } from './ids.ts'

/** The round of the receiver in which a message was said, and the receiver's present one. */
export interface RoundView {
  readonly answers: number
  readonly present: number
}

/** During which round of its own a node was asked to vouch, and its present one, in which all have confirmed. */
export interface InquiryView {
  readonly during: number
  readonly present: number
}

/** Every decision of forming that a simulation may break on purpose. */
export interface FormingRules {
  /** The `expect` lowest ids; undefined when too few were found. All that found the same choose the same. */
  choose(found: readonly MemberId[], expect: number): readonly MemberId[] | undefined
  /** What others hold counts only when said after this node's present round began. */
  countsAnswer(round: RoundView): boolean
  /** Only when all of the set hold it, this node included, can no one of them form another. */
  mayStart(set: readonly MemberId[], confirmed: ReadonlySet<MemberId>): boolean
  /** Others' word is passed on only to who asked for it before the round began in which they gave it. */
  mayVouch(inquiry: InquiryView): boolean
  /** Only when a majority of the set's voters do not hold it can it never come alive by itself. */
  mayRelease(set: readonly MemberId[], notHolding: ReadonlySet<MemberId>): boolean
  /**
   * A founder that renounced never starts by itself, but the set may have come alive without it: then its start is
   * safe.
   */
  mayFollow(holds: readonly MemberId[] | undefined, formed: readonly MemberId[], alive: boolean): boolean
  /** A message that rests on a state leaves only when that state is durable. */
  mustPersistFirst(): boolean
}

/** The first `k` of the sorted ids, `k` the largest odd number up to five that the set has. */
export function votersOf(set: readonly MemberId[]): readonly MemberId[] {
  const most = Math.min(5, set.length)
  return set.slice(0, most % 2 === 1 ? most : most - 1)
}

/** The rules as they are proven above. */
export const formingRules: FormingRules = Object.freeze({
  choose: (found, expect) => (found.length < expect ? undefined : [...found].sort(byId).slice(0, expect)),
  countsAnswer: ({ answers, present }) => answers === present,
  mayStart: (set, confirmed) => set.every((id) => confirmed.has(id)),
  mayVouch: ({ during, present }) => during !== present,
  mayRelease: (set, notHolding) => {
    const voters = votersOf(set)
    return voters.filter((id) => notHolding.has(id)).length > voters.length / 2
  },
  mayFollow: (holds, formed, alive) => alive && holds !== undefined && sameSet(holds, formed),
  mustPersistFirst: () => true,
} satisfies FormingRules)
