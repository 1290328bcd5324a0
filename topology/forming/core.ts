// What forming can be told, what it may ask for, and what it must never forget. As in consensus, the core says what
// must be durable (`persist`), is told when it is (`persisted`), and holds back until then whatever rests on it.

import type { Effect, Input } from '../core.ts'
import type { MemberId } from '../types.ts'
import type { FormingMessage, Founder } from './messages.ts'

/** What a node holds, durably. A node that never wrote anything is in `none`. */
export type FormingState =
  | { readonly type: 'none' }
  /** It confirms this set: it will start with it as soon as all others confirm it too. */
  | { readonly type: 'intent'; readonly set: readonly MemberId[] }
  /** For good: Raft runs with these founders. */
  | { readonly type: 'started'; readonly set: readonly MemberId[]; readonly founders: readonly Founder[] }
  /**
   * It will not start with this set by itself, and confirms no other until a majority of the set's voters do not hold
   * it.
   */
  | { readonly type: 'renounced'; readonly set: readonly MemberId[] }

/** What forming can be told. */
export type FormingInput =
  /** `connected` and `disconnected` are about links to fresh nodes and to founders of a formed cluster. */
  | Input<FormingMessage>
  /** The state of this `persist`, and all before it, survives a crash from now on. */
  | { readonly type: 'persisted'; readonly ticket: number }
  /** Whether a leader of the own cluster is known; said by a node that has started. Fresh nodes need not say it. */
  | { readonly type: 'alive'; readonly alive: boolean }
  /** A linked peer has shown that it is in the cluster that this node has started: it needs no word of it. */
  | { readonly type: 'companion'; readonly peer: MemberId }

/** What forming may ask for. */
export type FormingEffect =
  | Effect<FormingMessage, FormingEvent>
  /** Make durable, in the order of tickets; answered by the input `persisted`. Replaces what was durable before. */
  | { readonly type: 'persist'; readonly ticket: number; readonly state: FormingState }

/** What forming tells. */
export type FormingEvent =
  /**
   * Start Raft now: `started` is durable. Also the first thing a node says that had started in an earlier life.
   * `voters` are ids out of `set`, sorted; `founders` has the store id of each of `set`, in the same order.
   */
  | {
      readonly type: 'formed'
      readonly set: readonly MemberId[]
      readonly founders: readonly Founder[]
      readonly voters: readonly MemberId[]
      readonly clusterId: string
    }
  /** The set this node held is given up for good, durably: it tries anew, or may join another cluster. */
  | { readonly type: 'released'; readonly set: readonly MemberId[] }
  /**
   * A cluster is alive of which this node is no founder, and it holds no set: it joins, and forms no more until its
   * process starts anew.
   */
  | { readonly type: 'outside'; readonly set: readonly MemberId[]; readonly clusterId: string; readonly peer: MemberId }
  /** A fresh node expects another number of founders: with it no set can be agreed. Told once per peer and number. */
  | { readonly type: 'mismatch'; readonly peer: MemberId; readonly expect: number }
  /** A message that could not be accepted was dropped; counted by reason. */
  | { readonly type: 'dropped'; readonly from: MemberId; readonly reason: FormingDropReason }

/** `bad-set`: not sorted, not of the expected size, or without sender or receiver. `too-many`: beyond `maxFound`. */
export type FormingDropReason = 'bad-set' | 'too-many'

/** Where forming stands, for status pages. */
export interface FormingView {
  readonly state: FormingState
  readonly expect: number
  /** Fresh nodes found so far, self included. */
  readonly found: readonly MemberId[]
  /** Founders that have confirmed the set this node holds, self included. */
  readonly confirmed: readonly MemberId[]
}
