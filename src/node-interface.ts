// What a running node shows to whoever holds it: the API's users, the admin server, the command line. `node.ts`
// implements it. The views below are the JSON of the admin API to the letter (`GET /v1/status`, `GET /v1/members`), so
// that the same thing never has two shapes. Members stand in them by name; ids stand only in fields called `id`.

import type { Advice } from '../topology/index.ts'
import type { Channel } from './channels/channel.ts'
import type { ChannelName } from './channels/lane.ts'
import type { NodeConfig } from './coordination/config-interface.ts'
import type { NodeLeadership } from './coordination/leadership.ts'
import type {
  NodeBarriers,
  NodeCounters,
  NodeElections,
  NodeLocks,
  NodeSemaphores,
} from './coordination/lease-interface.ts'
import type { NodeSingletons } from './coordination/singleton-interface.ts'
import type { ClusterError } from './errors.ts'
import type { FederationView } from './federation/federation.ts'
import type { LinkMap } from './link-survey/link-map.ts'
import type { MergeOptions, MergeReport } from './merging/merge-interface.ts'
import type { Services } from './services/service-interface.ts'
import type { SwitchOptions, SwitchReport } from './switching/report.ts'
import type { Vsm } from './vsm/subsystem.ts'
import type { WhyView } from './why/why-interface.ts'

/** How the cluster sees a member. `suspect` may still refute it; `left` went deliberately. */
export type MemberViewState = 'alive' | 'suspect' | 'down' | 'left'

/** What a member says of itself, or (`stalled`) what its prober learned from its liveness worker. */
export type MemberViewCondition = 'ok' | 'stalled' | 'draining'

/** One entry of `GET /v1/members`. */
export interface MemberView {
  /** The libp2p PeerId of the member's key. */
  readonly id: string
  readonly name: string
  /** `host:port` that others dial. */
  readonly address: string
  readonly state: MemberViewState
  readonly condition: MemberViewCondition
  /** Grows with every life of the member and every refutation within one; see {@link incarnationNumber}. */
  readonly incarnation: number
  readonly roles: readonly string[]
  /** Empty: none given. */
  readonly zone: string
}

/** `none`: this member is no voter, it uses the log through one. */
export type ConsensusRole = 'leader' | 'candidate' | 'pre-candidate' | 'follower' | 'learner' | 'none'

/** As this node knows it; on the host itself `active` only while its lease holds. Without a host: `inactive`. */
export type S5Phase = 'inactive' | 'activating' | 'active' | 'draining'

/** `stable`: no switch is under way. The others are the phases of a switch. */
export type TopologyPhase = 'stable' | 'preparing' | 'verifying' | 'draining'

/** `GET /v1/status`: the cluster as this one node knows it. */
export interface NodeStatus {
  readonly node: {
    readonly id: string
    readonly name: string
    readonly address: string
    readonly roles: readonly string[]
    readonly condition: MemberViewCondition
  }
  readonly cluster: {
    /** Null until this node knows its cluster; it may still have to be admitted. */
    readonly id: string | null
    readonly name: string
    /** Members that have not left: alive, suspect and down. */
    readonly size: number
    readonly alive: number
  }
  readonly topology: { readonly name: string; readonly epoch: number; readonly phase: TopologyPhase }
  readonly consensus: {
    readonly role: ConsensusRole
    readonly term: number
    readonly leader: string | null
    readonly commitIndex: number
    /** A majority of the voters stands behind the leader, as far as this node knows. */
    readonly quorum: boolean
    readonly voters: readonly string[]
    /** Names of those that hold the log without a vote, until they are promoted. */
    readonly learners: readonly string[]
  }
  readonly s5: {
    readonly host: string | null
    readonly phase: S5Phase
    /** The log index of the entry that activated `host`. Null while there is no active host. */
    readonly fencingToken: number | null
  }
}

/**
 * One link of this node, as `GET /v1/topology` lists it. `links()` of {@link NodeTopology} asks the others for theirs.
 */
