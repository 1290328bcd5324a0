// What one simulated voter is given: its world, its tuning, and what is wrong with it on purpose.

import type {
  ClaimExpiry,
  ClusterCommand,
  ClusterReply,
  FeatureLevels,
  MemberFacts,
  RaftMessage,
  RaftOptions,
  RaftRules,
  RaftView,
  VoterId,
  VoterPolicyOptions,
} from '../../../consensus/index.ts'
import type { SimulatedDisk } from './disk.ts'
import type { Observed, Oracle } from './oracle.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'
import type { PlanningClock } from './virtual-timers.ts'

/** What a machine makes of a command, given what it should do. */
export type Misapplication = (command: ClusterCommand, apply: (command: ClusterCommand) => ClusterReply) => ClusterReply
/** What a driver makes of a message that came, given what its Raft knows. */
export type Misreading = (message: RaftMessage<ClusterCommand>, view: RaftView) => RaftMessage<ClusterCommand>

export interface VoterSetup {
  readonly self: Observed
  readonly disk: SimulatedDisk
  readonly clock: PlanningClock
  readonly schedule: Schedule
  readonly random: Prng
  readonly oracle: Oracle
  readonly options: RaftOptions
  readonly rules: RaftRules
  /** A planted bug: answers that a write is durable before it is. */
  readonly acknowledgesUnflushed: boolean
  /** A planted bug: the machine is captured some time after it was to be. */
  readonly capturesLate: boolean
  /** A planted bug: what a snapshot lacks. */
  readonly capturesWithout: 'sessions' | undefined
  /** A planted bug: a received snapshot is called durable before it is. */
  readonly storesUnflushed: boolean
  /** A planted bug: what the driver makes of a message before Raft sees it. */
  readonly misreads: Misreading | undefined
  /** A planted bug: what the machine does with a command. */
  readonly misapplies: Misapplication | undefined
  /** The leader's judgement on leases, and the clock it goes by. */
  readonly expiry: ClaimExpiry
  readonly leaseClock: () => number
  /** What this release can apply. */
  readonly levels: FeatureLevels
  /** A planted bug: the level is raised without asking everybody. */
  readonly raisesLevelAlone: boolean
  /** Runs work of this life as one turn of the process, when it can run. */
  readonly enter: (work: () => void) => void
  readonly send: (to: VoterId, message: RaftMessage<ClusterCommand>) => void
  readonly note: (event: string, detail: unknown) => void
  /** It may host S5. */
  readonly mayHost: () => boolean
  /** What membership says about everybody, for the choice of voters. */
  readonly members: () => readonly MemberFacts[]
  /** Voters are chosen as the policy has it. */
  readonly policy: VoterPolicyOptions
  /** Whether Raft knows a leader; called after every step. */
  readonly leaderKnown: (isKnown: boolean) => void
}
