// Membership as one machine: every node knows every member, and what each verdict rests on. Das, Gupta, Motivala 2002
// (SWIM) with Dadgar, Phillips, Currey 2017 (Lifeguard). This file only dispatches:
//
//   ping, ping-req, ack, nack, timers ──> probing ──> accusation ─┐
//   gossip, push-pull, piggybacked updates ──────────────────────┼──> belief ──> table, events
//   about ourselves ──────────────────────> refutation <─────────┘       └─────> spreading ──> gossip
//
// Who is linked to whom is the overlay's; dialing, and re-dialing members that are down, is the runtime's.

import { invariant } from '../invariant.ts'
import type { MemberId, MemberRecord, Random } from '../types.ts'
import type { EvidenceView, SwimEffect, SwimInput } from './core.ts'
import { resolveSwimOptions, type SwimOptions } from './options.ts'
import { type SwimRules, swimRules } from './rules.ts'

export interface SwimSetup {
  /** This member as it announces itself: alive, in a generation higher than any before. */
  readonly self: MemberRecord
  /** Members remembered from an earlier life. What they say of `self` is ignored. */
  readonly known: readonly MemberRecord[]
  readonly options: SwimOptions
  readonly random: Random
  /** Members never forgotten to make room; also an input. Default: none. */
  readonly pinned?: readonly MemberId[]
  /** For simulations that plant bugs. Default: the true ones. */
  readonly rules?: SwimRules
}

export class Swim {
  constructor(setup: SwimSetup) {
    invariant(setup.self.state === 'alive', 'a member starts alive')
  }

  /** Called once, before the first `step`: sets the timers. */
  start(_now: number): SwimEffect[] {
    return []
  }

  step(_input: SwimInput, _now: number): SwimEffect[] {
    return []
  }

  /** Everyone known, self included, in the order in which they became known. */
  members(): readonly MemberRecord[] {
    return []
  }

  member(_id: MemberId): MemberRecord | undefined {
    return undefined
  }

  /** What is held against a member in its present incarnation; undefined when nothing is. */
  evidenceView(_id: MemberId): EvidenceView | undefined {
    return undefined
  }
}
void resolveSwimOptions
void swimRules