export interface LinkView {
  /** The name of the member at the other end. */
  readonly peer: string
  /**
   * Why there is a link, the strongest reason: the overlay wants it, both ends are voters, or somebody asked for it.
   */
  readonly kind: 'overlay' | 'pinned' | 'on-demand'
  readonly channels: readonly string[]
  /** Both ends are voters: they stay linked in every topology. */
  readonly pinned: boolean
}

/** `GET /v1/topology`. */
export interface TopologyView {
  readonly name: string
  readonly epoch: number
  readonly phase: TopologyPhase
  readonly links: readonly LinkView[]
  /** The last switches, oldest first: those of the log on a voter, else those that this node saw. */
  readonly history: readonly TopologySwitchView[]
}

/** A switch of the topology that is over. */
export interface TopologySwitchView {
  /** The epoch of the cluster after it. */
  readonly epoch: number
  readonly from: string
  readonly to: string
  readonly outcome: 'committed' | 'aborted'
  /** Why it was aborted; null when it was committed. */
  readonly reason: string | null
  /** Wall-clock time in milliseconds since the epoch, for people only. */
  readonly at: number
}

/** The overlay of the cluster, and how to switch to another one while traffic flows. */
export interface NodeTopology {
  /** Exactly the JSON of `GET /v1/topology`. */
  view(): TopologyView
  /**
   * Switches the whole cluster to the overlay `name` and resolves when the switch has ended, committed or aborted, and
   * every member that is there has adopted that; to the same one it resolves at once (`already-current`). No
   * acknowledged message is lost by it. Rejects with `ERR_BAD_OPTIONS`, `ERR_UNKNOWN_TOPOLOGY`,
   * `ERR_SWITCH_IN_PROGRESS`, `ERR_TOPOLOGY_MISMATCH`, `ERR_NO_SERVER_NODES`, `ERR_NO_QUORUM` (with `mayHaveHappened`
   * when it was lost on the way), `ERR_ABORTED`, `ERR_SHUTTING_DOWN`.
   */
  switch(name: string, options?: SwitchOptions): Promise<SwitchReport>
  /**
   * What the adviser would do now, by what this node has measured in its last whole minute, with the rule that decided
   * and its figures; `docs/topologies.md` has the rules. Asking switches nothing. Exactly the JSON of
   * `GET /v1/topology/advice`.
   */
  advise(): Advice
  /**
   * The links between all members, as they tell them now; who does not answer within `timeoutMs` (2,000 each) is named.
   * At most 400 members are asked, 64 where everybody links to everybody. Rejects with `ERR_ABORTED`. Exactly the JSON
   * of `GET /v1/topology/links`.
   */
  links(options?: WaitOptions): Promise<LinkMap>
}

/** One change of the member table. */
export type MemberChange =
  | { readonly type: 'added'; readonly member: MemberView; readonly previous: undefined }
  | { readonly type: 'changed'; readonly member: MemberView; readonly previous: MemberView }
  /** Forgotten: the bound on remembered members was reached. A member that left or went down is `changed` first. */
  | { readonly type: 'removed'; readonly member: MemberView; readonly previous: undefined }

/** Everything a node tells its observers. `at` is wall-clock time in milliseconds since the epoch, for people only. */
export type ClusterEvent =
  | { readonly type: 'member'; readonly at: number; readonly change: MemberChange }
  | { readonly type: 'leader'; readonly at: number; readonly leader: string | null; readonly term: number }
  | {
      readonly type: 's5'
      readonly at: number
      readonly host: string | null
      readonly phase: S5Phase
      readonly fencingToken: number | null
    }
  /**
   * This node's part in a switch: a phase began, or it ended. `name` and `epoch` are what it routes by now, `to` is
   * where it goes.
   */
  | {
      readonly type: 'switch'
      readonly at: number
      readonly phase: TopologyPhase | 'committed' | 'aborted'
      readonly name: string
      readonly epoch: number
      readonly to: string
    }
  /**
   * Told by the leader alone: by `topologyAuto` it now orders the switch that is due, by this rule of the adviser, for
   * this reason.
   */
  | {
      readonly type: 'advice'
      readonly at: number
      readonly from: string
      readonly to: string
      readonly rule: string
      readonly because: string
    }
  /** A link to `peer` (its name, or its id before the name is known) came up or went; `reason` says why it went. */
  | {
      readonly type: 'link'
      readonly at: number
      readonly peer: string
      readonly state: 'up' | 'down'
      readonly reason: string | undefined
    }
  /**
   * What is sent to `peer` on `channel` waits, or waits no more: for the `consumer`, whose handlers are slow, or for
   * the `link`, which takes no more. Told at most once a second for each peer and channel; the channel's own `onEvent`
   * tells all.
   */
  | {
      readonly type: 'congestion'
      readonly at: number
      readonly channel: ChannelName
      readonly peer: string
      readonly state: 'congested' | 'relieved'
      readonly cause: 'consumer' | 'link'
    }

