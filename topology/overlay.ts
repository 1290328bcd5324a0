// The overlay decides which links to hold and by which neighbor to reach whom, given the members and what became of the
// links. It never decides who is a member. `full-mesh` is the first; whatever comes later keeps this interface and passes
// `testing/compliance/overlay.ts`.

import type { Core, Effect, Input } from './core.ts'
import type { MemberId, MemberRecord } from './types.ts'

/** What every overlay can be told. */
export type OverlayInput<Message> =
  | Input<Message>
  /** Everyone known, self included or not. Replaces the former list: whoever is missing, or `left`, is unlinked. */
  | { readonly type: 'members'; readonly members: readonly MemberRecord[] }

/** What every overlay may ask for. */
export type OverlayEffect<Message, Event> =
  | Effect<Message, Event>
  /**
   * Hold a link to `peer` from now on until `unlink`: dial after `after` milliseconds unless one is up by then, and dial again
   * whenever it goes down. The pace of dialing is the runtime's, the order of these effects is the order of dialing. Same peer again: replaced.
   */
  | { readonly type: 'link'; readonly peer: MemberId; readonly after: number }
  /** The link is no longer needed here: say goodbye and close it, and dial no more. */
  | { readonly type: 'unlink'; readonly peer: MemberId }

/** An overlay as a machine. */
export interface Overlay<Message = never, Event = never>
  extends Core<OverlayInput<Message>, OverlayEffect<Message, Event>> {
  /** What it is called in `status`, in the switch and on the wire. */
  readonly name: string
  /** The most neighbors it ever wants. */
  readonly capacity: number
  /** Whom it holds links to or wants to, never self, in the order of dialing. */
  neighbors(): readonly MemberId[]
  /** The neighbor with a link to hand a message for `to` to; `to` itself when linked. Undefined: no way now. */
  nextHop(to: MemberId): MemberId | undefined
}
