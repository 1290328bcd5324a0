// What one voter knows: the record that the transition files share (figure 3.1, "state"). Each of them changes only the
// part that is named after it; term, vote and role change in `role.ts` alone.

import type { RaftLog } from './log.ts'
import type { RaftOptions } from './options.ts'
import type { Outbox } from './outbox.ts'
import type { Progress } from './progress.ts'
import type { BallotView, RaftRules } from './rules.ts'
import type { Configuration, HardState, LogIndex, Random, VoterId } from './types.ts'

export interface RaftState<Command> {
  readonly self: VoterId
  /** The configuration in force: the latest in the log (thesis section 4.1). */
  readonly configuration: Configuration
  readonly voters: readonly VoterId[]
  readonly options: RaftOptions
  readonly random: Random
  readonly rules: RaftRules

  /** All voters but this one. */
  readonly peers: readonly VoterId[]
  readonly log: RaftLog<Command>
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
  /** What the last `role` event said, so that each change is told once. */
  announced: string
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
}

export interface LeaderState {
  readonly type: 'leader'
  readonly since: number
  readonly progress: ReadonlyMap<VoterId, Progress>
  /** Rounds no majority has answered yet, oldest first; at most {@link maxOpenRounds}. */
  rounds: { readonly round: number; readonly sentAt: number }[]
  /** From when the latest round that a majority answered counts; undefined before the first, and after a time away. */
  quorumAt: number | undefined
  /** From when the majority's silence counts. */
  patientFrom: number
  /** When it won, or was last away: from then on its disk has had time to answer. */
  presentSince: number
}

/** Open rounds a leader remembers. The answer to a forgotten one counts for nothing, which is safe. */
export const maxOpenRounds = 64

export interface ElectionWait {
  /** How long silence is borne this time. */
  forMs: number
  /** When it ends; infinite for a leader. */
  until: number
  /** When the driver's timer fires; undefined when it is not set. */
  armedAt: number | undefined
  /** The leader whose connection is known to be gone. */
  doubted: VoterId | undefined
  /** Short waits that evidence still buys. */
  shortWaits: number
}

export interface DiskState {
  /** The last ticket given out, and the last confirmed. */
  ticket: number
  durable: number
  /** Term and vote of the last ticket. */
  written: HardState
}
