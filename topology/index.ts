// The public face of this folder: everything that others may import is here, and nothing else is.

export {
  type Advice,
  Adviser,
  type AdviserOptions,
  adviserDefaults,
  adviserProblems,
  type JudgedCondition,
} from './adviser/adviser.ts'
export { type AdviceRule, adviceRules, type Condition as AdviceCondition } from './adviser/rules.ts'
export { type FigureName, type Figures, figureNames, type Situation } from './adviser/situation.ts'
export { ClientServer, clientServer } from './client-server/client-server.ts'
export type { ClientServerOptions } from './client-server/options.ts'
export type { Core, Effect, Input } from './core.ts'
export {
  Causal,
  type CausalEffect,
  type CausalInput,
  type CausalMessage,
  type CausalStamp,
  type Dependency,
} from './delivery/causal.ts'
export type { DeliveryDropReason, DeliveryEffect, DeliveryInput, StreamEnd } from './delivery/core.ts'
export { Delivery } from './delivery/delivery.ts'
export type { ChannelName, Envelope } from './delivery/envelope.ts'
export type { Acknowledgement, Floor, Incoming, Outgoing, Progress, Range } from './delivery/messages.ts'
export { MAX_FAILURES, MAX_RANGES } from './delivery/messages.ts'
export { type DeliveryOptions, deliveryPresets, deliveryProblems } from './delivery/options.ts'
export type { FailedReason } from './delivery/outbox.ts'
export { PIECE_BYTES, PieceFlow } from './delivery/pieces.ts'
export type {
  FormingDropReason,
  FormingEffect,
  FormingEvent,
  FormingInput,
  FormingState,
  FormingView,
} from './forming/core.ts'
export { Forming, type FormingSetup } from './forming/forming.ts'
export type { FormingMessage, Founder } from './forming/messages.ts'
export { type FormingOptions, formingProblems, resolveFormingOptions } from './forming/options.ts'
export { type FormingRules, formingRules, type RoundView, votersOf } from './forming/rules.ts'
export { FullMesh, type FullMeshOptions, fullMesh } from './full-mesh/full-mesh.ts'
export { hyParView } from './hyparview/definition.ts'
export { HyParView } from './hyparview/hyparview.ts'
export type { Adjacency, Candidate, HyParViewMessage } from './hyparview/messages.ts'
export {
  type HyParViewOptions,
  hyParViewDefaults,
  hyParViewProblems,
  resolveHyParViewOptions,
} from './hyparview/options.ts'
export { type HyParViewRules, hyParViewRules } from './hyparview/rules.ts'
export type { HyParViewSetup } from './hyparview/state.ts'
export { InvariantError } from './invariant.ts'
export type {
  Connectivity,
  Overlay,
  OverlayCodec,
  OverlayDefinition,
  OverlayEffect,
  OverlayEstimate,
  OverlayEvent,
  OverlayInput,
  OverlayParameters,
  OverlayRefusal,
  OverlaySetup,
} from './overlay.ts'
export {
  type PlumtreeDropReason,
  type PlumtreeEffect,
  type PlumtreeEvent,
  type PlumtreeInput,
  type PlumtreeRules,
  plumtreeRules,
} from './plumtree/core.ts'
export type { Announcement, BroadcastId, PlumtreeMessage } from './plumtree/messages.ts'
export {
  type PlumtreeOptions,
  plumtreeDefaults,
  plumtreeProblems,
  resolvePlumtreeOptions,
} from './plumtree/options.ts'
export { Plumtree, type PlumtreeSetup } from './plumtree/plumtree.ts'
export type { Onward, Passing, RelayEffect, RelayInput, RelayQuestions } from './relay/core.ts'
export { FollowedWays } from './relay/followed-ways.ts'
export { MAX_HOPS, Relay } from './relay/relay.ts'
export { servedBy } from './rendezvous.ts'
export type {
  EvidenceView,
  MemberChange,
  Suspector,
  SwimDropReason,
  SwimEffect,
  SwimEvent,
  SwimInput,
} from './swim/core.ts'
export { mergeRecords } from './swim/member-table.ts'
export type { AccusationKind, SwimMessage, Update } from './swim/messages.ts'
export {
  resolveSwimOptions,
  type SwimOptions,
  type SwimPreset,
  swimPresets,
  swimProblems,
} from './swim/options.ts'
export { compareIncarnations } from './swim/order.ts'
export { type RefusedCount, type SuspicionShape, type SwimRules, swimRules } from './swim/rules.ts'
export type { Signatures } from './swim/signatures.ts'
export { Swim, type SwimSetup } from './swim/swim.ts'
export type {
  AbortReason,
  LeaderEffect,
  LeaderEvent,
  LeaderInput,
  MemberEffect,
  MemberEvent,
  MemberInput,
  MemberPhase,
  MemberProgress,
  MemberReport,
  PastSwitch,
  PendingSwitch,
  SwitchCommand,
} from './switch/core.ts'
export { SwitchLeader } from './switch/leader.ts'
export { SwitchMember } from './switch/member.ts'
export type { SwitchMessage } from './switch/messages.ts'
export type { Condition, Incarnation, MemberId, MemberRecord, MemberState, Random } from './types.ts'
