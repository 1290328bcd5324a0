// The inputs, effects and events of Plumtree, and the rules that a simulation may break on purpose.

import type { Effect, Input } from '../core.ts'
import type { MemberId } from '../types.ts'
import type { BroadcastId, PlumtreeMessage } from './messages.ts'

/** What Plumtree can be told. */
export type PlumtreeInput =
  | Exclude<Input<PlumtreeMessage>, { readonly type: 'connected' | 'disconnected' }>
  /**
   * The neighbors of the active overlay with a link. Replaces the former list. `isMesh`: they are all others, so a
   * broadcast goes straight to them and nobody passes it on.
   */
  | { readonly type: 'neighbors'; readonly peers: readonly MemberId[]; readonly isMesh: boolean }
  /** Send this to everybody. Keep the bytes unchanged. */
  | { readonly type: 'broadcast'; readonly payload: Uint8Array }

/** What it tells its driver. */
export type PlumtreeEvent =
  /** A broadcast of another member, once. `hops` that it came. */
  | {
      readonly type: 'delivered'
      readonly id: BroadcastId
      readonly hops: number
      readonly payload: Uint8Array
      /** The neighbor it came from. */
      readonly from: MemberId
    }
  /** Could not be accepted or kept; counted under this reason. */
  | { readonly type: 'dropped'; readonly reason: PlumtreeDropReason }

/** Why something was dropped. */
export type PlumtreeDropReason =
  /** From somebody who is no neighbor now. */
  | 'stranger'
  /** More broadcasts are waited for than `maxMissing`. */
  | 'missing-full'
  /** It was announced, and nobody who did has it any more. */
  | 'lost'

/** What it may ask for. */
export type PlumtreeEffect = Effect<PlumtreeMessage, PlumtreeEvent>

/** Every decision of Plumtree that a simulation may break on purpose. */
export interface PlumtreeRules {
  /** Section 3.5: who misses what was announced asks for it. */
  grafts(): boolean
  /** Section 3.4: a link over which copies come leaves the tree. */
  prunes(): boolean
  /** Section 3.4: neighbors outside the tree hear what there is. */
  announces(): boolean
}

/** The true rules. */
export const plumtreeRules: PlumtreeRules = Object.freeze<PlumtreeRules>({
  grafts: () => true,
  prunes: () => true,
  announces: () => true,
})
