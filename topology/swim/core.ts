// What membership can be told, what it may ask for, and what it tells: the shape of `topology/core.ts` with the inputs
// and events of SWIM. The runtime switches over these; nothing else of this folder is needed to drive it.

import type { Effect, Input } from '../core.ts'
import type { MemberId, MemberRecord } from '../types.ts'
import type { AccusationKind, SwimMessage } from './messages.ts'

/** What membership can be told. */
export type SwimInput =
  | Input<SwimMessage>
  /**
   * Whom to probe: the peers that the overlay holds links to or wants to. Replaces the former list; unknown ones wait
   * until known.
   */
  | { readonly type: 'neighbors'; readonly peers: readonly MemberId[] }
  /**
   * Whom to probe besides, slowly, wherever they are: the members that this one monitors (design rule 14). Replaces the
   * former list. They need not be linked; the runtime finds a way for what is sent to them.
   */
  | { readonly type: 'monitored'; readonly peers: readonly MemberId[] }
  /**
   * Members come in over few links as yet, or no more: as long as it lasts, all linked members are told of each
   * newcomer. Not so at the start.
   */
  | { readonly type: 'gathering'; readonly isOn: boolean }
  /**
   * This observer saw an unannounced close of its link to `peer`, and a port it had reached before now refuses (design
   * rule 13). `generation`: the life the closed link belonged to; without it the present one is accused.
   */
  | { readonly type: 'evidence'; readonly peer: MemberId; readonly generation?: number }
  /**
   * The process did not run for `ms`. Arrives before any timer or message after it: what expired meanwhile accuses
   * nobody.
   */
  | { readonly type: 'away'; readonly ms: number }
  /** Measured delay of the own event loop (p99, milliseconds): lengthens own timeouts until the next measure. */
  | { readonly type: 'loop-delay'; readonly ms: number }
  /**
   * The liveness worker of `peer` answered: its process lives, and its main thread last turned `ageMs` ago (design rule
   * 6).
   */
  | { readonly type: 'liveness'; readonly peer: MemberId; readonly generation: number; readonly ageMs: number }
  /** What this member says of itself from now on. */
  | { readonly type: 'condition'; readonly condition: 'ok' | 'draining' }
  /** This member goes for good in this generation: told to all linked neighbors at once, never refuted. */
  | { readonly type: 'leave' }
  /** Drop what is known of `peer`, e.g. because another identity lives at its address. It may become known again. */
  | { readonly type: 'forget'; readonly peer: MemberId }
  /**
   * Members that are never forgotten to make room, however long they are down: the voters. Replaces the former list.
   */
  | { readonly type: 'pinned'; readonly members: readonly MemberId[] }

/** What membership may ask for. */
export type SwimEffect = Effect<SwimMessage, SwimEvent>

/** What changed about a member, in the order of precedence: the first that fits is told. */
export type MemberChange =
  | 'left'
  | 'down'
  /** First heard of, alive or suspect. */
  | 'joined'
  /** A higher generation: its process was started anew. */
  | 'restarted'
  | 'suspect'
  | 'condition'
  /** It was suspect or down, and said itself that it lives; of self: we were told that we are, and said so. */
  | 'refuted'
  /** Anything else: its address, roles, zone, or only its refutation number. */
  | 'updated'

/** What membership tells. */
export type SwimEvent =
  /**
   * A visible change of one member, self included. `accusers`: whose evidence the verdict rests on; empty when it was
   * heard as a verdict.
   */
  | {
      readonly type: 'member'
      readonly before: MemberRecord | undefined
      readonly after: MemberRecord
      readonly reason: MemberChange
      readonly accusers: readonly MemberId[]
    }
  /** No longer remembered, because of `forget` or to make room. */
  | { readonly type: 'forgotten'; readonly member: MemberRecord }
  /** A direct probe of this member timed out, and it has a liveness worker that could be asked why. */
  | { readonly type: 'unanswered'; readonly member: MemberRecord }
  /** Another copy of this member lives, started later: the runtime stops this one. Told once per generation. */
  | { readonly type: 'superseded'; readonly incarnation: MemberRecord['incarnation'] }
  /** Something of a message could not be accepted; counted by reason. */
  | { readonly type: 'dropped'; readonly from: MemberId; readonly reason: SwimDropReason }

/**
 * `table-full`: a new member beyond `maxMembers`, or a gone one beyond `maxRememberedMembers`. `unknown-member`: an
 * accusation of somebody, or of an incarnation, not yet known. `accusers-full`: beyond `maxAccusersPerMember`.
 * `relays-full`: beyond `maxRelayedProbes`. `unknown-probe`: an answer to no running probe, mostly a late one.
 * `not-its-own`: what a linked member that is alive would say itself, said by another. `not-believable`: an incarnation
 * that no member reaches. `not-signed`: what only the member may say, without its signature.
 */
export type SwimDropReason =
  | 'table-full'
  | 'unknown-member'
  | 'accusers-full'
  | 'relays-full'
  | 'unknown-probe'
  | 'not-its-own'
  | 'not-believable'
  | 'not-signed'

/** One accuser as this member counted it. */
export interface Suspector {
  readonly by: MemberId
  readonly kind: AccusationKind
  /** When it was counted here, in the unit of `now`. */
  readonly at: number
}

/** A snapshot of what this member knows against another; for `why`. Kept until a newer incarnation is heard of. */
export interface EvidenceView {
  readonly member: MemberId
  readonly incarnation: MemberRecord['incarnation']
  readonly suspectors: readonly Suspector[]
  /** When the suspicion began here, in the unit of `now`. */
  readonly since: number
  /** When it becomes `down` here without a refutation; undefined once a verdict stands. */
  readonly deadline: number | undefined
}
