// One vote per term, and terms that never go back (thesis figure 3.1, "persistent state"). Whatever a voter binds itself
// with is compared with its disk at the instant it leaves, and every vote is remembered across crashes.

import type { ClusterCommand, HardState, RaftMessage, Term, VoterId } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

export class Votes {
  readonly #cast = new Map<VoterId, Map<Term, VoterId>>()
  /** The largest term in which each voter bound itself. */
  readonly #shown = new Map<VoterId, Term>()

  /** `from` sends `message` to `to`; its disk holds `durable` now. */
  sent(from: VoterId, to: VoterId, message: RaftMessage<ClusterCommand>, durable: HardState): void {
    if (!isBinding(message)) return
    check(
      message.term <= durable.term,
      'term-monotonic',
      () => `${from} shows term ${message.term} in ${message.type}, its disk knows ${durable.term}`,
    )
    if (message.term > (this.#shown.get(from) ?? 0)) this.#shown.set(from, message.term)
    if (message.type === 'vote' || message.type === 'transfer-vote') this.#voted(from, from, message.term, durable)
    if (message.type === 'vote-reply' && message.granted) this.#voted(from, to, message.term, durable)
  }

  /**
   * `id` was elected in `term`: a majority gave it their votes, itself by what its disk holds. What makes two leaders of one
   * term impossible is checked here at its cause.
   */
  elected(id: VoterId, term: Term, voters: readonly VoterId[], durable: HardState): void {
    const isOwn = durable.term === term && durable.votedFor === id
    const given = voters.filter((voter) => this.#cast.get(voter)?.get(term) === id || (voter === id && isOwn))
    check(
      given.length * 2 > voters.length,
      'election-safety',
      () => `${id} leads term ${term} with the votes of ${given.length} of ${voters.length} voters`,
    )
  }

  /** `id` starts again from what its disk held. */
  restarted(id: VoterId, durable: HardState): void {
    const shown = this.#shown.get(id) ?? 0
    check(
      durable.term >= shown,
      'term-monotonic',
      () => `${id} restarts in term ${durable.term} after it showed ${shown}`,
    )
    const vote = this.#cast.get(id)?.get(durable.term)
    check(
      vote === undefined || vote === durable.votedFor,
      'one-vote-per-term',
      () => `${id} restarts in term ${durable.term} with a vote for ${durable.votedFor}, it gave it to ${vote}`,
    )
  }

  #voted(voter: VoterId, candidate: VoterId, term: Term, durable: HardState): void {
    let votes = this.#cast.get(voter)
    if (votes === undefined) {
      votes = new Map()
      this.#cast.set(voter, votes)
    }
    const known = votes.get(term)
    check(
      known === undefined || known === candidate,
      'one-vote-per-term',
      () => `${voter} votes for ${candidate} in term ${term}, after it voted for ${known}`,
    )
    check(
      durable.term > term || durable.votedFor === candidate,
      'one-vote-per-term',
      () => `${voter} votes for ${candidate} in term ${term}, its disk holds ${durable.votedFor}`,
    )
    votes.set(term, candidate)
  }
}

/** A pre-vote, its answer and a refusal promise nothing: a voter may forget the term it named in them. */
function isBinding(message: RaftMessage<ClusterCommand>): boolean {
  switch (message.type) {
    case 'pre-vote':
    case 'pre-vote-reply':
    case 'timeout-now':
    case 'read-index':
    case 'read-index-reply':
      return false
    case 'vote-reply':
      return message.granted
    case 'append-reply':
      return message.accepted
    case 'vote':
    case 'transfer-vote':
    case 'append':
    case 'snapshot':
    case 'snapshot-reply':
      return true
    default:
      message satisfies never
      return true
  }
}
