// Forming a cluster from nothing: how fresh nodes that were started together agree on exactly one first set of voters,
// although any of them may crash, restart or never come. The rules are in `docs/guarantees.md` ("forming").

import type { MemberId } from '../types.ts'

/** Who could be one of the founders: its id, and the log it would vote with. */
export interface Founder {
  readonly id: MemberId
  /** Made with the log; a vote counts only together with it, so a wiped log has no vote. */
  readonly storeId: string
}

/** Everything that nodes say to each other while a cluster forms. */
export type FormingMessage =
  /**
   * Fresh node to every linked fresh node, when the link comes up, at an interval, and on each change once they are
   * enough: whom I have found; nobody but itself, while they are too few for a set. The receiver compares it with its
   * own view; equal and stable for `stableMs`, the set is decided.
   */
  | {
      readonly type: 'candidate'
      readonly expect: number
      readonly storeId: string
      readonly found: readonly MemberId[]
    }
  /**
   * To each of `set`, only after this set is durable at the sender: I hold it. `storeId` is what the sender will vote
   * with. `round` is the sender's own number, drawn anew at each start of its process and each change of what it holds
   * (1 to 2^32 - 1); `answers` is the receiver's round as the sender last heard it (0: not yet). The receiver counts
   * the message only when it answers its present round: so it was said after that round began, and a late one of an
   * earlier attempt at the same set counts for nothing.
   */
  | {
      readonly type: 'confirm'
      readonly set: readonly MemberId[]
      readonly storeId: string
      readonly round: number
      readonly answers: number
    }
  /**
   * To each of `set`, only after the renouncement is durable: the sender will not start Raft with this set by itself,
   * unless it confirms it anew. Also the answer of a node that does not hold `set` at all, with `round` 0: it wants
   * none.
   */
  | {
      readonly type: 'renounce'
      readonly set: readonly MemberId[]
      readonly round: number
      readonly answers: number
    }
  /**
   * To a linked founder that holds the same set, by one that is not linked to all of it, each time before it confirms:
   * tell me when all hold it. `round`: the sender's present one.
   */
  | { readonly type: 'inquire'; readonly set: readonly MemberId[]; readonly round: number }
  /**
   * The answer: each of `set` has said to the sender that it holds it, in answer to a round of the sender's that began
   * after it was asked. Counts as the confirmations of all of them, given in the receiver's round `answers`.
   */
  | {
      readonly type: 'vouch'
      readonly set: readonly MemberId[]
      readonly founders: readonly Founder[]
      readonly answers: number
    }
  /**
   * Answer to a candidate, a confirmation or a renouncement from a node that is already in a cluster formed from
   * `set`, and what founders that have not said the same are told when it has started, and when it is alive: the
   * sender has started Raft. `alive`: a leader of it is known, so a majority started and a founder that renounced may
   * start all the same.
   */
  | {
      readonly type: 'formed'
      readonly set: readonly MemberId[]
      readonly founders: readonly Founder[]
      readonly alive: boolean
    }
