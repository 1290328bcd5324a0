// One vote per term, and terms that never go back (thesis figure 3.1, "persistent state"). Whatever a voter binds
// itself with is compared with its disk at the instant it leaves, and every vote is remembered across crashes.

import type {
  ClusterCommand,
  Configuration,
  HardState,
  RaftMessage,
  Term,
  VoterId,
} from '../../../../consensus/index.ts'
import { check } from '../failure.ts'
import { isMajority } from './commit-history.ts'

interface Sender {
  readonly id: VoterId
  readonly storeId: string
}

export class Votes {
  /** By the log that voted: a member that lost its log is another voter (design rule 7). */
  readonly #cast = new Map<string, Map<Term, VoterId>>()
  /** The largest term in which each voter bound itself. */
  readonly #shown = new Map<string, Term>()

  /** `voter` sends `message` to `to`; its disk holds `durable` now. */
  sent(voter: Sender, to: VoterId, message: RaftMessage<ClusterCommand>, durable: HardState): void {
    if (!isBinding(message)) return
    const { storeId: from } = voter
    check(
      message.term <= durable.term,
      'term-monotonic',
      () => `${from} shows term ${message.term} in ${message.type}, its disk knows ${durable.term}`,
    )
    if (message.term > (this.#shown.get(from) ?? 0)) this.#shown.set(from, message.term)
    if (message.type === 'vote' || message.type === 'transfer-vote') this.#voted(from, voter.id, message.term, durable)
    if (message.type === 'vote-reply' && message.granted) this.#voted(from, to, message.term, durable)
  }

  /**
   * `id` was elected in `term`: a majority gave it their votes, itself by what its disk holds. What makes two leaders
   * of one term impossible is checked here at its cause.
   */
  elected({ id, storeId: own }: Sender, term: Term, configuration: Configuration, durable: HardState): void {
    const isOwn = durable.term === term && durable.votedFor === id
    const gave = (storeId: string): boolean => this.#cast.get(storeId)?.get(term) === id || (storeId === own && isOwn)
    check(
      isMajority(configuration, ({ storeId }) => gave(storeId)),
      'election-safety',
      () => `${id} leads term ${term} without the votes of a majority of ${JSON.stringify(configuration)}`,
    )
  }

  /** `id` starts again from what its disk held. */
  restarted(id: string, durable: HardState): void {
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

  #voted(voter: string, candidate: VoterId, term: Term, durable: HardState): void {
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
    case 'snapshot-reply':
      return false
    case 'vote-reply':
      return message.granted
    case 'append-reply':
      return message.accepted
    case 'vote':
    case 'transfer-vote':
    case 'append':
    case 'snapshot':
      return true
    default:
      message satisfies never
      return true
  }
}
