// The consensus core's front door: the only file of this folder that others import.

export { ClaimExpiry, type ClaimExpiryOptions } from './claim-expiry.ts'
export { hasVote, isJoint, membersOf, votersOnly } from './configuration.ts'
export type {
  Effect,
  FollowerView,
  Input,
  Proposal,
  RaftEvent,
  RaftTimer,
  RaftView,
  Reconfiguration,
  RejectCode,
} from './core.ts'
export {
  type FeatureLevels,
  FIRST_LEVEL,
  featureLevels,
  type LevelFacts,
  levelOf,
  mayPropose,
  nextLevel,
} from './feature-level.ts'
export {
  type HostEffect,
  type HostInput,
  type HostPhase,
  type HostSetup,
  type HostTimer,
  SingletonHost,
  type StopReason,
} from './hosting.ts'
export { InvariantError } from './invariant.ts'
export type {
  Claim,
  ClaimCommand,
  Claimed,
  ClaimedThing,
  ClaimKind,
  ClaimRefusal,
  ClaimReply,
} from './machines/claim-commands.ts'
export {
  type ClusterBounds,
  ClusterMachine,
  type ClusterState,
  type Dissolution,
  defaultClusterBounds,
  type UserData,
} from './machines/cluster.ts'
export {
  type ClientCommand,
  type ClusterCommand,
  type ClusterReply,
  isOfClients,
  type MemberCommand,
  type RefusalReason,
  type SessionCommand,
  type SingletonRecord,
} from './machines/commands.ts'
export type { ConfigState } from './machines/config.ts'
export type {
  ConfigChange,
  ConfigCondition,
  ConfigOperation,
  ConfigRecord,
  ConfigRefusal,
  Revision,
  WriteCommand,
  WriteReply,
  WriteResult,
} from './machines/config-commands.ts'
export type { CountCommand, CounterRecord, CounterRefusal, CountReply } from './machines/counters.ts'
export type { Compacted, ConfigChanges, HistoryState } from './machines/history.ts'
export type { MergeOperation, WriterMark } from './machines/merging.ts'
export type { SessionPlace, SessionRefusal, SessionState } from './machines/sessions.ts'
export type { EndedSwitch, SwitchProposal, TopologyEpochState } from './machines/topology-epoch.ts'
export type { RaftMessage } from './messages.ts'
export {
  type RaftOptions,
  type RaftPreset,
  raftPresets,
  raftProblems,
  resolveRaftOptions,
} from './options.ts'
export { type Addressed, Outgoing } from './outgoing.ts'
export { majority } from './quorum.ts'
export { Raft } from './raft.ts'
export type { DropReason } from './receive.ts'
export { type BallotView, type Predecessor, paperRules, type RaftRules } from './rules.ts'
export type { RaftSetup } from './start.ts'
export type { ApplyMeta, StateMachine } from './state-machine.ts'
export type {
  Configuration,
  DurableState,
  Entry,
  HardState,
  LogEnd,
  LogIndex,
  Random,
  Role,
  Snapshot,
  Term,
  Voter,
  VoterId,
} from './types.ts'
export {
  decideVoters,
  defaultVoterPolicy,
  type MemberFacts,
  type VoterDecision,
  type VoterFacts,
  type VoterPolicyOptions,
  voterPolicyProblems,
} from './voter-policy.ts'
