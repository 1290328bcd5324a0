// What the cluster has committed, as an observer outside of it sees it: the first apply at an index fixes that index
// for ever. From this follow three properties.
//
// State-machine safety (thesis section 3.6.3): nobody ever applies another entry at that index, nor gets another reply.
// Leader completeness (section 3.6.2): every leader of a later term has the entry.
// Durable commit: at the moment of the first apply a majority has the entry on disk, so that no crash can lose it;
// while voters are being replaced (chapter 4), a majority of what some leader or the one that applies it goes by; or of
// what the entry before it was committed by: a voter that applies in several steps may have heard of other voters since
// it heard that both are committed.
//
// Leader completeness is also checked at its cause, long before an election goes wrong: by what the disks hold when an
// entry is committed, nobody without it could win one, with the configuration on its own disk. And of two changes of
// voters the first is committed before the second is appended (section 4.3).

import type {
  ClusterCommand,
  Configuration,
  Entry,
  LogIndex,
  Term,
  Voter,
  VoterId,
} from '../../../../consensus/index.ts'
import { hasVote } from '../../../../consensus/index.ts'
import { check } from '../failure.ts'

/** A voter, as far as these checks must see into it. */
export interface ObservedVoter {
  readonly id: VoterId
  /** The log it votes with. */
  readonly storeId: string
  /** The configuration its Raft goes by; undefined while it runs none. */
  readonly configuration: Configuration | undefined
  /** The configuration it would go by after a crash; undefined: it holds no log. */
  durableConfiguration(): Configuration | undefined
  /** Its log in memory, by index. */
  logEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined
  /** Its log as a crash at this instant would leave it. */
  durableEntryAt(index: LogIndex): Entry<ClusterCommand> | undefined
  /**
   * What its disk had there, and under which name, when it lost its log: that was durable, as far as anybody could
   * know.
   */
  lostTermAt(index: LogIndex): { readonly storeId: string; readonly term: Term } | undefined
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
  readonly #configured: Entry<ClusterCommand>[] = []
  /** What the last entry was committed by. */
  #agreedBy: Configuration | undefined
  readonly #holders: () => readonly ObservedVoter[]

  /** `holders`: everybody who holds the log of the one cluster. */
  constructor(holders: () => readonly ObservedVoter[]) {
    this.#holders = holders
  }

  /** Changes of voters and learners that were committed, their joint parts too. */
  get reconfigurations(): number {
    return this.#configured.length
  }

  /** The latest configuration committed at or before `index`; undefined: the first one still holds. */
  configurationAt(index: LogIndex): Configuration | undefined {
    return this.#configured.findLast((entry) => entry.index <= index)?.configuration
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
      known.entry.term === entry.term && isSame(known.entry, entry),
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
   * of these entries proves the rest. (A late reply may elect the leader of a term that is over; it owes the newer
   * nothing.)
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
    if (entry.configuration !== undefined) this.#reconfigured(entry, entry.configuration)
    const holders = this.#holders()
    const durable = new Set<string>()
    const inForce: Configuration[] = []
    for (const voter of holders) {
      if (voter.durableEntryAt(entry.index)?.term === entry.term) durable.add(voter.storeId)
      const lost = voter.lostTermAt(entry.index)
      if (lost?.term === entry.term) durable.add(lost.storeId)
      const leads = voter.leadsTerm()
      if (leads !== undefined && leads > term) this.#mustHave(voter, leads, entry)
      if (voter.configuration !== undefined && (leads !== undefined || voter.id === id)) {
        inForce.push(voter.configuration)
      }
    }
    if (entry.configuration === undefined && this.#agreedBy !== undefined) inForce.push(this.#agreedBy)
    this.#agreedBy = inForce.find((configuration) => isMajority(configuration, ({ storeId }) => durable.has(storeId)))
    check(
      this.#agreedBy !== undefined,
      'durable-commit',
      () => `${id} applies ${entry.index}, which only ${[...durable].join(' ')} have on disk`,
    )
    for (const holder of holders) this.#mustNotWinWithout(holder, entry, holders)
  }

  #reconfigured(entry: Entry<ClusterCommand>, configuration: Configuration): void {
    const before = this.#configured.at(-1)?.configuration
    const wasJoint = before !== undefined && before.outgoing.length > 0
    check(
      !wasJoint || (configuration.outgoing.length === 0 && namesOf(configuration.voters) === namesOf(before.voters)),
      'one-change-at-a-time',
      () => `${JSON.stringify(configuration)} at ${entry.index} follows the joint ${JSON.stringify(before)}`,
    )
    this.#configured.push(entry)
  }

  #mustNotWinWithout(candidate: ObservedVoter, entry: Entry<ClusterCommand>, holders: readonly ObservedVoter[]): void {
    if (candidate.durableEntryAt(entry.index)?.term === entry.term) return
    const configuration = candidate.durableConfiguration()
    if (configuration === undefined || !hasVote(configuration, candidate.id, candidate.storeId)) return
    const end = candidate.durableEnd()
    const willing = new Set<string>()
    for (const voter of holders) {
      const { index, term } = voter.durableEnd()
      if (end.term > term || (end.term === term && end.index >= index)) willing.add(voter.storeId)
    }
    check(
      !isMajority(configuration, ({ storeId }) => willing.has(storeId)),
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

/**
 * Whether those who agree are a majority of the voters, and of the outgoing ones while there are any. Written here
 * anew, for the core's own count is what is checked.
 */
export function isMajority({ voters, outgoing }: Configuration, agrees: (voter: Voter) => boolean): boolean {
  const isMost = (list: readonly Voter[]): boolean => list.filter(agrees).length * 2 > list.length
  return isMost(voters) && (outgoing.length === 0 || isMost(outgoing))
}

function namesOf(voters: readonly Voter[]): string {
  return voters.map(({ id, storeId }) => `${id}/${storeId}`).join(' ')
}

/** Messages carry what an entry holds by reference. */
function isSame(one: Entry<ClusterCommand>, other: Entry<ClusterCommand>): boolean {
  return one.command === other.command && one.configuration === other.configuration
}
