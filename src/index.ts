// The public API: everything a user imports from the package's root.

export type { Advice, AdviserOptions, Figures, JudgedCondition } from '../topology/index.ts'
export type {
  Channel,
  ChannelEvent,
  ChannelStats,
  LaneView,
  LatencyView,
  Message,
  MessageHandler,
  OnFull,
  Receipt,
  Recipient,
  RequestHandler,
  SendManyReceipt,
  SendOptions,
} from './channels/channel.ts'
export type { ChannelName } from './channels/lane.ts'
export type { JsonInput, JsonValue, Payload, Sendable } from './channels/payload.ts'
export type { RequestOptions } from './channels/requests.ts'
export type {
  ConfigCallOptions,
  ConfigCheck,
  ConfigDeleteOptions,
  ConfigEntry,
  ConfigEvent,
  ConfigHistory,
  ConfigList,
  ConfigReadOptions,
  ConfigStep,
  ConfigTransaction,
  ConfigTransactionResult,
  ConfigWatch,
  ConfigWatchOptions,
  ConfigWriteOptions,
  NodeConfig,
  OfflineCounter,
  OfflineKey,
  OfflineSet,
  OfflineValue,
} from './coordination/config-interface.ts'
export { type FenceOptions, fence, type ResourceFence } from './coordination/fence.ts'
export type { NodeLeadership, TransferRequest, TransferView } from './coordination/leadership.ts'
export type {
  ClaimView,
  ElectedLeader,
  ElectionOptions,
  Grant,
  Lease,
  LeaseOptions,
  NodeBarriers,
  NodeCounters,
  NodeElections,
  NodeLocks,
  NodeSemaphores,
} from './coordination/lease-interface.ts'
export { leaseMarginMs } from './coordination/lease-time.ts'
export type { Replica, Replication } from './coordination/replication.ts'
export type {
  HostedSingleton,
  NodeSingletons,
  SingletonFactory,
  SingletonHandle,
  SingletonHolder,
} from './coordination/singleton-interface.ts'
export type { SchemaIssue, SchemaResult, StandardSchema } from './coordination/standard-schema.ts'
export type { CoordinationEngine } from './coordination/store.ts'
export { type Announcement, type Discovery, MAX_SEEDS, type ReportTrouble } from './discovery/discovery.ts'
export { type DnsPace, dnsDiscovery } from './discovery/dns.ts'
export { staticDiscovery } from './discovery/static.ts'
export { ClusterError, type ClusterErrorOptions, type ErrorCode, type ErrorDetails, isClusterError } from './errors.ts'
export type { FederationView } from './federation/federation.ts'
export type { FederationOptions } from './federation/federation-options.ts'
export type { LinkMap, MappedLink } from './link-survey/link-map.ts'
export type { MergeOptions, MergeReport } from './merging/merge-interface.ts'
export { createNode } from './node.ts'
export {
  type ClusterEvent,
  type ClusterEvents,
  type ConsensusRole,
  type FaultDirection,
  type FaultRequest,
  type Faults,
  type FaultsView,
  incarnationNumber,
  type LinkView,
  type MemberChange,
  type MemberView,
  type MemberViewCondition,
  type MemberViewState,
  type NodeStatus,
  type NodeTopology,
  type S5Phase,
  type TopologyPhase,
  type TopologySwitchView,
  type TopologyView,
  type TrellisNode,
  type WaitOptions,
} from './node-interface.ts'
export type { LogFields, Logger, LogLevel } from './observability/logger.ts'
export type { AdminTokens, NodeOptions, Profile, TopologyName } from './options.ts'
export type { CallEdge } from './services/call-edges.ts'
export {
  type ContractClient,
  type ContractHandlers,
  type ServiceContract,
  type ServiceMethod,
  type ServiceMethods,
  service,
} from './services/contract.ts'
export type { HealthCheck, HealthPace } from './services/health.ts'
export type {
  BalanceStrategy,
  CallGraph,
  ServiceCallContext,
  ServiceCallOptions,
  ServiceChange,
  ServiceHandler,
  ServiceHealth,
  ServiceImpact,
  ServiceInstance,
  ServiceOptions,
  ServiceQuery,
  ServiceRegistration,
  Services,
} from './services/service-interface.ts'
export type { SwitchNodeReport, SwitchOptions, SwitchPlan, SwitchReport } from './switching/report.ts'
export type { TransportContext, TransportName, TransportProvider } from './transport/provider.ts'
export type { S5, S5Command, Subsystem, SubsystemFactory, UnitFactory, UnitName, Vsm } from './vsm/subsystem.ts'
export type {
  AbsenceEvidence,
  Accuser,
  Belief,
  Evidence,
  LeaderEvidence,
  LinkEvidence,
  Unanswered,
  VerdictEvidence,
  WhyView,
} from './why/why-interface.ts'
