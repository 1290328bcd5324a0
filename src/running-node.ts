// A running node as its owner holds it: the public face of everything below. It also keeps the node's resources and
// ends them in the reverse order of their beginning, whoever asks for it: the owner, or an error nothing can mend.

import { raftPresets } from '../consensus/index.ts'
import { type SwimEvent, swimPresets } from '../topology/index.ts'
import { memberCalled } from './addressee.ts'
import type { AdminServer } from './admin/server.ts'
import { adminService } from './admin/services.ts'
import type { Knowledge } from './coordination/knowledge.ts'
import { endAll } from './ending.ts'
import { asClusterError, ClusterError, isClusterError } from './errors.ts'
import { EventHub } from './events.ts'
import { KnowledgeEvents } from './knowledge-events.ts'
import { Lifecycle } from './lifecycle.ts'
import { formatAddress, streamAddress } from './network-address.ts'
import { nodeContext } from './node-context.ts'
import { NodeFaces } from './node-faces.ts'
import type {
  ClusterEvents,
  Faults,
  LinkView,
  MemberChange,
  MemberView,
  NodeStatus,
  TrellisNode,
  WaitOptions,
} from './node-interface.ts'
import { createFeatures, type NodeFeatures } from './node-parts.ts'
import { knownOf, linkViews, memberChange, memberView, nodeStatus } from './node-views.ts'
import type { NodeWorld } from './node-world.ts'
import { Distribution } from './observability/distribution.ts'
import { NodeObserver } from './observability/node-observer.ts'
import type { ResolvedOptions } from './options.ts'
import { Refusals } from './refusals.ts'
import { type Absence, AwayGuard } from './runtime/away-guard.ts'
import type { Time } from './runtime/clock.ts'
import { Counters } from './runtime/counters.ts'
import type { Toolbox } from './runtime/toolbox.ts'
import { createTurn } from './runtime/turn.ts'
import type { Self } from './self.ts'
import type { NodeStorage } from './storage/node-storage.ts'
import type { NetworkFaults } from './transport/faulty.ts'
import type { Connection, Transport } from './transport/transport.ts'
import { LocalVsm } from './vsm/local-vsm.ts'
import type { Vsm } from './vsm/subsystem.ts'
import { beginWait, checkedWait, nodeStopping, waitFor } from './wait.ts'
import type { WhyView } from './why/why-interface.ts'
import { Keyring } from './wire/secrets.ts'

export interface RunningNodeOptions {
  readonly options: ResolvedOptions
  readonly self: Self
  readonly storage: NodeStorage
  /** It accepts already. */
  readonly transport: Transport
  /** What the transport obeys; undefined when no faults are allowed. */
  readonly faults?: NetworkFaults | undefined
  /** What it takes from the machine: time and chance. */
  readonly world: NodeWorld
}

const DEFAULT_READY_TIMEOUT_MS = 60_000
const DEFAULT_STOP_TIMEOUT_MS = 10_000
const DEFAULT_LEAVE_TIMEOUT_MS = 20_000

export class RunningNode extends NodeFaces implements TrellisNode {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly fatal: Promise<ClusterError>
  readonly lifecycle: Lifecycle
  readonly #options: RunningNodeOptions
  readonly #toolbox: Toolbox
  protected readonly features: NodeFeatures
  protected readonly counts = new Counters()
  readonly #clock: Time
  readonly #hub: EventHub
  readonly #guard: AwayGuard
  readonly #knowledge: KnowledgeEvents
  readonly #loopDelay: Disposable
  readonly #flushes = new Distribution()
  readonly #observer: Disposable
  #vsm: LocalVsm | undefined
  #admin: AdminServer | undefined
  #ended: ClusterError | undefined
  #stopping: Promise<void> | undefined
  /** The disk has said which cluster this node is in, if any. Before that it would pass itself off as a fresh one. */
  #knowsItself = false
  /** Connections that wait for that; the transport bounds how many and how long. */
  readonly #early: Connection[] = []
  readonly #refusals: Refusals
  #resolveFatal: (error: ClusterError) => void = () => {}

