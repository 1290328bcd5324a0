// The observer outside of the simulated world: it hears of everything that matters as it happens and knows what no node
// knows. One file per property in `invariants/`; here they are only told.

import type {
  ClusterCommand,
  ClusterMachine,
  ClusterReply,
  ConfigChange,
  Configuration,
  Effect,
  Entry,
  HardState,
  LogIndex,
  RaftMessage,
  Snapshot,
  Term,
} from '../../../consensus/index.ts'
import type { FormingEvent, SwimMessage } from '../../../topology/index.ts'
import type { SimulatedDisk } from './disk.ts'
import { AcknowledgedKept } from './invariants/acknowledged-kept.ts'
import { CommitHistory, type ObservedVoter } from './invariants/commit-history.ts'
import { ElectionSafety } from './invariants/election-safety.ts'
import { LinearizableReads } from './invariants/linearizable-reads.ts'
import { LogMatching } from './invariants/log-matching.ts'
import { MembershipTruth } from './invariants/membership-truth.ts'
import { OneCluster } from './invariants/one-cluster.ts'
import { OneHolder } from './invariants/one-holder.ts'
import { Receivers } from './invariants/receivers.ts'
import { type ObservedHost, SingleS5 } from './invariants/single-s5.ts'
import { SnapshotTruth } from './invariants/snapshot-truth.ts'
import { Votes } from './invariants/votes.ts'

/** A node, as far as the oracle sees into it. */
export interface Observed extends ObservedVoter, ObservedHost {
  readonly durableHardState: HardState
  readonly hasLostLog: boolean
  readonly disk: Pick<SimulatedDisk, 'clusterId'>
}

export class Oracle {
  /** Called when somebody was elected. */
  onElected: ((id: string) => void) | undefined
  readonly history = new CommitHistory(() => this.holders)
  readonly s5 = new SingleS5()
  readonly leases = new OneHolder()
  /** All that config has seen, in the order of the log. */
  readonly changes: ConfigChange[] = []
  readonly #elections = new ElectionSafety()
  readonly #logs = new LogMatching()
  readonly #votes = new Votes()
  readonly #acknowledged = new AcknowledgedKept()
  readonly #membership = new MembershipTruth()
  readonly #clusters = new OneCluster()
  readonly #receivers = new Receivers()
  readonly #snapshots = new SnapshotTruth()
  readonly #reads = new LinearizableReads()
  readonly #nodes = new Map<string, Observed>()

  observe(node: Observed): void {
    this.#nodes.set(node.id, node)
  }

  /** Everybody who holds the log of the one cluster, or held it; empty before it is alive. */
  get holders(): readonly Observed[] {
    if (this.#clusters.voters.length === 0) return []
    // A founder of a set that the others gave up has a log of its own: members of the cluster do not even read what it
    // sends.
    return [...this.#nodes.values()].filter(
      (node) =>
        this.#clusters.isOf(node.disk.clusterId) && (node.durableConfiguration() !== undefined || node.hasLostLog),
    )
  }

  /** Voters of the one cluster as its latest leader has them, else those who founded it; empty before it is alive. */
  get voters(): readonly Observed[] {
    return this.voterIds.map((id) => this.#nodes.get(id) as Observed)
  }

  get voterIds(): readonly string[] {
    let latest: { readonly term: Term; readonly configuration: Configuration } | undefined
    for (const node of this.#nodes.values()) {
      const term = node.leadsTerm()
      const { configuration } = node
      if (term === undefined || configuration === undefined || term < (latest?.term ?? 0)) continue
      latest = { term, configuration }
    }
    if (latest === undefined || this.#clusters.voters.length === 0) return this.#clusters.voters
    return latest.configuration.voters.map(({ id }) => id)
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
  }

  restarted(storeId: string, durable: HardState): void {
    this.#votes.restarted(storeId, durable)
  }

  elected(node: Observed, term: Term, configuration: Configuration, durable: HardState): void {
    this.#elections.elected(node.id, term)
    this.#votes.elected(node, term, configuration, durable)
    this.history.elected(node, term)
    this.onElected?.(node.id)
  }

  wrote(id: string, entry: Entry<ClusterCommand>, previousTerm: Term): void {
    this.#logs.wrote(id, entry, previousTerm)
  }

  applied(id: string, entry: Entry<ClusterCommand>, term: Term): void {
    this.history.applied(id, entry, term)
  }

  /** Says whether it is the first answer to that entry. */
  replied(id: string, index: LogIndex, command: ClusterCommand, reply: ClusterReply): boolean {
    const isFirst = this.history.replied(id, index, JSON.stringify(reply))
    if (isFirst && command.type === 'activate' && reply.type === 'ok') this.#receivers.activated(index)
    return isFirst
  }

  /** What the latest entry has changed in config. */
  changed(found: ReturnType<ClusterMachine['config']['changes']>): void {
    if (found.type === 'changes') this.changes.push(...found.changes)
  }

  sentRaft(from: Observed, to: string, message: RaftMessage<ClusterCommand>): void {
    this.#votes.sent(from, to, message, from.durableHardState)
  }

  captured(id: string, place: Extract<Effect<ClusterCommand>, { type: 'capture' }>, digest: number): void {
    this.#snapshots.captured(id, place, digest, this.history)
  }

  restored(id: string, snapshot: Snapshot, digest: number): void {
    this.#snapshots.restored(id, snapshot, digest, this.history)
  }

  /** A client begins to read; what it must see at least is remembered in what is answered. */
  readBegins(): (at: string, index: LogIndex) => void {
    return this.#reads.begins()
  }

  get reads(): number {
    return this.#reads.served
  }

  get restores(): number {
    return this.#snapshots.restores
  }

  get reconfigurations(): number {
    return this.history.reconfigurations
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
    this.#reads.completed(index)
  }

  /** All faults are over and everybody caught up. */
  atEnd(): void {
    this.#acknowledged.atEnd(this.voters)
  }
}
