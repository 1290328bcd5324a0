// Plumtree on the wire. Leitão, Pereira, Rodrigues 2007, "Epidemic Broadcast Trees" (SRDS 2007). Each variant says who
// sends it, when, and what the receiver does; this file is the protocol. Messages travel between neighbors of the
// active overlay.

import type { MemberId } from '../types.ts'

/** Which broadcast: the `sequence`-th of this life of `origin`. */
export interface BroadcastId {
  readonly origin: MemberId
  readonly generation: number
  readonly sequence: number
}

/** A broadcast that the sender has, and in how many hops it came there. */
export interface Announcement {
  readonly id: BroadcastId
  readonly hops: number
}

/** Everything that neighbors say to each other about broadcasts. */
export type PlumtreeMessage =
  /**
   * Eager push, to each eager neighbor when a broadcast is new to the sender (section 3.4, GOSSIP). New to the
   * receiver: it delivers, pushes on and makes the sender eager. Known already: it makes the sender lazy and answers
   * `prune`. `hops`: that it has come so far, 1 or more.
   */
  | { readonly type: 'push'; readonly id: BroadcastId; readonly hops: number; readonly payload: Uint8Array }
  /**
   * Lazy push, to each lazy neighbor, some at a time (IHAVE). Whoever misses one of them waits for an eager push, and
   * then grafts.
   */
  | { readonly type: 'i-have'; readonly announcements: readonly Announcement[] }
  /**
   * To a neighbor that has announced what the sender misses (GRAFT): the receiver makes the sender eager, and pushes
   * the broadcast if it still has it. Without `id`: only the link is wanted for the tree, for it is shorter (section
   * 3.8).
   */
  | { readonly type: 'graft'; readonly id: BroadcastId | undefined }
  /** To a neighbor whose push came second: it makes the sender lazy. The link leaves the tree. */
  | { readonly type: 'prune' }
