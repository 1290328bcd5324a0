// The data that the cluster agrees on, as one part of a node: config, locks and their kin, counters. It carries
// commands to the leader and reads to a copy of the machine, and wakes whoever waits when something was applied here.

import { raftPresets } from '../../consensus/index.ts'
import { ClusterError } from '../errors.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { takeBackup } from '../recovery/take-backup.ts'
import { behindNextTurn } from '../runtime/turn.ts'
import { endsWithin } from '../wait.ts'
import { LocalBarriers } from './barriers.ts'
import { LocalConfig } from './config.ts'
import type { NodeConfig } from './config-interface.ts'
import { LocalCounters } from './counters.ts'
import { ElectedHost } from './elected-host.ts'
import { LocalElections } from './elections.ts'
import { EngineGate } from './engine-gate.ts'
import { knownLeadership } from './known-leadership.ts'
import { type CallOptions, LeaderCalls, limited } from './leader-calls.ts'
import { leadershipOf, type NodeLeadership } from './leadership.ts'
import { LeaseExpirer } from './lease-expirer.ts'
import type { NodeBarriers, NodeCounters, NodeElections, NodeLocks, NodeSemaphores } from './lease-interface.ts'
import { Leases } from './leases.ts'
import { LocalLocks, LocalSemaphores } from './locks.ts'
import { OfflineKeys } from './offline.ts'
import { Reads } from './reads.ts'
import type { NodeSingletons } from './singleton-interface.ts'
import { LocalSingletons } from './singletons.ts'
import type { Commands, Questions } from './store.ts'
import { Submissions } from './submissions.ts'
import { Wakeups } from './wakeups.ts'

/** An election may be split before one is won. */
const PATIENT_ELECTIONS = 2
/** A stopping node gives back what it holds; then it goes all the same. */
const RELEASE_GRACE_MS = 1_000

/** What users see of it. */
export interface DataFaces {
  readonly config: NodeConfig
  readonly locks: NodeLocks
  readonly semaphores: NodeSemaphores
  readonly elections: NodeElections
  readonly barriers: NodeBarriers
  readonly counters: NodeCounters
  readonly singletons: NodeSingletons
  readonly leadership: NodeLeadership
  readonly backup: (options?: CallOptions) => Promise<Uint8Array>
}

function refusal(feature: string, engine: string): ClusterError {
  return new ClusterError('ERR_UNSUPPORTED', `${feature} is not possible over ${engine}`, { feature, engine })
}

function refusedOffline(engine: string): Pick<OfflineKeys, 'key'> {
  return {
    key: () => {
      throw refusal('config.offline', engine)
    },
  }
}

function refusedBackup(engine: string): DataFaces['backup'] {
  return async () => {
    throw refusal('backup', engine)
  }
}

export class ReplicatedData implements NodePart {
  readonly faces: DataFaces
  readonly #context: NodeContext
  readonly #submissions: Submissions
  readonly #reads: Reads
  readonly #leases: Leases
  readonly #singletons: LocalSingletons
  readonly #wakeups: Wakeups
  #isWaking = false
  readonly #stopping = new AbortController()
  #expirer: LeaseExpirer | undefined
  readonly #gate: EngineGate | undefined
  /** Who leads when an engine says so; undefined: the members' own log does. */
  readonly elected: ElectedHost | undefined

