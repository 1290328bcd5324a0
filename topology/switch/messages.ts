// What the leader and the members of a switch say to each other. Any of these may be lost, repeated or late: the leader
// says again what was not answered, a member asks when it hears nothing, and each message names its switch by the index
// of the log entry that began it.

/** Everything that is said during a switch. */
export type SwitchMessage =
  /**
   * Leader to each required member until it has prepared. The member opens the links of `to` beside those it has.
   * `from` is what is agreed now, in the epoch before: who had not heard of that hears it now.
   */
  | {
      readonly type: 'prepare'
      readonly proposal: number
      readonly epoch: number
      readonly from: string
      readonly to: string
    }
  /** Member to leader: every link that the new overlay wants here is up. */
  | { readonly type: 'prepared'; readonly proposal: number }
  /** Member to leader: it can never prepare this one. The leader aborts. */
  | { readonly type: 'refused'; readonly proposal: number; readonly reason: string }
  /**
   * Leader to itself, and from there from neighbor to neighbor over the new overlay, each round anew. A member passes
   * on the first of a round and answers the leader: so it is known to be reachable over the new links alone.
   */
  | { readonly type: 'verify'; readonly proposal: number; readonly round: number }
  | { readonly type: 'verified'; readonly proposal: number; readonly round: number }
  /**
   * Leader to each required member until it has adopted: how the switch ended, by the log; `name` is agreed in `epoch`.
   */
  | {
      readonly type: 'decided'
      readonly proposal: number
      readonly outcome: 'committed' | 'aborted'
      readonly epoch: number
      readonly name: string
    }
  /** Member to leader: it routes by what was decided. */
  | { readonly type: 'adopted'; readonly proposal: number }
  /**
   * Leader to each member once all have adopted: nobody sends over the former overlay any more, so its links may go.
   */
  | { readonly type: 'close'; readonly proposal: number }
  | { readonly type: 'closed'; readonly proposal: number }
  /**
   * Member that has prepared, and heard nothing for a while, to whom it believes to lead; the answer is `prepare` or
   * `decided`.
   */
  | { readonly type: 'ask'; readonly proposal: number }
