// The overlay decides which links to hold and by which neighbor to reach whom, given the members and what became of the
// links. It never decides who is a member. Every overlay keeps this interface and passes
// `testing/compliance/overlay.ts`; those of users too (`createNode({ overlays: [mine] })`).
//
//                 members, voters ──────────▶ ┌─────────┐ ──▶ link, unlink       (the runtime dials and closes)
//   connected, disconnected, unreachable ───▶ │ overlay │ ──▶ send               (over a link that is up)
//                         message, timer ───▶ └─────────┘ ──▶ set-timer, emit
//
// A link may be held for several reasons at once: another overlay during a switch, two voters, a stream of messages. So
// an overlay hears of every link of this node, wanted or not, and closes none by itself: `unlink` only takes back its
// own reason, and the runtime closes when no reason is left.

import type { Core, Effect, Input } from './core.ts'
import type { MemberId, MemberRecord, Random } from './types.ts'

/** What every overlay can be told. */
export type OverlayInput<Message> =
  | Input<Message>
  /**
   * Everyone known, self included or not. Replaces the former list: whoever is missing, or `left`, is unlinked. Roles
   * and conditions stand in the records.
   */
  | { readonly type: 'members'; readonly members: readonly MemberRecord[] }
  /** Who holds the log. Replaces the former list; empty until it is known. */
  | { readonly type: 'voters'; readonly voters: readonly MemberId[] }
  /**
   * A dial to a peer that this overlay wants failed: refused, or no answer in time. The runtime goes on dialing until
   * `unlink`.
   */
  | { readonly type: 'unreachable'; readonly peer: MemberId }

/** What every overlay may ask for. */
export type OverlayEffect<Message, Event> =
  | Effect<Message, Event>
  /**
   * Hold a link to `peer` from now on until `unlink`: dial after `after` milliseconds unless one is up by then, and
   * dial again whenever it goes down. The pace of dialing is the runtime's, the order of these effects is the order of
   * dialing. Same peer again: replaced.
   */
  | { readonly type: 'link'; readonly peer: MemberId; readonly after: number }
  /**
   * The link is no longer needed here: dial no more, and when nothing else needs it, say goodbye and close it once what
   * was sent before has left.
   */
  | { readonly type: 'unlink'; readonly peer: MemberId }

/** What overlays tell their driver beside asking for something. */
export type OverlayEvent =
  /** This member has no neighbor although others are alive, or has one again. */
  | { readonly type: 'isolation'; readonly isIsolated: boolean }
  /** Something could not be accepted or kept; counted under this reason. */
  | { readonly type: 'dropped'; readonly reason: string }

/** How well a member is held by the overlay, by its own view. */
export interface Connectivity {
  /** Neighbors it ought to have now; never more than there are others alive. */
  readonly target: number
  /** Neighbors it has, over a link that is up. */
  readonly linked: number
  /** It ought to have neighbors and has none. */
  readonly isIsolated: boolean
}

/** An overlay as a machine. */
export interface Overlay<Message = never, Event = never>
  extends Core<OverlayInput<Message>, OverlayEffect<Message, Event>> {
  /** What it is called in `status`, in the switch and on the wire. */
  readonly name: string
  /** The most neighbors it ever has. Links that it is only trying, or draining, come on top for a moment. */
  readonly capacity: number
  /**
   * Its neighbors, linked or to be linked, never self, in the order of dialing. When quiet: exactly those it wants
   * links to.
   */
  neighbors(): readonly MemberId[]
  /**
   * The neighbor with a link to hand a message for `to` to; `to` itself when it is a linked neighbor. Undefined: no way
   * now.
   */
  nextHop(to: MemberId): MemberId | undefined
  /** How well this member is held. */
  connectivity(): Connectivity
}

/** Parameters by name, as they stand in options and in the agreed epoch of a switch. */
export type OverlayParameters = Readonly<Record<string, unknown>>

/** What an overlay is made of. */
export interface OverlaySetup {
  readonly self: MemberId
  readonly random: Random
  /** Without problems by {@link OverlayDefinition.problems}; what is missing has its default. */
  readonly parameters: OverlayParameters
}

/** Why these members cannot form an overlay: a code of `docs/errors.md`, and a sentence. */
export interface OverlayRefusal {
  readonly code: string
  readonly message: string
}

/** What an overlay would cost these members. */
export interface OverlayEstimate {
  /** Links in the whole cluster. */
  readonly links: number
  /** Links of the member that has most. */
  readonly linksPerMember: number
  /** Hops between the two members that are farthest apart, as expected. */
  readonly hops: number
}

/** Messages of an overlay as bytes. `decode` throws on anything that `encode` does not make; it bounds every length. */
export interface OverlayCodec<Message> {
  encode(message: Message): Uint8Array
  decode(bytes: Uint8Array): Message
}

/** A kind of overlay: what a cluster can be switched to by name. */
export interface OverlayDefinition<Message = never> {
  /** Lower case, unique in the cluster, the same on every member; at most 64 bytes. */
  readonly name: string
  /** Every rule that these parameters break, as sentences with the values; empty: none. Unknown names are problems. */
  problems(parameters: OverlayParameters): readonly string[]
  /** Why these members cannot form it now; undefined: they can. */
  refusal(members: readonly MemberRecord[]): OverlayRefusal | undefined
  /** What it would cost these members with these voters, by the same parameters that `create` gets. */
  estimate(
    members: readonly MemberRecord[],
    parameters: OverlayParameters,
    voters: readonly MemberId[],
  ): OverlayEstimate
  create(setup: OverlaySetup): Overlay<Message, OverlayEvent>
  /** Undefined: it sends nothing. */
  readonly codec: OverlayCodec<Message> | undefined
}
