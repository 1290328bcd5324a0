// What the two machines of a switch can be told, what they ask for and what they tell: the shape of `topology/core.ts`.

import type { Effect } from '../core.ts'
import type { MemberId, MemberState } from '../types.ts'
import type { SwitchMessage } from './messages.ts'

/** The switch that the log has begun and not ended. */
export interface PendingSwitch {
  readonly index: number
  readonly to: string
  readonly required: readonly MemberId[]
  readonly timeoutMs: number
}

/** A switch that the log has ended; `epoch` is the one after it. */
export interface PastSwitch {
  readonly index: number
  readonly epoch: number
  readonly from: string
  readonly to: string
  readonly outcome: 'committed' | 'aborted'
  readonly reason: string
}

/** What a leader can be told. */
export type LeaderInput =
  | { readonly type: 'message'; readonly from: MemberId; readonly message: SwitchMessage }
  | { readonly type: 'timer'; readonly timer: string }
  /**
   * The own log as far as it is applied. `leads`: this node leads and its term's first entry is applied, so that
   * nothing an earlier leader left behind is missing.
   */
  | {
      readonly type: 'log'
      readonly leads: boolean
      readonly epoch: number
      readonly name: string
      readonly proposal: PendingSwitch | undefined
      readonly history: readonly PastSwitch[]
    }
  | { readonly type: 'members'; readonly states: ReadonlyMap<MemberId, MemberState> }
  /** A member answered that it does not know what a switch is. */
  | { readonly type: 'incapable'; readonly from: MemberId }
  /** What was proposed did not get into the log. */
  | { readonly type: 'proposal-lost' }

/** What the leader asks the log to say. */
export type SwitchCommand =
  | { readonly type: 'strike-member'; readonly proposal: number; readonly member: MemberId }
  | { readonly type: 'commit-topology'; readonly proposal: number }
  | { readonly type: 'abort-topology'; readonly proposal: number; readonly reason: AbortReason }

/**
 * `not-prepared`, `not-reached`: at the deadline somebody had not opened its links, or was not reached over them.
 * `unknown-topology`, `older-version`: a member cannot take part.
 */
export type AbortReason = 'not-prepared' | 'not-reached' | 'unknown-topology' | 'older-version'

/** How far a required member came. */
export type MemberProgress = 'waiting' | 'prepared' | 'verified' | 'struck' | 'refused'

export interface MemberReport {
  readonly member: MemberId
  readonly progress: MemberProgress
  /** Milliseconds from the beginning until it got there. */
  readonly afterMs: number
  /** It routes by what was decided. */
  readonly hasAdopted: boolean
}

/** What the leader tells its driver. */
export type LeaderEvent =
  | { readonly type: 'phase'; readonly proposal: number; readonly phase: 'preparing' | 'verifying' }
  /** The log has ended the switch. `inherited`: an earlier leader began it. */
  | { readonly type: 'ended'; readonly past: PastSwitch; readonly durationMs: number }
  /** Everybody who is there has adopted and closed, or was given the time to, or the time of the switch is over. */
  | { readonly type: 'settled'; readonly past: PastSwitch; readonly members: readonly MemberReport[] }

/** What the leader may ask for. */
export type LeaderEffect =
  | Effect<SwitchMessage, LeaderEvent>
  | { readonly type: 'propose'; readonly command: SwitchCommand }

/** What a member can be told. */
export type MemberInput =
  | { readonly type: 'message'; readonly from: MemberId; readonly message: SwitchMessage }
  | { readonly type: 'timer'; readonly timer: string }
  /** What the cluster has agreed on, by the own log or the cluster record. `name` empty: not known. */
  | {
      readonly type: 'agreed'
      readonly epoch: number
      readonly name: string
      readonly leader: MemberId | undefined
    }
  /** How an open overlay stands. `isFormed`: every link that it wants to a living member is up. */
  | {
      readonly type: 'overlay'
      readonly key: number
      readonly isFormed: boolean
      readonly neighbors: readonly MemberId[]
    }

/** What a member tells its driver. */
export type MemberEvent =
  | { readonly type: 'phase'; readonly phase: MemberPhase; readonly to: string }
  /**
   * `isWitnessed`: it had prepared for it. If not it has only learned which topology is agreed on, perhaps some
   * switches later.
   */
  | {
      readonly type: 'committed'
      readonly epoch: number
      readonly from: string
      readonly to: string
      readonly isWitnessed: boolean
    }
  | { readonly type: 'aborted'; readonly epoch: number; readonly from: string; readonly to: string }
  /** The cluster has agreed on an overlay that this member cannot make: it stays where it is. Told once per epoch. */
  | { readonly type: 'left-behind'; readonly epoch: number; readonly to: string }

/** `stable`: one overlay, and no switch known. */
export type MemberPhase = 'stable' | 'preparing' | 'verifying' | 'draining'

/** What a member may ask for. */
export type MemberEffect =
  | Effect<SwitchMessage, MemberEvent>
  /**
   * Make the overlay `name` for `epoch` and hold the links that it wants, beside all others. `key` names it from now
   * on.
   */
  | { readonly type: 'open'; readonly key: number; readonly epoch: number; readonly name: string }
  /** From now on messages are routed by this overlay. It is open. */
  | { readonly type: 'use'; readonly key: number }
  /** This overlay wants nothing any more. Never the one in use. */
  | { readonly type: 'close'; readonly key: number }
