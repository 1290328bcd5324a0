// Raft between voters. Each variant says who sends it, when, and what the receiver does. Rounds: the sender numbers its
// rounds; every answer carries the round it answers, so that a late answer never counts for a later question.

import type { Entry, LogIndex, Term } from './types.ts'

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
