// Below config, locks and their kin: where what the cluster agrees on is kept. Two keep it: the members' own log
// (`Submissions` and `Reads`), and an engine that a team runs already, such as etcd (`./etcd`). What users see stands
// on these two interfaces alone and cannot tell which it is; both pass `testing/compliance/coordination-store.ts`.

import type { ClientCommand, ClusterReply } from '../../consensus/index.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import type { CallOptions } from './leader-calls.ts'
import type { AnswerTo, Query } from './queries.ts'
import type { Aged } from './reads.ts'

/** Takes what clients say. */
export interface Commands {
  /**
   * Does it whole or not at all, and resolves to what became of it once it cannot be lost. Rejects with
   * `ERR_NO_QUORUM`, `ERR_TIMEOUT`, `ERR_ABORTED`, `ERR_SHUTTING_DOWN`, `ERR_BUFFER_FULL`, `ERR_PAYLOAD_TOO_LARGE`,
   * `ERR_UNSUPPORTED`; `mayHaveHappened` says whether it may still be done. Never done twice.
   */
  submit(operation: string, command: ClientCommand, options?: CallOptions): Promise<ClusterReply>
}

/** Answers what clients ask. */
export interface Questions {
  /** Sees all that was acknowledged before the call. `ERR_NO_QUORUM` in a minority. */
  linearizable<Q extends Query>(operation: string, query: Q, options: CallOptions): Promise<AnswerTo<Q>>
  /** From the nearest copy, with the time for which that may have missed something. */
  stale<Q extends Query>(query: Q, options: CallOptions): Promise<Aged<AnswerTo<Q>>>
  /**
   * Once there is something in the answer, or, after a while or when `signal` aborts, one without. Undefined: look
   * again.
   */
  awaited<Q extends Query>(query: Q, signal: AbortSignal): Promise<AnswerTo<Q> | undefined>
  /** Before looking again for a copy. */
  pause(signal: AbortSignal): Promise<void>
}

/** The singleton that hosts S5, among an engine's claims. */
export const LEADER = 'trellis/s5'

/** What an engine is given when its node starts. */
export interface EngineSetup {
  /** Name of the cluster, and of this node. */
  readonly cluster: string
  readonly nodeName: string
  readonly nodeId: string
  readonly clock: Time
  readonly logger: Logger
  /** Ends the opening with its reason. */
  readonly signal: AbortSignal
  /** Something that may be waited for has changed. */
  readonly onChange: () => void
  /** The engine cannot go on: the node stops. */
  readonly onFailure: (error: unknown) => void
}

/** An engine at work for one node. */
export interface OpenEngine extends Commands, Questions {
  /** Some majority of it answered a moment ago. */
  readonly isReached: boolean
  /** The newest revision that this node has seen. */
  readonly revision: number
  /** Claims as this node's copy has them. */
  holder(claimed: { readonly kind: 'singleton'; readonly name: string }): EngineHolder | undefined
  /** The last decision of S5, as this node's copy has it. */
  readonly decision: { readonly index: number; readonly payload: Uint8Array } | undefined
  /** Keeps a decision of S5, only while the claim of `token` is there. */
  decide(token: number, payload: Uint8Array, options: CallOptions): Promise<ClusterReply>
  /**
   * Makes `to` (an owner) the next one: whoever waits before it loses its place, and the holder of `token` what it
   * holds. False: `to` does not wait.
   */
  handOver(name: string, token: number, to: string): Promise<boolean>
  /**
   * Which cluster of members this is. Rejects with `ERR_FOREIGN_CLUSTER` while members of another one use the same
   * prefix.
   */
  enter(clusterId: string): Promise<void>
  close(): Promise<void>
}

/** Who holds something. */
export interface EngineHolder {
  readonly owner: string
  readonly value: string
  readonly token: number
}

/**
 * The option `coordination`: an engine to use instead of the members' own log, as `etcd()` of `./etcd` makes it. The
 * same on every member.
 */
export interface CoordinationEngine {
  /** One word, such as `etcd`. Nodes with different ones are of different clusters. */
  readonly name: string
  /** Milliseconds for which a leader that died keeps its place. */
  readonly leaseMs: number
  /** Resolves when it answers. */
  open(setup: EngineSetup): Promise<OpenEngine>
}
