// This node's part in its cluster's agreement. A voter runs Raft; everyone keeps the cluster record and answers
// admissions, passing them on to the leader. It begins when the node knows its cluster, and ends with the node.

import type {
  ClusterCommand,
  ClusterReply,
  MemberFacts,
  RaftMessage,
  RaftOptions,
  TopologyEpochState,
  VoterPolicyOptions,
} from '../../consensus/index.ts'
import type { Requests } from '../channels/requests.ts'
import { ClusterError } from '../errors.ts'
import type { Links } from '../links/links.ts'
import {
  ADMIT_SUBJECT,
  type AdmissionAnswer,
  AdmissionDesk,
  encodeRequest,
  type HolderState,
} from '../membership/admission.ts'
import type { Absence } from '../runtime/away-guard.ts'
import type { Toolbox } from '../runtime/toolbox.ts'
import type { RecoveredLog } from '../storage/node-storage.ts'
import type { Link } from '../wire/link.ts'
import type { ClusterRecord } from '../wire/record.ts'
import type { Ending } from './call-limit.ts'
import { ClusterRecordKeeper } from './cluster-record.ts'
import type { HostOrder } from './host-driver.ts'
import { type Knowledge, knowledgeOfRecord, knowledgeOfVoter } from './knowledge.ts'
import type { Copy } from './queries.ts'
import { RecordSpreader } from './record-spreader.ts'
import { type Replication, ReplicationDesk } from './replication.ts'
import { Seat, type SeatOptions } from './seat.ts'
import { type TransferOptions, type TransferReport, Transfers } from './transfers.ts'
import { Voices } from './voices.ts'
import type { Voter } from './voter.ts'
import { VoterKeeper } from './voter-keeper.ts'

/** Without a leader for so long, the log may have gone on elsewhere: some elections. A guess. */
const UNLED_AFTER_MS = 5_000

export interface CoordinationOptions {
  readonly self: string
  readonly clusterId: string
  readonly voters: readonly { readonly id: string; readonly storeId: string }[]
  /** The log that its disk holds; undefined: none. */
  readonly log: RecoveredLog | undefined
  /** Opens the log there is, or makes an empty one without a vote: a leader sends this member the log. */
  readonly learn: () => Promise<RecoveredLog>
  readonly policy: VoterPolicyOptions
  /** Members as the policy of voters sees them. */
  readonly memberFacts: () => readonly MemberFacts[]
  readonly raft: RaftOptions
  readonly links: Links
  readonly requests: Requests
  readonly toolbox: Toolbox
  /** Linked peers that are in no cluster yet. */
  readonly strangers: () => readonly string[]
  /** What membership knows of the holder of a name. */
  readonly stateOf: (id: string) => HolderState
  readonly isMember: (id: string) => boolean
  /** The overlay in use does not link everybody to everybody. */
  readonly isSparse: () => boolean
  /** News of `leader` came over the link of `peer`. */
  readonly onHeard: (leader: string, peer: string) => void
  /** Leader, term, record, S5 or what else members go by changed. */
  readonly onChange: () => void
  /** Entries of clients were applied. */
  readonly onApplied: () => void
  readonly onHost: (order: HostOrder) => unknown
  readonly onDiskFailure: (error: unknown) => void
}

export class Coordination {
  readonly clusterId: string
  readonly #options: CoordinationOptions
  readonly #keeper = new ClusterRecordKeeper()
  readonly #spreader: RecordSpreader
  readonly #desk: AdmissionDesk
  readonly #transfers: Transfers
  readonly #replication: ReplicationDesk
  readonly #seat: Seat
  readonly #voterKeeper: VoterKeeper
  readonly #voices: Voices
  /** When a leader was last heard; before the first: when this life began. */
  #heardAt: number

