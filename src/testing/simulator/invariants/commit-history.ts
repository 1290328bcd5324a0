// What the cluster has committed, as an observer outside of it sees it: the first apply at an index fixes that index for
// ever. From this follow three properties.
//
// State-machine safety (thesis section 3.6.3): nobody ever applies another entry at that index, nor gets another reply.
// Leader completeness (section 3.6.2): every leader of a later term has the entry.
// Durable commit: at the moment of the first apply a majority has the entry on disk, so that no crash can lose it.
//
// Leader completeness is also checked at its cause, long before an election goes wrong: by what the disks hold when an entry
// is committed, no voter without it could win one.

import type { ClusterCommand, Entry, LogIndex, Term, VoterId } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

/** A voter, as far as these checks must see into it. */
export interface ObservedVoter {
  readonly id: VoterId
  /** Its log in memory, by index. */
  logEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined
  /** Its log as a crash at this instant would leave it. */
  durableEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined
  durableEnd(): { readonly index: LogIndex; readonly term: Term }
  /** Term in which it leads; undefined when it does not. */
  leadsTerm(): Term | undefined
}

interface Committed {
  readonly entry: Entry<ClusterCommand>
  readonly by: VoterId
  /** Term of the voter that applied it first: no smaller than the term that committed it. */
  readonly committedIn: Term
  reply: string | undefined
}

export class CommitHistory {
  readonly #committed: Committed[] = []
  #voters: readonly ObservedVoter[] = []

  /** The voters of the one cluster; set once, when it forms. */
  set voters(voters: readonly ObservedVoter[]) {
    this.#voters = voters
  }

  get lastIndex(): LogIndex {
    return this.#committed.length
  }

  entryAt(index: LogIndex): Entry<ClusterCommand> | undefined {
    return this.#committed[index - 1]?.entry
  }

  /** `id`, whose term is `term`, gives `entry` to its machine. */
  applied(id: VoterId, entry: Entry<ClusterCommand>, term: Term): void {
    const known = this.#committed[entry.index - 1]
    if (known === undefined) {
      this.#commit(id, entry, term)
      return
    }
    check(
      known.entry.term === entry.term && known.entry.command === entry.command,
      'state-machine-safety',
      () =>
        `${id} applies another entry of term ${entry.term} at ${entry.index} than ${known.by} (${known.entry.term})`,
    )
  }

  /** The machine of `id` answered `reply` (as text) to the entry at `index`. Says whether it is the first answer. */
  replied(id: VoterId, index: LogIndex, reply: string): boolean {
    const known = this.#committed[index - 1]
    if (known === undefined) return false
    const isFirst = known.reply === undefined
    known.reply ??= reply
    check(
      known.reply === reply,
      'state-machine-safety',
      () => `the machine of ${id} answers ${reply} at ${index}, that of ${known.by} ${known.reply}`,
    )
    return isFirst
  }

  /**
   * `leader` was elected in `term`: everything committed in smaller terms must be in its log. By log matching the last
   * of these entries proves the rest. (A late reply may elect the leader of a term that is over; it owes the newer nothing.)
   */
  elected(leader: ObservedVoter, term: Term): void {
    const last = this.#committed.findLast((committed) => committed.committedIn < term)
    if (last !== undefined) this.#mustHave(leader, term, last.entry)
  }

  #commit(id: VoterId, entry: Entry<ClusterCommand>, term: Term): void {
    check(
      entry.index === this.lastIndex + 1,
      'state-machine-safety',
      () => `${id} applies ${entry.index} although ${this.lastIndex + 1} was never committed`,
    )
    this.#committed.push({ entry, by: id, committedIn: term, reply: undefined })
    let durable = 0
    for (const voter of this.#voters) {
      if (voter.durableEntryAt(entry.index)?.term === entry.term) durable++
      const leads = voter.leadsTerm()
      if (leads !== undefined && leads > term) this.#mustHave(voter, leads, entry)
    }
    check(
      durable * 2 > this.#voters.length,
      'durable-commit',
      () => `${id} applies ${entry.index}, which only ${durable} of ${this.#voters.length} voters have on disk`,
    )
    for (const voter of this.#voters) this.#mustNotWinWithout(voter, entry)
  }

  #mustNotWinWithout(candidate: ObservedVoter, entry: Entry<ClusterCommand>): void {
    if (candidate.durableEntryAt(entry.index)?.term === entry.term) return
    const end = candidate.durableEnd()
    let votes = 0
    for (const voter of this.#voters) {
      const { index, term } = voter.durableEnd()
      if (end.term > term || (end.term === term && end.index >= index)) votes++
    }
    check(
      votes * 2 <= this.#voters.length,
      'leader-completeness',
      () => `${candidate.id} could be elected without the committed entry ${entry.index} of term ${entry.term}`,
    )
  }

  #mustHave(leader: ObservedVoter, term: Term, entry: Entry<ClusterCommand>): void {
    check(
      leader.logEntryAt(entry.index)?.term === entry.term,
      'leader-completeness',
      () => `${leader.id} leads term ${term} without the committed entry ${entry.index} of term ${entry.term}`,
    )
  }
}