  constructor(setup: RunningNodeOptions) {
    super()
    const { options, self, storage, transport } = setup
    const { profile, logger } = options
    this.#options = setup
    this.#clock = setup.world.clock
    this.id = self.id
    this.name = self.name
    this.address = self.address
    this.fatal = new Promise((resolve) => {
      this.#resolveFatal = resolve
    })
    this.#hub = new EventHub(logger)
    this.#guard = new AwayGuard(this.#clock, setup.world.awayThresholdMs, (absence) => this.#away(absence))
    const turn = createTurn(this.#guard, (error) => this.#fail(asClusterError(error)), this.#clock)
    const counters = this.counts
    this.#refusals = new Refusals(counters, logger, () => this.#clock.now())
    this.#toolbox = { clock: this.#clock, random: setup.world.random, turn, counters, flushes: this.#flushes, logger }
    this.features = createFeatures(
      nodeContext(this, setup, this.#toolbox, {
        emit: (event) => this.#hub.emit(event),
        fail: (error) => this.#fail(asClusterError(error)),
        engineChanged: () => this.#toolbox.turn.enter(() => this.#agreed()),
      }),
    )
    const features = this.features.parts
    this.lifecycle = new Lifecycle({
      self,
      join: options.join,
      expect: options.expect,
      overlays: options.overlays,
      overlayOptions: options.overlayOptions,
      raft: { ...raftPresets[profile], snapshotEveryEntries: options.snapshotEntries },
      voters: { target: options.voters, replaceAfterMs: options.replaceVoterAfterMs },
      swim: setup.world.swim ?? { ...swimPresets[profile], keepStalledMs: options.keepStalledMs },
      transport,
      keyring: new Keyring(options.secrets),
      storage,
      toolbox: this.#toolbox,
      features,
      onStage: (stage) => {
        logger.debug('stage', { stage })
        features.stage(stage)
      },
      onMember: (event) => this.#member(event),
      onLink: (peer, state, reason) => this.#hub.emit({ type: 'link', at: this.#clock.wall(), peer, state, reason }),
      onCoordination: () => this.#coordination(),
      onHost: this.features.elected ? () => {} : (order) => this.#vsm?.obey(order),
      onUnwelcome: (error, seed) => this.#refusals.bySeed(seed, error),
      onFatal: (error) => this.#fail(error),
    })
    this.#observer = new NodeObserver(this, this.#clock, (name) => counters.add(name))
    this.#knowledge = new KnowledgeEvents(this.#hub, this.#clock, () =>
      knownOf(this.#knows(), (id) => this.lifecycle.nameOf(id)),
    )
    this.#loopDelay = setup.world.watchLoopDelay((ms) => turn.enter(() => this.lifecycle.loopDelay(ms)))
  }