  private constructor(options: CoordinationOptions) {
    const { self, clusterId, voters, links, requests, toolbox } = options
    this.clusterId = clusterId
    this.#options = options
    this.#heardAt = toolbox.clock.now()
    const { clock, turn } = toolbox
    this.#voices = new Voices({
      configuration: () => this.#voter?.view().configuration,
      said: () => this.#keeper.record ?? { voters: options.voters, learners: [] },
      term: () => this.#voter?.view().term,
      isLed: () => this.#voter !== undefined && this.ageMs() < UNLED_AFTER_MS,
      isCredulous: () => !this.#voter && (options.isSparse() || !this.#keeper.record),
    })
    this.#spreader = new RecordSpreader({
      self,
      clusterId,
      voters,
      keeper: this.#keeper,
      links,
      clock,
      turn,
      strangers: options.strangers,
      isSparse: options.isSparse,
      onNewer: (record, from) => {
        this.#seat.consider(record)
        if (from !== undefined && record.leader !== '') options.onHeard(record.leader, from)
        options.onChange()
      },
    })
    this.#desk = new AdmissionDesk({
      clock,
      self,
      leader: () => this.knowledge().leader,
      holder: (name) => this.#voter?.machine.names.holder(name),
      stateOf: options.stateOf,
      isMember: options.isMember,
      propose: ({ id, name }, replaces, signal) => this.propose({ type: 'bind-name', name, id, replaces }, signal),
      forward: (leader, request, requestOptions) =>
        requests.request(leader, ADMIT_SUBJECT, encodeRequest(request), requestOptions),
    })
    requests.handle(ADMIT_SUBJECT, (request) => this.#desk.answer(request))
    this.#seat = new Seat(this.#seatOptions())
    const voter = (): Voter | undefined => this.#voter
    this.#replication = new ReplicationDesk({ self, requests, voter, knowledge: () => this.knowledge() })
    this.#transfers = new Transfers({ clock, self, requests, voter, knowledge: () => this.knowledge() })
    this.#voterKeeper = new VoterKeeper({ self, policy: options.policy, toolbox, voter, members: options.memberFacts })
  }

  /** Rejects with `ERR_LOG_CORRUPT` when the log is damaged. */
  static async open(options: CoordinationOptions): Promise<Coordination> {
    const coordination = new Coordination(options)
    try {
      if (options.log) await coordination.#seat.open(options.log)
      else if (options.voters.some(({ id }) => id === options.self)) {
        options.toolbox.logger.warn('this member was a voter and has lost its log: it may not vote as that one again')
      }
    } catch (error) {
      await coordination.close()
      throw error
    }
    return coordination
  }

  /** Holds the log, with a vote or without. */
  get isVoter(): boolean {
    return this.#voter !== undefined
  }

  get #voter(): Voter | undefined {
    return this.#seat.voter
  }

  knowledge(): Knowledge {
    const { self, voters, toolbox } = this.#options
    if (this.#voter) return knowledgeOfVoter(this.#voter, self)
    return knowledgeOfRecord(
      this.#keeper,
      voters.map(({ id }) => id),
      toolbox.clock.now(),
    )
  }

  /** Who leads, as far as this node knows. */
  get leader(): string | undefined {
    return this.#voter ? this.#voter.view().leader : this.knowledge().leader
  }

  get record(): ClusterRecord | undefined {
    return this.#keeper.record
  }

  /** This node's own copy of the replicated state, to be read only; undefined when it holds no log. */
  get copy(): Copy | undefined {
    return this.#voter && { machine: this.#voter.machine, appliedIndex: this.#voter.applied.index }
  }

  /** The term in which this member leads; undefined when it does not. */
  get leadsInTerm(): number | undefined {
    const { role, term } = this.#voter?.view() ?? {}
    return role === 'leader' ? term : undefined
  }

  /**
   * How long this copy may have missed what others agreed on: 0 while a majority answers this leader, else since a
   * leader was last heard.
   */
  ageMs(): number {
    const now = this.#options.toolbox.clock.now()
    if (this.#voter?.hasLease()) return 0
    const since = Math.max(this.#heardAt, this.#voter?.lastQuorumAt ?? Number.NEGATIVE_INFINITY)
    return Math.max(0, Math.round(now - since))
  }

  /**
   * As far as links tell, this voter and those it is linked to are a majority. A member without a log can tell only
   * that it reaches nobody: it has no link at all, and has heard of no leader for some time.
   */
  get reachesMajority(): boolean {
    if (this.#voter) return this.#voter.reachesMajority()
    const { links, toolbox } = this.#options
    return this.#keeper.isFresh(toolbox.clock.now()) || links.all().length > 0
  }

  /**
   * For how long no leader was heard, nor a majority led. Of a member without a log: 0 while what it heard of one still
   * counts.
   */
  get unledMs(): number {
    if (this.#voter) return this.ageMs()
    const now = this.#options.toolbox.clock.now()
    return this.#keeper.isFresh(now) ? 0 : now - Math.max(this.#heardAt, this.#keeper.heardAt)
  }

  /** The last entry that this node's machine has seen; undefined when it holds no log. */
  get appliedIndex(): number | undefined {
    return this.#voter?.applied.index
  }

  /** The last committed decision of S5 that this node's log holds. */
  get decision(): { readonly index: number; readonly payload: Uint8Array } | undefined {
    return this.#voter?.machine.singleton('s5')?.decision
  }

  /**
   * What this node's log says of the topology; undefined when it holds none. `leads`: this node leads and has applied
   * an entry of its own term, so that nothing of an earlier leader is missing.
   */
  get topologyLog(): (TopologyEpochState & { readonly leads: boolean }) | undefined {
    if (!this.#voter) return undefined
    const { role, term } = this.#voter.view()
    return { ...this.#voter.machine.topology, leads: role === 'leader' && this.#voter.applied.term === term }
  }

  /** S5 may be used under `token` at this very moment. */
  holds(token: number): boolean {
    return this.#voter?.holds(token) ?? false
  }

  /** Asks for a name, for itself or on behalf of a newcomer. */
  admit(id: string, name: string): Promise<AdmissionAnswer> {
    return this.#desk.decide({ id, name }, id)
  }

  /** Only a leader can: others reject with `ERR_NOT_LEADER`. */
  propose(command: ClusterCommand, signal: Ending): Promise<ClusterReply> {
    return this.#voter?.propose(command, signal) ?? Promise.reject(holdsNoLog())
  }

  /**
   * Resolves to an index once this node's machine shows everything that was acknowledged before the call. Rejects with
   * `ERR_NOT_LEADER` (it holds no log, or knows no leader that may answer), `ERR_TIMEOUT`, `ERR_BUFFER_FULL`, or the
   * reason of `signal`; a new attempt is a new read.
   */
  read(signal: Ending): Promise<number> {
    return this.#voter?.read(signal) ?? Promise.reject(holdsNoLog())
  }

  receiveRaft(link: Link, message: RaftMessage<ClusterCommand>): void {
    const { id, storeId } = link.peer
    if (!this.#voices.mayTakePart(id, message.term)) {
      this.#options.toolbox.counters.add('raft-not-entitled')
      return
    }
    if (message.type === 'append') this.#heardAt = this.#options.toolbox.clock.now()
    this.#seat.receive(id, storeId, message)
  }

  receiveRecord(record: ClusterRecord, from: string): void {
    if (this.#voices.believes(record, from, this.#keeper.record?.index ?? 0)) this.#spreader.receive(record, from)
    else this.#options.toolbox.counters.add('record-not-entitled')
  }

  /** Tells a peer, first of all, which cluster this is. */
  greet(peer: string): void {
    this.#spreader.greet(peer)
  }

  connected(peer: string): void {
    this.#voter?.connected(peer)
  }

  disconnected(peer: string, evidence: boolean): void {
    this.#voter?.disconnected(peer, evidence)
  }

  away(absence: Absence): void {
    this.#voter?.away(absence)
  }

  /** On the host of S5: it stops, and starts again under a new token. */
  renewHosting(): void {
    this.#voter?.renewHosting()
  }

  /** S5 stops and leadership is given up, in this order; bounded by `signal`. */
  async resign(signal: AbortSignal): Promise<void> {
    await this.#voter?.resign(signal)
  }

  /**
   * Makes `to` (an id), or whichever voter has most of the log, the leader; S5 goes with it. From any member. Rejects
   * with `ERR_NO_QUORUM` (no leader is known, or it changed meanwhile), `ERR_BAD_REQUEST` (no voter, or it lacks
   * entries), `ERR_BUFFER_FULL` (one to another voter is under way), `ERR_TIMEOUT`.
   */
  transfer(to?: string, options: TransferOptions = {}): Promise<TransferReport> {
    return this.#transfers.transfer(to, options)
  }

  /** How far everybody who holds the log has it. From any member. Rejects as {@link transfer} does. */
  replication(options: TransferOptions = {}): Promise<Replication> {
    return this.#replication.ask(options)
  }

  async close(): Promise<void> {
    this.#spreader.close()
    this.#voterKeeper.close()
    await this.#seat.close()
  }

  #seatOptions(): SeatOptions {
    const { self, raft, links, toolbox, learn, onChange, onApplied, onHost, onDiskFailure } = this.#options
    const changed = (): void => {
      this.#spreader.refresh()
      onChange()
    }
    return {
      self,
      raft,
      ...toolbox,
      mayHost: () => this.#options.memberFacts().find(({ id }) => id === self)?.mayHost ?? true,
      learn,
      send: (to, message) => {
        if (!links.send(to, { type: 'raft', message })) toolbox.counters.add('raft-no-link')
        // A flush that blocks follows: what stayed until this turn ends would wait for it.
        links.flush(to)
      },
      isLinked: (voter) => links.get(voter) !== undefined,
      count: (reason) => toolbox.counters.add(reason),
      onChange: changed,
      onApplied,
      onHost: (order) => {
        const done = onHost(order)
        changed()
        return done
      },
      onSeat: (voter) => {
        this.#spreader.follow(voter)
        changed()
      },
      onDiskFailure,
    }
  }
}

function holdsNoLog(): ClusterError {
  return new ClusterError('ERR_NOT_LEADER', 'this member holds no log', { leader: undefined })
}
