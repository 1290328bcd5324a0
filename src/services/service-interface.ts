// Services found and called by name, wherever they run: what users of `node.services` see. Instances are known to every
// member; a name says what is offered, never where.

import type { JsonInput, JsonValue } from '../channels/payload.ts'
import type { MemberViewCondition, MemberViewState, WaitOptions } from '../node-interface.ts'
import type { CallEdge } from './call-edges.ts'
import type { ContractClient, ContractHandlers, ServiceContract, ServiceMethods } from './contract.ts'
import type { HealthCheck } from './health.ts'

/**
 * `degraded`: it serves, though something it depends on does not. `critical`: it fails its health check and gets no
 * calls.
 */
export type ServiceHealth = 'passing' | 'degraded' | 'critical'

/** One offer of one member, as every member knows it; an entry of `GET /v1/services`. */
export interface ServiceInstance {
  /** Unique in the cluster, for this life of the instance. */
  readonly id: string
  readonly name: string
  /** Keeps equal names apart. Default empty. */
  readonly namespace: string
  /** Name of the member that owns it. */
  readonly member: string
  /** A semantic version. */
  readonly version: string
  readonly capabilities: readonly string[]
  readonly zone: string
  /** Share of the calls under the strategy `weighted`, and of keys under `consistent-hash`. */
  readonly weight: number
  readonly metadata: Readonly<Record<string, string>>
  /** `host:port` where programs that are not members reach it; empty: only calls reach it. */
  readonly address: string
  readonly dependsOn: readonly string[]
  readonly health: ServiceHealth
  /**
   * The cluster that it is in; empty: this one. One of another cluster is called by way of `member`, a gateway of this
   * one.
   */
  readonly cluster: string
  /** How the cluster sees the member: while it is `suspect` its instances are the last to be called. */
  readonly state: MemberViewState
  /** A `draining` or `stalled` member gets no new calls while there is another. */
  readonly condition: MemberViewCondition
}

/** What an instance says of itself. All of it together at most 4,096 bytes as JSON. */
export interface ServiceOptions {
  /** Semantic version. Default `0.0.0`. */
  readonly version?: string
  /** At most 32 words. */
  readonly capabilities?: readonly string[]
  /** Any word but `trellis`, where the nodes offer what is their own. */
  readonly namespace?: string
  /** Default: the node's. */
  readonly zone?: string
  /** 0 to 1,000,000; 0 gets no calls while another has more. Default 100. */
  readonly weight?: number
  /** At most 32 texts by key. */
  readonly metadata?: Readonly<Record<string, string>>
  /** `HOST:PORT` for programs that are not members. Default none. */
  readonly address?: string
  /** Names of services, in its own namespace or in none, without which this one is `degraded`. At most 32. */
  readonly dependsOn?: readonly string[]
  /** How its health is found out. Default: it passes until {@link ServiceRegistration.update} says otherwise. */
  readonly health?: HealthCheck
  /** Calls that may run at once; past that they are refused with `ERR_BUFFER_FULL`, and go elsewhere. Default 256. */
  readonly concurrency?: number
}

/** What a handler is told beside its argument. */
export interface ServiceCallContext {
  /** Name of the member that calls. */
  readonly from: string
  /** Aborts when the caller gave up, or its deadline passed. */
  readonly signal: AbortSignal
  /** Milliseconds until the caller gives up, when the call came. */
  readonly deadlineMs: number
}

/**
 * One method. What it returns, or resolves to, travels as JSON; what it throws reaches the caller as
 * `ERR_HANDLER_FAILED`, or as the ClusterError that it is. Called by {@link Services.stream} it returns an iterable, of
 * which items are taken as the caller reads them: it is at most 129 items ahead, and its `finally` runs when the caller
 * stops. It may name the type that it expects, which nothing checks: a {@link ServiceContract} does.
 */
export type ServiceHandler = { handle(argument: JsonInput, context: ServiceCallContext): unknown }['handle']

/** An instance of this node, until it is disposed. */
export interface ServiceRegistration extends Disposable {
  readonly id: string
  /** Changes what it says of itself. Throws `ERR_BAD_OPTIONS`. */
  update(changes: Omit<ServiceOptions, 'concurrency' | 'health'> & { readonly health?: ServiceHealth }): void
  /** It works: for a health check with `ttlMs`. Does nothing for others. */
  pass(): void
  /** Takes it back; calls that run are finished. Idempotent. */
  dispose(): void
}

/** Which instances are meant: all that is given must match. */
export interface ServiceQuery {
  readonly name?: string
  /** Default: those without one. `*`: of any. */
  readonly namespace?: string
  /** All of them. */
  readonly capabilities?: readonly string[]
  /** A range of npm's semver: `^2.1.0`, `>=2 <4`. */
  readonly version?: string
  readonly zone?: string
  readonly health?: ServiceHealth
  /** Only of this cluster; empty: of this node's own. Default: of any, its own first. */
  readonly cluster?: string
}

/** One change of what a query finds. What happened between two reads is one change. */
export type ServiceChange =
  | { readonly type: 'added' | 'removed'; readonly instance: ServiceInstance }
  | { readonly type: 'changed'; readonly instance: ServiceInstance; readonly previous: ServiceInstance }

/**
 * Which of several instances is called. `local-first`: this node, its zone, then as `least-loaded`. `round-robin`: in
 * turn. `weighted`: by chance, by weight. `least-loaded`: of two by chance the one with less to do (Mitzenmacher, "The
 * Power of Two Choices", 2001), measured here. `consistent-hash`: by `key` (rendezvous hashing, Thaler and Ravishankar,
 * 1998), never above 1.25 times its share of the load (Mirrokni et al., 2018).
 */
