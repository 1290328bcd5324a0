// What one voter knows: the record that the transition files share (figure 3.1, "state"). Each of them changes only the
// part that is named after it; term, vote and role change in `role.ts` alone.

import type { Configurations } from './configuration.ts'
import type { RaftLog } from './log.ts'
import type { RaftOptions } from './options.ts'
import type { Outbox } from './outbox.ts'
import type { Progress } from './progress.ts'
import type { FollowerReads, LeaderReads } from './read-index.ts'
import type { BallotView, RaftRules } from './rules.ts'
import type { Snapshots } from './snapshot.ts'
import type { Transfer } from './transfer.ts'
import type { HardState, LogIndex, Random, Term, VoterId } from './types.ts'

export interface RaftState<Command> {
  readonly self: VoterId
  /** The log this member votes with. */
  readonly storeId: string
  readonly options: RaftOptions
  readonly random: Random
  readonly rules: RaftRules

  readonly log: RaftLog<Command>
  /** Who votes and who learns, as the log says. */
  readonly configurations: Configurations
  readonly outbox: Outbox<Command>

  /** Term and vote, as they are now. Invariant: the term only grows. */
  hardState: HardState
  role: RoleState

  /** Invariant: appliedIndex <= commitIndex <= lastIndex, and both only grow. */
  commitIndex: LogIndex
  appliedIndex: LogIndex

  /** Number of the last round or ballot this voter began; answers repeat it. */
  round: number
  readonly wait: ElectionWait
  readonly disk: DiskState
  readonly reads: FollowerReads
  readonly snapshots: Snapshots
  /** Leadership that is being handed over, from the question until a new leader is known or the time is up. */
  transfer: Transfer | undefined
  /** What the last `role` event said, so that each change is told once. */
  announced: { readonly role: RoleState['type']; readonly term: Term; readonly leader: VoterId | undefined } | undefined
  /** What the last `configuration` event said. */
  announcedConfiguration: { readonly index: LogIndex; readonly settled: boolean }
}

export type RoleState = FollowerState | CandidacyState | LeaderState

export interface FollowerState {
  readonly type: 'follower'
  /** The leader of this term, once heard. */
  readonly leader: VoterId | undefined
  /** When it was last heard. */
  heardAt: number
}

export interface CandidacyState {
  readonly type: 'pre-candidate' | 'candidate'
  readonly ballot: Ballot
}

export interface Ballot extends BallotView {
  readonly granted: VoterId[]
  /** Who said no, or cannot answer. */
  denied: VoterId[]
  /** The write with this candidate's term and vote; undefined until the step that made it ends, and in a pre-vote. */
  ticket: number | undefined
  /** Whether the voters have been asked. A candidate asks once its own vote is durable. */
  asked: boolean
  /** The log each member answered with. */
  readonly storeIds: Map<VoterId, string>
  /** The leader asked this voter to stand: it is no obstacle that the leader is heard. */
  readonly byTransfer: boolean
}

export interface LeaderState {
  readonly type: 'leader'
  readonly since: number
  /** Of everybody else in the configuration, and of who left it until that is committed. */
  readonly progress: Map<VoterId, Progress>
  readonly reads: LeaderReads
  /** Rounds no majority has answered yet, oldest first; at most {@link maxOpenRounds}. */
  rounds: { readonly round: number; readonly sentAt: number }[]
  /** The latest round that a majority answered; 0 before the first. */
  answeredRound: number
  /** From when the latest round that a majority answered counts; undefined before the first, and after a time away. */
  quorumAt: number | undefined
  /** From when the majority's silence counts. */
  patientFrom: number
  /** When it won, or was last away: from then on its disk has had time to answer. */
  presentSince: number
  /** When the next of the followers that wait for more is sent what there is; undefined: none waits. */
  sparesAt: number | undefined
  /**
   * The first round since it was last away. What waited for it meanwhile answers earlier ones, and says nothing of now.
   */
  presentRound: number
}

/** Open rounds a leader remembers. The answer to a forgotten one counts for nothing, which is safe. */
export const maxOpenRounds = 64

export interface ElectionWait {
  /** How long silence is borne this time. */
  forMs: number
  /** It is the first wait of this life. */
  isFirst: boolean
  /** When it ends; infinite for a leader. */
  until: number
  /** When the driver's timer fires; undefined when it is not set. */
  armedAt: number | undefined
  /** The leader whose connection is known to be gone. */
  doubted: VoterId | undefined
  /** Whoever it is has connected again: it may answer, though it need not lead any more. */
  isDoubtedBack: boolean
  /** Short waits that evidence still buys. */
  shortWaits: number
  /** When it granted its last vote to another. */
  votedAt: number
}

export interface DiskState {
  /** The last ticket given out, and the last confirmed. */
  ticket: number
  durable: number
  /** Term and vote of the last ticket. */
  written: HardState
}