export interface ClusterEvents {
  /**
   * Calls `listener` synchronously for every event from now on, until the result is disposed. A listener must not
   * throw.
   */
  subscribe(listener: (event: ClusterEvent) => void): Disposable
}

/** Seen from the node that suffers the fault: what it hears, what it says, or both. */
export type FaultDirection = 'in' | 'out' | 'both'

/** What {@link Faults.set} takes; what is left out is nothing. */
export interface FaultRequest {
  /** Names (or ids) of members to and from whom nothing passes any more, at most 1,000. */
  readonly block?: readonly string[]
  /** Which way is cut. Default `both`. */
  readonly direction?: FaultDirection
  /** Milliseconds for which the event loop stands still, once, at most 600,000. It begins 20 ms later. */
  readonly stallMs?: number
}

/** The faults that a node suffers on request. `stallMs` is 0 again once the stall has begun. */
export interface FaultsView {
  readonly block: readonly string[]
  readonly direction: FaultDirection
  readonly stallMs: number
}

/** Faults on request, for tests and rehearsals; see the option `allowFaults`. */
export interface Faults {
  /**
   * Replaces what was set, and answers what holds now. Throws `ERR_FAULTS_NOT_ALLOWED`, `ERR_UNKNOWN_MEMBER`,
   * `ERR_BAD_REQUEST`. What a cut holds back arrives, in order, when it is healed.
   */
  set(request: FaultRequest): FaultsView
  /** Ends all of them. Throws `ERR_FAULTS_NOT_ALLOWED`. */
  clear(): FaultsView
  current(): FaultsView
}

export interface WaitOptions {
  /** Ends the wait early with `ERR_ABORTED`. */
  readonly signal?: AbortSignal
  /** Milliseconds until the call gives up, above 0; `Infinity`: never. */
  readonly timeoutMs?: number
}

