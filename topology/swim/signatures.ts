// Whose word counts on a member. SWIM (section 4.2) rests on that only the member raises its own incarnation: whoever
// else could would put it out everywhere with one message. So a member signs what only it may say (its incarnation, its
// address and what else is its own, that it leaves) and what it has not signed is believed of nobody who signs:
//
//   nothing signed is held ──── unsigned ────> believed, as far as the other rules go
//         │                               (a member of a release that does not sign)
//         │
//         └── signed, and the signature holds ──> signed is held ── a newer incarnation, signed ──> that is held
//                                                   │  ^
//                                                   │  └── the same incarnation, signed or not: its state
//                                                   │      and condition count, all else is known
//                                                   └── a newer incarnation, or that it left, unsigned or
//                                                       with a signature of another: dropped
//
// Signed beats unsigned, whichever the incarnation: a lie about somebody who was not known before ends with that
// member's first word. How a signature is made is injected; the core never looks into one.

import type { MemberRecord } from '../types.ts'
import { compareIncarnations } from './order.ts'

/** Pure functions of the record, injected: the same record gives the same answer. */
export interface Signatures {
  /** For a record of this member itself: what `signature` is to be. */
  readonly sign: (own: MemberRecord) => string
  /**
   * Whether the member that the record is about signed what is its own in it. Never called without a signature in it.
   */
  readonly holds: (record: MemberRecord) => boolean
}

/** Without a key nothing is signed and everything believed: for models of members that tell no lies. */
export type Signing = Signatures | undefined

/** As this member says it of itself from now on. */
export function signed(signing: Signing, own: MemberRecord): MemberRecord {
  return signing ? { ...own, signature: signing.sign(own) } : own
}

/** What of a record may be believed, beside what is held of the member; undefined: nothing. */
export function attested(
  signing: Signing,
  mine: MemberRecord | undefined,
  theirs: MemberRecord,
): MemberRecord | undefined {
  if (!signing) return theirs
  if (mine?.signature !== undefined) {
    const order = compareIncarnations(theirs.incarnation, mine.incarnation)
    // Of the past: it changes nothing, and who tells it is answered.
    if (order < 0) return theirs
    if (order === 0) {
      const { state, condition } = theirs
      return state === 'left' && mine.state !== 'left' ? undefined : { ...mine, state, condition }
    }
    if (theirs.signature === undefined) return undefined
  }
  return theirs.signature === undefined || signing.holds(theirs) ? theirs : undefined
}