  constructor(context: NodeContext) {
    this.#context = context
    const { toolbox, options, self } = context
    const { clock } = toolbox
    const wakeups = new Wakeups(clock)
    this.#wakeups = wakeups
    const stopping = this.#stopping.signal
    const coordination = () => context.coordination()
    const requests = () => context.requests
    const calls = new LeaderCalls({
      clock,
      leadership: () => knownLeadership(context),
      wakeups,
      patienceMs: PATIENT_ELECTIONS * raftPresets[options.profile].electionTimeoutMaxMs,
      isStopping: () => stopping.aborted,
    })
    const submissions = new Submissions({ clock, self: self.id, coordination, requests, calls })
    const reads = new Reads({
      clock,
      coordination,
      requests,
      calls,
      wakeups,
      isLinked: (id) => context.links.get(id) !== undefined,
      isAlive: (id) => context.members().some((member) => member.id === id && member.state === 'alive'),
      nameOf: (id) => context.nameOf(id),
      random: toolbox.random,
      stopping,
    })
    const engine = options.coordination
    const gate = engine && new EngineGate()
    const commands: Commands = gate ?? submissions
    const questions: Questions = gate ?? reads
    const leases = new Leases({
      submissions: commands,
      reads: questions,
      clock,
      nodeName: self.name,
      stopping,
    })
    this.#submissions = submissions
    this.#reads = reads
    this.#leases = leases
    this.#gate = gate
    this.elected = gate && engine && new ElectedHost(context, () => gate.engine, leases, engine.leaseMs)
    this.#singletons = new LocalSingletons({
      clock,
      leases,
      reads: questions,
      requests,
      logger: toolbox.logger,
      nodeName: self.name,
      nameOf: (id) => context.nameOf(id),
      route: (name) => context.route(name),
      stopping,
    })
    const offline = new OfflineKeys({
      submissions: commands,
      reads: questions,
      clock,
      self: self.id,
      logger: toolbox.logger,
      stopping,
    })
    this.faces = {
      config: new LocalConfig({
        clock,
        submissions: commands,
        reads: questions,
        offline: engine ? refusedOffline(engine.name) : offline,
        stopping,
      }),
      locks: new LocalLocks(leases, questions),
      semaphores: new LocalSemaphores(leases),
      elections: new LocalElections(leases, questions, stopping),
      barriers: new LocalBarriers(leases),
      counters: new LocalCounters(commands, questions),
      singletons: this.#singletons,
      leadership: this.elected ?? leadershipOf(context),
      backup: engine ? refusedBackup(engine.name) : (options) => takeBackup(context, calls, options),
    }
  }

  async start(): Promise<void> {
    if (this.#gate) return this.#openEngine(this.#gate)
    this.#submissions.serve()
    this.#reads.serve()
    this.#expirer = new LeaseExpirer(() => this.#context.coordination(), this.#context.toolbox.clock)
  }

  coordination(): void {
    this.#wakeups.wake()
    this.#enter()
  }

  /** Called within a step of the voter: who waits is woken when the writes that follow are on their way. */
  applied(): void {
    if (this.#isWaking || !this.#wakeups.areAwaited) return
    this.#isWaking = true
    behindNextTurn(this.#context.toolbox, () => {
      this.#isWaking = false
      this.#wakeups.wake()
    })
  }

  stage(): void {
    this.#enter()
  }

  async close(): Promise<void> {
    const { clock } = this.#context.toolbox
    await endsWithin(clock, RELEASE_GRACE_MS, this.#singletons.close())
    // A singleton that does not end keeps nobody waiting for the locks of this node.
    const releasing = (this.elected?.close() ?? Promise.resolve()).then(() => this.#leases.close())
    await endsWithin(clock, RELEASE_GRACE_MS, releasing)
    this.#stopping.abort()
    this.#wakeups.wake()
    this.#expirer?.[Symbol.dispose]()
    if (this.#gate?.isOpen) await this.#gate.engine.close()
  }

  async #openEngine(gate: EngineGate): Promise<void> {
    const { options, self, toolbox, engineChanged, fail } = this.#context
    const { signal, timeoutMs } = options
    using limit = limited(toolbox.clock, 'createNode', timeoutMs, signal)
    gate.open(
      await options.coordination!.open({
        cluster: options.cluster,
        nodeName: self.name,
        nodeId: self.id,
        clock: toolbox.clock,
        logger: toolbox.logger,
        signal: AbortSignal.any([limit.signal, this.#stopping.signal]),
        onChange: () => {
          if (gate.isOpen) engineChanged()
        },
        onFailure: fail,
      }),
    )
  }

  /** A member that knows its cluster stands for election. */
  #enter(): void {
    const { stage, coordination } = this.#context
    const cluster = coordination()
    if (this.elected && this.#gate?.isOpen && cluster && stage() === 'member') this.elected.begin(cluster.clusterId)
  }
}
