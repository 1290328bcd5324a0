// HyParView on the wire. Leitão, Pereira, Rodrigues 2007, "HyParView: a membership protocol for reliable gossip-based
// broadcast" (DSN 2007). Each variant says who sends it, when, and what the receiver does; this file is the protocol.
//
// Beyond the paper: the *epoch* of a link, so that a message about a former neighborship never ends the present one; an
// answered `disconnect`, so that a link is drained before it is closed; the *path* of a shuffle, so that its answer
// needs no link of its own; ages in the passive view; and `links`, by which messages find their way to whoever is no
// neighbor.

import type { MemberId } from '../types.ts'

/** One entry of a passive view. */
export interface Candidate {
  readonly id: MemberId
  /** Shuffles since the member itself said that it is there. */
  readonly age: number
}

/** Whom one member has for neighbors, as it says itself. The higher (generation, sequence) wins. */
export interface Adjacency {
  readonly id: MemberId
  readonly generation: number
  readonly sequence: number
  readonly neighbors: readonly MemberId[]
}

/**
 * Everything that members say to each other about neighborship. An *epoch* counts like a logical clock: larger than
 * every epoch that its sender has heard of. A neighborship has the largest epoch that both ends have agreed on.
 */
export type HyParViewMessage =
  /**
   * New member to its contact (section 4.2); also to a member of another half, to merge with it. The contact takes it
   * as a neighbor, making room if it must, answers `neighbor-reply`, and sends `forward-join` to all its other
   * neighbors.
   */
  | { readonly type: 'join'; readonly epoch: number }
  /**
   * Random walk for `member`, which has joined (section 4.2). At the end of the walk, or where there is no way on, the
   * receiver asks it to be a neighbor, making room if it must; at `timeToLive` = PRWL it keeps it in its passive view;
   * otherwise it sends it on with one hop less.
   */
  | { readonly type: 'forward-join'; readonly member: MemberId; readonly timeToLive: number }
  /**
   * To a candidate over a link just made: will you be my neighbor (section 4.3)? `high`: the sender has none, and the
   * receiver makes room. `low`: the receiver agrees when it has room. It answers `neighbor-reply` with the same epoch.
   */
  | { readonly type: 'neighbor'; readonly epoch: number; readonly priority: 'high' | 'low' }
  /**
   * Answer to `join` and `neighbor`. Accepted: both have each other from now on, with this epoch. Refused: the asker
   * closes the link.
   */
  | { readonly type: 'neighbor-reply'; readonly epoch: number; readonly accepted: boolean }
  /**
   * The sender no longer has the receiver for a neighbor (section 4.3): it made room, or never had it. The receiver,
   * unless its neighborship is of a later epoch, moves the sender to its passive view and answers with `disconnect` as
   * the last word on this link; then both let go of it.
   */
  | { readonly type: 'disconnect'; readonly epoch: number }
  /**
   * Random walk with a sample of the sender's views, itself first (section 4.4). The last receiver keeps the sample and
   * answers with one of its own. `path`: who carried it, the origin first.
   */
  | {
      readonly type: 'shuffle'
      readonly path: readonly MemberId[]
      readonly timeToLive: number
      readonly sample: readonly Candidate[]
    }
  /** Answer to `shuffle`, back along what is left of its path. The origin keeps the sample. */
  | { readonly type: 'shuffle-reply'; readonly path: readonly MemberId[]; readonly sample: readonly Candidate[] }
  /**
   * To each neighbor from time to time. Who has no such neighbor answers `disconnect`, so that no neighborship stays
   * one-sided. `digest` is of all adjacencies known; who twice finds another one than its own sends what it knows.
   */
  | { readonly type: 'keep-alive'; readonly epoch: number; readonly digest: number }
  /**
   * News of who has whom for neighbors: all of it to a new neighbor, what has changed to all. The receiver passes on
   * what is new to it.
   */
  | { readonly type: 'links'; readonly adjacencies: readonly Adjacency[] }