export type BalanceStrategy = 'local-first' | 'round-robin' | 'weighted' | 'least-loaded' | 'consistent-hash'

export interface ServiceCallOptions {
  /**
   * Milliseconds for all attempts; a call made inside a handler never gets more than is left to that handler. Default
   * 5,000.
   */
  readonly deadlineMs?: number
  /**
   * Milliseconds that this caller waits, all attempts together; past them `ERR_TIMEOUT`. Default: until the deadline.
   */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Default `local-first`; `consistent-hash` when there is a `key`. */
  readonly strategy?: BalanceStrategy
  readonly key?: string
  /** Only instances that match. */
  readonly version?: string
  readonly namespace?: string
  readonly capabilities?: readonly string[]
  readonly zone?: string
  readonly health?: ServiceHealth
  /**
   * Only of this cluster; empty: of this node's own. Default: of any, but of another one only where the own one has
   * none that is well.
   */
  readonly cluster?: string
  /** A call that may have happened may be tried again elsewhere, too. Default false. */
  readonly idempotent?: boolean
  /**
   * Milliseconds, 1 or more, after which a second instance is asked, too, and the first answer counts; the other call
   * is cancelled. For `idempotent` calls only, and paid out of the retry budget. Low: more calls than needed; high: no
   * help. Default: never.
   */
  readonly hedgeMs?: number
}

/** What depends on a service, directly and through others. */
export interface ServiceImpact {
  readonly service: string
  readonly dependants: readonly {
    readonly name: string
    readonly through: readonly string[]
    readonly instances: number
  }[]
}

/** `GET /v1/calls`. */
export interface CallGraph {
  readonly edges: readonly CallEdge[]
  /** Names of alive members that did not answer. */
  readonly missing: readonly string[]
}

/** `node.services`. */
export interface Services {
  /**
   * Offers a service from now until it is disposed or the node stops. Throws `ERR_BAD_OPTIONS`, or `ERR_BUFFER_FULL`
   * when this node offers 1,000 already.
   */
  register(
    name: string,
    handlers: Readonly<Record<string, ServiceHandler>>,
    options?: ServiceOptions,
  ): ServiceRegistration
  /** The same with types: what comes in and goes out is checked by the contract, or fails with `ERR_INVALID_VALUE`. */
  register<Methods extends ServiceMethods>(
    contract: ServiceContract<Methods>,
    handlers: ContractHandlers<Methods>,
    options?: ServiceOptions,
  ): ServiceRegistration
  /** Functions that {@link call} the methods of a contract; `options` hold for each call that says nothing else. */
  client<Methods extends ServiceMethods>(
    contract: ServiceContract<Methods>,
    options?: ServiceCallOptions,
  ): ContractClient<Methods>
  /** The instances that this node knows, of members that are not `down` or `left`; best first. */
  find(query?: string | ServiceQuery): readonly ServiceInstance[]
  /** Yields each change from this call on, until `signal` aborts or the node stops. */
  watch(query?: string | ServiceQuery, options?: { readonly signal?: AbortSignal }): AsyncIterable<ServiceChange>
  /**
   * Resolves once there is one that can be called. Default 30,000 ms. Rejects with `ERR_TIMEOUT`, `ERR_ABORTED`,
   * `ERR_SHUTTING_DOWN`.
   */
  waitFor(query: string | ServiceQuery, options?: WaitOptions): Promise<ServiceInstance>
  /**
   * Calls a method of one instance and resolves to what its handler returned. Tried again elsewhere while the deadline
   * and the retry budget last, if it has not happened. Rejects with `ERR_UNKNOWN_SERVICE` (no instance to call),
   * `ERR_NO_HANDLER` (no such method), `ERR_HANDLER_FAILED`, `ERR_DEADLINE_EXCEEDED`, `ERR_TIMEOUT`, `ERR_BUFFER_FULL`,
   * `ERR_MEMBER_DOWN`, `ERR_ABORTED`, or the ClusterError that the handler threw.
   */
  call(name: string, method: string, argument?: unknown, options?: ServiceCallOptions): Promise<JsonValue>
  /**
   * Calls a method that answers with many items and reads them as they come; the reading slows their source. The first
   * item may come from any instance, as with {@link call}; from then on it is that one, across changes of the topology.
   * `deadlineMs` (default 60,000) is for all of them together. Fails where it is read, with what {@link call} rejects
   * with; `ERR_MEMBER_DOWN` when the member is gone before the end. Leaving the loop cancels the handler. A stream is
   * read once.
   */
  stream(name: string, method: string, argument?: unknown, options?: ServiceCallOptions): AsyncIterable<JsonValue>
  /**
   * Who calls whom, as the callers measure it, of all members that answer in time (default 2,000 ms); `missing` names
   * the others. Of each member at most 1,000 edges, those of the last five minutes.
   */
  callGraph(options?: WaitOptions): Promise<CallGraph>
  /**
   * Takes an instance back, whichever member owns it: for operators. Rejects with `ERR_UNKNOWN_SERVICE`,
   * `ERR_BAD_OPTIONS` for what is the node's own or of another cluster, or as a request to its owner does:
   * `ERR_TIMEOUT` (5,000 ms), `ERR_MEMBER_DOWN`, `ERR_NO_ROUTE`, `ERR_ABORTED`.
   */
  remove(id: string, options?: WaitOptions): Promise<void>
  /** Who would feel it if `name` were gone. */
  impact(name: string): ServiceImpact
}
