// A feature that lives in a node beside membership and agreement: channels, config, locks, services. The node tells it
// what happens and ends it; it asks the node through its context. So a feature is one folder and one line in
// `node-parts.ts`, and neither the lifecycle nor the running node knows what it does.

import type { EvidenceView, MemberRecord, SwimEvent } from '../topology/index.ts'
import type { Relay } from './channels/relay.ts'
import type { Requests } from './channels/requests.ts'
import type { Coordination } from './coordination/coordination.ts'
import { endAll } from './ending.ts'
import type { Stage } from './lifecycle-options.ts'
import type { Links } from './links/links.ts'
import type { Overlays } from './membership/overlays.ts'
import type { ClusterEvent, LinkView, MemberView } from './node-interface.ts'
import type { NodeWorld } from './node-world.ts'
import type { ResolvedOptions } from './options.ts'
import type { Absence } from './runtime/away-guard.ts'
import type { Toolbox } from './runtime/toolbox.ts'
import type { Self } from './self.ts'
import type { NodeStorage } from './storage/node-storage.ts'
import type { NetworkFaults } from './transport/faulty.ts'
import type { OpenTopics } from './transport/open-topics.ts'
import type { Transport } from './transport/transport.ts'
import type { Link, LinkEnd } from './wire/link.ts'
import type { WireMessage } from './wire/message.ts'

/** Every method is optional; all are called in the node's turn and must not throw on what a remote did. */
export interface NodePart {
  /** Before the first link is dialled; the storage is open. Rejects to keep the node from starting. */
  start?(): Promise<void>
  stage?(stage: Stage): void
  /** The first link to a peer of this node's cluster is up; `linkDown` is told of the same peer once. */
  linkUp?(link: Link): void
  linkDown?(link: Link, end: LinkEnd): void
  /** A message from a peer of this node's cluster that no protocol of the core speaks. True: it was this part's. */
  receive?(link: Link, message: WireMessage): boolean
  member?(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void
  /** Leader, term, cluster record, S5 or what is applied may have changed. */
  coordination?(): void
  /** Nothing but what clients keep in the replicated machine may have changed: `coordination` is not called then. */
  applied?(): void
  /** What an overlay of this node wants, or what it has, may have changed. */
  overlays?(): void
  /** The process did not run for a while. */
  away?(absence: Absence): void
  /** The event loop turns: at least every 150 ms while it does. */
  pulse?(): void
  /** A member with a liveness worker did not answer a probe in time. */
  unanswered?(member: MemberRecord): void
  /** Each second: how late the event loop was at worst, in milliseconds. */
  loopDelay?(ms: number): void
  /** No link to a member came up in time for what was to be sent there. */
  givenUp?(member: string): void
  /**
   * The node stops: links and agreement still work. Afterwards the part holds no timer and no waiting call. Idempotent.
   */
  close?(): void | Promise<void>
}

/** What a part may ask of its node. */
export interface NodeContext {
  readonly self: Self
  readonly options: ResolvedOptions
  readonly world: NodeWorld
  /** What the transport obeys; undefined when no faults are allowed. */
  readonly faults: NetworkFaults | undefined
  /** What the transport carries beyond the cluster; undefined: nothing. */
  readonly openTopics: OpenTopics | undefined
  readonly toolbox: Toolbox
  readonly storage: NodeStorage
  readonly transport: Transport
  readonly requests: Requests
  readonly links: Links
  /** Undefined until this node knows its cluster. */
  coordination(): Coordination | undefined
  /** The overlay in use, and during a switch another one beside it. */
  overlays(): Overlays
  /** How an envelope finds its way to a member. */
  relay(): Relay
  stage(): Stage
  members(): readonly MemberView[]
  linkViews(): readonly LinkView[]
  /** What is held against a member in its present incarnation. */
  evidence(id: string): EvidenceView | undefined
  /** A liveness worker answered. */
  liveness(report: { readonly peer: string; readonly generation: number; readonly ageMs: number }): void
  /** The name of a member by its id; the id itself while the name is not known. */
  nameOf(id: string): string
  /** The id of a member by its name or id. Throws `ERR_UNKNOWN_MEMBER` or `ERR_MEMBER_DOWN`. */
  route(nameOrId: string): string
  /** What the engine of agreement says of leader and S5 may have changed. */
  engineChanged(): void
  emit(event: ClusterEvent): void
  /** A bug or a failed disk: the node stops. */
  fail(error: unknown): void
}

/** All parts of a node as one. */
export class NodeParts implements Required<NodePart> {
  readonly #parts: readonly NodePart[]

  constructor(parts: readonly NodePart[]) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    for (const part of this.#parts) await part.start?.()
  }

  stage(stage: Stage): void {
    for (const part of this.#parts) part.stage?.(stage)
  }

  linkUp(link: Link): void {
    for (const part of this.#parts) part.linkUp?.(link)
  }

  linkDown(link: Link, end: LinkEnd): void {
    for (const part of this.#parts) part.linkDown?.(link, end)
  }

  receive(link: Link, message: WireMessage): boolean {
    return this.#parts.some((part) => part.receive?.(link, message) === true)
  }

  member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    for (const part of this.#parts) part.member?.(event)
  }

  coordination(): void {
    for (const part of this.#parts) part.coordination?.()
  }

  applied(): void {
    for (const part of this.#parts) part.applied?.()
  }

  overlays(): void {
    for (const part of this.#parts) part.overlays?.()
  }

  away(absence: Absence): void {
    for (const part of this.#parts) part.away?.(absence)
  }

  pulse(): void {
    for (const part of this.#parts) part.pulse?.()
  }

  unanswered(member: MemberRecord): void {
    for (const part of this.#parts) part.unanswered?.(member)
  }

  loopDelay(ms: number): void {
    for (const part of this.#parts) part.loopDelay?.(ms)
  }

  givenUp(member: string): void {
    for (const part of this.#parts) part.givenUp?.(member)
  }

  /**
   * In the reverse order of their beginning; one that fails keeps none of the others. Rejects with the first failure.
   */
  async close(): Promise<void> {
    await endAll([...this.#parts].reverse().map((part) => () => part.close?.()))
  }
}
