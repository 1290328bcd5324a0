// What one simulated voter is given: its world, its tuning, and what is wrong with it on purpose.

import {
  type ClaimExpiry,
  type ClusterCommand,
  type ClusterReply,
  type FeatureLevels,
  type MemberFacts,
  type Proposal,
  Raft,
  type RaftMessage,
  type RaftOptions,
  type RaftRules,
  type RaftView,
  type Snapshot,
  type VoterId,
  type VoterPolicyOptions,
  votersOnly,
} from '../../../consensus/index.ts'
import { VoterTurn } from '../../coordination/voter-turn.ts'
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
  /** The judgement on leases, and the clock it goes by. */
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

/** A turn of the event loop takes no longer. */
const LONGEST_TURN_MS = 0.5

/** Raft on what the disk holds. */
export function raftOf(
  { self, disk, options, random, rules }: VoterSetup,
  restored: Snapshot | undefined,
): Raft<ClusterCommand> {
  return new Raft<ClusterCommand>({
    self: self.id,
    storeId: disk.logStoreId,
    configuration: disk.header ?? votersOnly([]),
    durable: {
      hardState: disk.hardState,
      entries: [...disk.entries],
      base: disk.base,
      ...(restored !== undefined && { snapshot: restored }),
    },
    options,
    random: random.next,
    rules,
  })
}

/** What the running node gathers in a turn, with turns that end a little later. */
export function turnOf(
  { self, schedule, random, oracle, options, enter, send }: VoterSetup,
  propose: (proposals: readonly Proposal<ClusterCommand>[]) => void,
): VoterTurn {
  return new VoterTurn({
    clock: { setImmediate: (work) => schedule.after(random.between(0, LONGEST_TURN_MS), work) },
    turn: { enter },
    maxEntries: options.maxEntriesPerAppend,
    propose,
    onSent: () => {},
    onApplied: () => {},
    onAppliedOfClients: () => {},
    send: (to, message) => {
      oracle.sentRaft(self, to, message)
      send(to, message)
    },
  })
}
