// The observer outside of the simulated world: it hears of everything that matters as it happens and knows what no node
// knows. One file per property in `invariants/`; here they are only told.

import type {
  ClusterCommand,
  ClusterReply,
  Entry,
  HardState,
  LogIndex,
  RaftMessage,
  Term,
} from '../../../consensus/index.ts'
import type { FormingEvent, SwimMessage } from '../../../topology/index.ts'
import { AcknowledgedKept } from './invariants/acknowledged-kept.ts'
import { CommitHistory, type ObservedVoter } from './invariants/commit-history.ts'
import { ElectionSafety } from './invariants/election-safety.ts'
import { LogMatching } from './invariants/log-matching.ts'
import { MembershipTruth } from './invariants/membership-truth.ts'
import { OneCluster } from './invariants/one-cluster.ts'
import { Receivers } from './invariants/receivers.ts'
import { type ObservedHost, SingleS5 } from './invariants/single-s5.ts'
import { Votes } from './invariants/votes.ts'

/** A node, as far as the oracle sees into it. */
export interface Observed extends ObservedVoter, ObservedHost {}

export class Oracle {
  /** Called when somebody was elected. */
  onElected: ((id: string) => void) | undefined
  readonly history = new CommitHistory()
  readonly s5 = new SingleS5()
  readonly #elections = new ElectionSafety()
  readonly #logs = new LogMatching()
  readonly #votes = new Votes()
  readonly #acknowledged = new AcknowledgedKept()
  readonly #membership = new MembershipTruth()
  readonly #clusters = new OneCluster()
  readonly #receivers = new Receivers()
  readonly #nodes = new Map<string, Observed>()

  observe(node: Observed): void {
    this.#nodes.set(node.id, node)
  }

  /** Voters of the one cluster; empty before it is alive. */
  get voters(): readonly Observed[] {
    return this.#clusters.voters.map((id) => this.#nodes.get(id) as Observed)
  }

  /** See {@link OneCluster.isJammed}. */
  get isFormingJammed(): boolean {
    return this.#clusters.isJammed
  }

  get elections(): number {
    return this.#elections.elections
  }

  get acknowledged(): number {
    return this.#acknowledged.count
  }

  startedCluster(id: string, event: Extract<FormingEvent, { type: 'formed' }>): void {
    this.#clusters.started(id, event)
    this.history.voters = this.voters
  }

  restarted(id: string, durable: HardState): void {
    this.#votes.restarted(id, durable)
  }

  elected(node: Observed, term: Term, voters: readonly string[], durable: HardState): void {
    this.#elections.elected(node.id, term)
    this.#votes.elected(node.id, term, voters, durable)
    this.history.elected(node, term)
    this.onElected?.(node.id)
  }

  wrote(id: string, entry: Entry<ClusterCommand>, previousTerm: Term): void {
    this.#logs.wrote(id, entry, previousTerm)
  }

  applied(id: string, entry: Entry<ClusterCommand>, term: Term): void {
    this.history.applied(id, entry, term)
  }

  replied(id: string, index: LogIndex, command: ClusterCommand, reply: ClusterReply): void {
    const isFirst = this.history.replied(id, index, JSON.stringify(reply))
    if (isFirst && command.type === 'activate' && reply.type === 'ok') this.#receivers.activated(index)
  }

  sentRaft(from: string, to: string, message: RaftMessage<ClusterCommand>, durable: HardState): void {
    this.#votes.sent(from, to, message, durable)
  }

  sentSwim(from: string, message: SwimMessage): void {
    this.#membership.sent(from, message)
  }

  left(id: string, generation: number): void {
    this.#membership.leftByItself(id, generation)
  }

  acceptedOrder(receiver: string, token: number): void {
    this.#receivers.accepted(receiver, token)
  }

  acknowledge(command: ClusterCommand, index: LogIndex, term: Term): void {
    this.#acknowledged.acknowledge(command, index, term, this.history)
  }

  /** All faults are over and everybody caught up. */
  atEnd(): void {
    this.#acknowledged.atEnd(this.voters)
  }
}
