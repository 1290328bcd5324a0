// Forming a cluster from nothing: how fresh nodes that were started together agree on exactly one first set of voters,
// although any of them may crash, restart or never come. The rules are in `docs/guarantees.md` ("forming").

import type { MemberId } from '../types.ts'

/** Who could be one of the founders: its id, and the log it would vote with. */
export interface Founder {
  readonly id: MemberId
  /** Made with the log; a vote counts only together with it, so a wiped log has no vote. */
  readonly storeId: string
}

export type FormingMessage =
  /**
   * Fresh node to every linked fresh node, on each change and at an interval: whom I have found. The receiver
   * compares it with its own view; equal and stable for `stableMs`, the set is decided.
   */
  | {
      readonly type: 'candidate'
      readonly expect: number
      readonly storeId: string
      readonly found: readonly MemberId[]
    }
  /** To each of `set`, only after this set is durable at the sender. `storeId` is what the sender will vote with. */
  | { readonly type: 'confirm'; readonly set: readonly MemberId[]; readonly storeId: string }
  /** To each of `set`, only after the renouncement is durable: the sender will never start Raft with this set by itself. */
  | { readonly type: 'renounce'; readonly set: readonly MemberId[] }
  /**
   * Answer to any of the above from a node that is already in a cluster formed from `set`: the sender has started Raft.
   * `alive`: a leader of it is known, so a majority started and a founder that renounced may start all the same.
   */
  | {
      readonly type: 'formed'
      readonly set: readonly MemberId[]
      readonly founders: readonly Founder[]
      readonly alive: boolean
    }