/** A running node, as `createNode` makes it. */
export interface TrellisNode extends AsyncDisposable {
  readonly id: string
  readonly name: string
  /** `host:port` that others dial. */
  readonly address: string
  /** `http://127.0.0.1:7501`, or undefined when no admin address was given. */
  readonly admin: string | undefined
  /** Exactly the JSON of `GET /v1/status`. */
  status(): NodeStatus
  /** Exactly the entries of `GET /v1/members`, this node included. */
  members(): readonly MemberView[]
  /** Exactly the `links` of `GET /v1/topology`: the links of this node that are up, by name. */
  links(): readonly LinkView[]
  /**
   * Yields each change of the member table, from the first read on, until `signal` aborts or the node stops; what is
   * there already is not a change.
   */
  watchMembers(options?: { readonly signal?: AbortSignal }): AsyncIterable<MemberChange>
  readonly events: ClusterEvents
  readonly topology: NodeTopology
  /** Refuses, unless the node was started with `allowFaults`. */
  readonly faults: Faults
  /**
   * What all members believe of `member` (a name or an id), and on what evidence, in causal order. Who does not answer
   * within `timeoutMs` (2,000) is named. Rejects with `ERR_UNKNOWN_MEMBER`, `ERR_ABORTED`.
   */
  why(member: string, options?: WaitOptions): Promise<WhyView>
  /** Subsystems of the Viable System Model; today S5, hosted where the leader is. */
  readonly vsm: Vsm
  /** What the whole cluster agrees on: keys, values, revisions. */
  readonly config: NodeConfig
  /** Held by one at a time, for the whole cluster; with fencing tokens. */
  readonly locks: NodeLocks
  /** Held by a few at a time. */
  readonly semaphores: NodeSemaphores
  readonly elections: NodeElections
  readonly barriers: NodeBarriers
  /** Handing leadership over. */
  readonly leadership: NodeLeadership
  /**
   * All that the cluster has agreed on, as the bytes of one file for `trellis restore`; whatever was acknowledged
   * before the call is in it. On a voter; elsewhere `ERR_BAD_REQUEST`. `ERR_NO_QUORUM`, `ERR_TIMEOUT`, `ERR_ABORTED`.
   */
  backup(options?: WaitOptions): Promise<Uint8Array>
  /**
   * Merges this node's cluster with the one that a member at `address` belongs to: both formed separately, under one
   * name and secret. The members of one go over to the other; its log and data are dropped. What was begun is ended
   * when it is asked again. Rejects with `ERR_MERGE_REFUSED`, `ERR_NO_QUORUM` (of either), `ERR_NOT_LEADER`,
   * `ERR_UPGRADE_PENDING`, `ERR_TIMEOUT`, `ERR_ABORTED`, and as a join does when nobody can be visited there.
   */
  merge(address: string, options?: MergeOptions): Promise<MergeReport>
  /** What runs in one place of the cluster, and is called by its name. */
  readonly singletons: NodeSingletons
  /** Services found and called by name, wherever they run. */
  readonly services: Services
  /** What this member does as a gateway to other clusters. */
  federation(): FederationView
  /** One of the four channels: `coordination`, `events`, `gossip`, `data`. Throws `ERR_UNKNOWN_CHANNEL`. */
  channel(name: string): Channel
  /**
   * Resolves once this node is a member and knows a leader and the members it is linked to (for these it waits a second
   * at most); a node with `expect` gets there when its co-founders run. Rejects with `ERR_TIMEOUT` (default 60,000 ms),
   * `ERR_ABORTED`, `ERR_SHUTTING_DOWN`, or the error that stopped the node.
   */
  ready(options?: WaitOptions): Promise<void>
  /**
   * Resolves, once, if the node had to stop by itself (`ERR_DATA_ROLLED_BACK`, `ERR_DISK`, `ERR_NAME_TAKEN`, …). Never
   * rejects.
   */
  readonly fatal: Promise<ClusterError>
  /**
   * The cluster's counters, by name: whole numbers that everybody adds to. Called like a function, it answers this
   * process's own counts instead: refused handshakes by reason, dropped messages by reason, and so on. They only grow.
   */
  readonly counters: NodeCounters & (() => Readonly<Record<string, number>>)
  /**
   * Announces `draining` to every member, for good: nobody should give it new work. It stays a member, and a leader
   * leads on. It waits for nobody. Idempotent.
   */
  drain(options?: WaitOptions): Promise<void>
  /**
   * Drains, gives up its vote where another member can take it, tells the others that it goes, who see it as `left` and
   * never as a failure, and stops. It may come back. Idempotent. Rejects with `ERR_ABORTED` or `ERR_TIMEOUT`: then it
   * is still on its way out, or, given up before it began to stop, a member that drains.
   */
  leave(options?: WaitOptions): Promise<void>
  /** Stops; a later start with the same data directory is the same member. Idempotent; afterwards no handle is left. */
  stop(options?: WaitOptions): Promise<void>
}

/** Refutations that fit below one generation in {@link incarnationNumber}. More than 1,000,000 in one life saturate. */
const refutationsPerGeneration = 2 ** 20

/**
 * An incarnation as one number: `generation * 2^20 + refutation`. Of one member the larger is the newer; numbers of
 * different members do not compare. Exact up to generation 2^33.
 */
export function incarnationNumber(incarnation: { readonly generation: number; readonly refutation: number }): number {
  const refutation = Math.min(incarnation.refutation, refutationsPerGeneration - 1)
  return incarnation.generation * refutationsPerGeneration + refutation
}
