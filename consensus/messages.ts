// Raft between voters. Each variant says who sends it, when, and what the receiver does. Rounds: the sender numbers its
// rounds; every answer carries the round it answers, so that a late answer never counts for a later question.

import type { Entry, LogIndex, Snapshot, Term } from './types.ts'

export type RaftMessage<Command> =
  /**
   * Pre-candidate to all voters: would you vote for me in `term` (mine + 1)? Changes nothing at the receiver, which
   * denies while it hears a live leader (thesis sections 9.6 and 4.2.3).
   */
  | {
      readonly type: 'pre-vote'
      readonly term: Term
      readonly round: number
      readonly lastIndex: LogIndex
      readonly lastTerm: Term
    }
  /** Answer. `term` is the receiver's own term, so that a stale pre-candidate learns it. */
  | { readonly type: 'pre-vote-reply'; readonly term: Term; readonly round: number; readonly granted: boolean }
  /** Candidate to all voters, after its own term and vote are durable (section 3.4). */
  | {
      readonly type: 'vote'
      readonly term: Term
      readonly round: number
      readonly lastIndex: LogIndex
      readonly lastTerm: Term
    }
  /** Answer, after the vote is durable. Counted once per voter, never per message. */
  | { readonly type: 'vote-reply'; readonly term: Term; readonly round: number; readonly granted: boolean }
  /**
   * Leader to each voter: entries after (`previousIndex`, `previousTerm`), or none (a heartbeat). The receiver refuses
   * unless its log has exactly that previous entry (section 3.5), removes what conflicts and appends the rest.
   */
  | {
      readonly type: 'append'
      readonly term: Term
      readonly round: number
      readonly previousIndex: LogIndex
      readonly previousTerm: Term
      readonly commitIndex: LogIndex
      readonly entries: readonly Entry<Command>[]
    }
  /**
   * Answer, after the entries are durable. `matchIndex`: the last index known to equal the leader's (when accepted).
   * Refused: `matchIndex` repeats the `previousIndex` that did not fit, so that a late refusal is recognized;
   * `hintIndex`/`hintTerm` are the last place where the logs could agree (section 3.5, one round trip a term).
   */
  | {
      readonly type: 'append-reply'
      readonly term: Term
      readonly round: number
      readonly accepted: boolean
      readonly matchIndex: LogIndex
      readonly hintIndex: LogIndex
      readonly hintTerm: Term
    }
  /**
   * Leader to the follower it hands over to, whose log has all of its own (section 3.10): stand for election now. The
   * receiver skips the pre-vote and asks with `transfer-vote`.
   */
  | { readonly type: 'timeout-now'; readonly term: Term; readonly round: number }
  /** A `vote` by a candidate whom the leader asked to stand: granted as a vote is, though the leader is still heard. */
  | {
      readonly type: 'transfer-vote'
      readonly term: Term
      readonly round: number
      readonly lastIndex: LogIndex
      readonly lastTerm: Term
    }
  /**
   * Follower to its leader: from where on may I read (section 6.4)? `round` is never used for two questions, in no
   * life.
   */
  | { readonly type: 'read-index'; readonly term: Term; readonly round: number }
  /** Answer, after a majority answered a round begun since the question came. `index` undefined: refused, ask anew. */
  | {
      readonly type: 'read-index-reply'
      readonly term: Term
      readonly round: number
      readonly index: LogIndex | undefined
    }
  /**
   * Leader to a follower whose next entry it no longer has (section 5.2): bytes of a snapshot from `offset` on, one
   * message at a time. The receiver stores them; it takes up the snapshot when the last are durable.
   */
  | {
      readonly type: 'snapshot'
      readonly term: Term
      readonly round: number
      readonly snapshot: Snapshot
      readonly offset: number
      readonly bytes: Uint8Array
    }
  /**
   * Answer: the receiver wants the bytes of snapshot `id` from `offset` on. It promises nothing. When it has taken the
   * snapshot up, or has all that it stands for, the answer is an `append-reply`.
   */
  | {
      readonly type: 'snapshot-reply'
      readonly term: Term
      readonly round: number
      readonly index: LogIndex
      readonly id: string
      readonly offset: number
    }