  /** Opens what is left to open and begins. Rejects with what went wrong; then call {@link stop}. */
  async start(): Promise<void> {
    const { options, storage } = this.#options
    this.#vsm = await LocalVsm.open({
      coordination: () => this.features.elected ?? this.lifecycle.coordination,
      clock: this.#clock,
      checkClocks: () => this.#guard.check(),
      requests: this.lifecycle.requests,
      singletons: () => this.singletons,
      storage,
      logger: options.logger,
      nameOf: (id) => this.lifecycle.nameOf(id),
      route: (member) => memberCalled(member, this.lifecycle.members()).id,
      onDiskFailure: (error) => this.#fail(asClusterError(error)),
    })
    this.#guard.start(this.#clock, () => this.#toolbox.turn.enter(() => this.features.parts.pulse()))
    this.features.elected?.serve((order) => this.#vsm?.obey(order))
    await this.features.parts.start()
    await this.lifecycle.start()
    this.#knowsItself = true
    for (const connection of this.#early.splice(0)) this.accept(connection)
    const { admin: address, adminTokens: tokens, clientOrigins, logger } = options
    if (address === undefined) return
    this.#admin = await (await import('./admin/server.ts')).startAdmin(this, {
      ...{ address, tokens, clientOrigins, logger },
      isStopping: () => this.#stopping !== undefined,
      measures: {
        counters: () => this.counters(),
        appliedIndex: () => this.lifecycle.coordination?.appliedIndex,
        flushes: () => this.#flushes.view(),
        latencies: () => this.features.channels.latencies(),
      },
    })
    this.#offerAdmin(this.#admin.url)
  }

  /** Lets members, and Prometheus through any of them, find this node's admin API. */
  #offerAdmin(url: string): void {
    const host = streamAddress(this.address)?.host ?? '127.0.0.1'
    const address = formatAddress({ host, port: Number(new URL(url).port) })
    this.features.services.offerOwn(adminService.name, address)
  }

  /** Takes over a connection that the transport accepted. */
  accept(connection: Connection): void {
    if (this.#knowsItself) void this.lifecycle.links.accept(connection)
    else this.#early.push(connection)
  }

  get admin(): string | undefined {
    return this.#admin?.url
  }

  get events(): ClusterEvents {
    return this.#hub
  }

  get faults(): Faults {
    return this.features.faults
  }

  why(member: string, options: WaitOptions = {}): Promise<WhyView> {
    return this.features.why.ask(member, options)
  }

  get vsm(): Vsm {
    if (this.#vsm) return this.#vsm
    throw new ClusterError('ERR_SHUTTING_DOWN', 'the node has not started', {})
  }

  status(): NodeStatus {
    const { lifecycle } = this
    const { self } = this.#options
    const members = lifecycle.members()
    return nodeStatus({
      self,
      condition: members.find(({ id }) => id === self.id)?.condition ?? 'ok',
      clusterId: lifecycle.coordination?.clusterId,
      members,
      topology: this.features.switching.state(),
      knowledge: this.#knows(),
      nameOf: (id) => lifecycle.nameOf(id),
    })
  }

  members(): readonly MemberView[] {
    return this.lifecycle.members().map(memberView)
  }

  links(): readonly LinkView[] {
    const { lifecycle } = this
    return linkViews({
      self: this.id,
      peers: lifecycle.links.all().map(({ peer }) => peer.id),
      voters: lifecycle.coordination?.knowledge().voters ?? [],
      kindOf: (id) => lifecycle.routes.holds.kindOf(id),
      nameOf: (id) => lifecycle.nameOf(id),
      channelsOf: (id) => this.features.lanes.channelsOf(id),
    })
  }

  watchMembers(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MemberChange> {
    return this.#hub.memberChanges(checkedWait(options).signal)
  }

  /**
   * True once a member that knows a leader, those who came with it and, if it is linked to anybody, somebody beside
   * itself.
   */
  isReady(): boolean {
    const { lifecycle } = this
    const knowsLeader = this.#knows()?.leader !== undefined
    const knowsOthers = lifecycle.links.all().length === 0 || lifecycle.members().length > 1
    return lifecycle.stage === 'member' && knowsLeader && knowsOthers && lifecycle.companions.areKnown
  }

  /** The refusal of every seed, when all of them have refused this node while it was looking for its cluster. */
  unwelcome(): ClusterError | undefined {
    if (this.lifecycle.stage !== 'seeking') return undefined
    const seeds = [...this.#options.options.join, ...this.features.seeds.seeds()]
    return this.#refusals.ofAll(seeds.filter((seed) => seed !== this.address))
  }

  /** Why the node ended by itself, if it did. */
  get ended(): ClusterError | undefined {
    return this.#ended
  }

  /** The transport turned somebody away who never proved an identity. */
  stranger(reason: string, remoteAddress: string): void {
    this.#refusals.stranger(reason, remoteAddress)
  }

  async ready(options: WaitOptions = {}): Promise<void> {
    const { signal, timeoutMs = DEFAULT_READY_TIMEOUT_MS } = beginWait('node.ready', options)
    await waitFor('node.ready', () => this.#progress(), { clock: this.#clock, signal, timeoutMs })
  }

  async drain(options: WaitOptions = {}): Promise<void> {
    checkedWait(options)
    this.#toolbox.turn.enter(() => this.lifecycle.drain())
  }

  async leave(options: WaitOptions = {}): Promise<void> {
    const { timeoutMs = DEFAULT_LEAVE_TIMEOUT_MS } = checkedWait(options)
    await this.drain()
    const isGiven = (): boolean => !this.lifecycle.voters.hasPlaceToGive || this.#stopping !== undefined
    // Without a majority nobody can take it; the node goes all the same, and is replaced when it is missed.
    const half = { ...options, timeoutMs: timeoutMs / 2 }
    await waitFor('node.leave', isGiven, { ...half, clock: this.#clock }).catch(ignoreTimeout)
    await this.stop(half)
  }

  async stop(options: WaitOptions = {}): Promise<void> {
    const { signal, timeoutMs = DEFAULT_STOP_TIMEOUT_MS } = checkedWait(options)
    this.#stopping ??= this.#stop()
    const done = new AbortController()
    const stopped = this.#stopping.finally(() => done.abort())
    const either = signal ? AbortSignal.any([signal, done.signal]) : done.signal
    const isDone = (): boolean => done.signal.aborted
    await Promise.race([stopped, waitFor('node.stop', isDone, { clock: this.#clock, signal: either, timeoutMs })])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  #progress(): boolean {
    if (this.#ended) throw this.#ended
    if (this.#stopping) throw nodeStopping()
    return this.isReady()
  }

  async #stop(): Promise<void> {
    const { storage, transport } = this.#options
    this.#knowledge.close()
    this.#loopDelay[Symbol.dispose]()
    // S5 stops first: its own clean-up may still want links.
    await endAll([
      () => this.#vsm?.close(),
      () => this.features.parts.close(),
      () => this.lifecycle.stop(),
      () => this.#admin?.close(),
      () => transport.close(),
      () => this.#condemn(),
      () => storage.close(),
      () => this.#guard.stop(),
      () => this.#observer[Symbol.dispose](),
      () => this.#hub.close(),
    ])
  }

  /**
   * A copy that its cluster has refused must not come back as soon as its generation is high enough (design rule 7).
   */
  async #condemn(): Promise<void> {
    const ended = this.#ended
    if (ended && isClusterError(ended, 'ERR_DATA_ROLLED_BACK')) await this.#options.storage.condemn(ended.details.seen)
  }

  #away(absence: Absence): void {
    this.#options.options.logger.warn('the process did not run for a while', { ...absence })
    this.#toolbox.counters.add('away')
    this.lifecycle.away(absence)
  }

  #coordination(): void {
    this.#agreed()
    this.features.parts.coordination()
  }

  #agreed(): void {
    this.#vsm?.observe()
    this.#knowledge?.look()
  }

  #knows(): Knowledge | undefined {
    const { coordination } = this.lifecycle
    return coordination && (this.features.elected ?? coordination).knowledge()
  }

  #member(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    if (event.type === 'member' && event.reason !== 'updated') {
      const { name, state, condition } = event.after
      this.#toolbox.logger.info('member', { name, state, condition, reason: event.reason })
    }
    this.#hub.emit({ type: 'member', at: this.#clock.wall(), change: memberChange(event) })
    this.features.parts.member(event)
  }

  #fail(error: ClusterError): void {
    if (this.#ended || this.#stopping) return
    this.#ended = error
    const cause = error.code === 'ERR_INTERNAL' ? { error: error.cause } : {}
    this.#options.options.logger.error('the node stops', { code: error.code, reason: error.message, ...cause })
    this.#resolveFatal(error)
    this.stop().catch((problem: unknown) =>
      this.#options.options.logger.error('the node did not stop in order', { error: problem }),
    )
  }
}

function ignoreTimeout(error: unknown): void {
  if (!isClusterError(error, 'ERR_TIMEOUT')) throw error
}
