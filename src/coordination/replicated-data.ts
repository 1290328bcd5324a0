// The data that the cluster agrees on, as one part of a node: config, locks and their kin, counters. It carries commands to the leader and reads to a copy
// of the machine, and wakes whoever waits when something was applied here.

import { raftPresets } from '../../consensus/index.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { takeBackup } from '../recovery/take-backup.ts'
import { pause } from '../wait.ts'
import { LocalBarriers } from './barriers.ts'
import { LocalConfig } from './config.ts'
import type { NodeConfig } from './config-interface.ts'
import { LocalCounters } from './counters.ts'
import { LocalElections } from './elections.ts'
import { type CallOptions, LeaderCalls, type Leadership } from './leader-calls.ts'
import { leadershipOf, type NodeLeadership } from './leadership.ts'
import { LeaseExpirer } from './lease-expirer.ts'
import type { NodeBarriers, NodeCounters, NodeElections, NodeLocks, NodeSemaphores } from './lease-interface.ts'
import { Leases } from './leases.ts'
import { LocalLocks, LocalSemaphores } from './locks.ts'
import { OfflineKeys } from './offline.ts'
import { Reads } from './reads.ts'
import type { NodeSingletons } from './singleton-interface.ts'
import { LocalSingletons } from './singletons.ts'
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

export class ReplicatedData implements NodePart {
  readonly faces: DataFaces
  readonly #context: NodeContext
  readonly #submissions: Submissions
  readonly #reads: Reads
  readonly #leases: Leases
  readonly #singletons: LocalSingletons
  readonly #wakeups: Wakeups
  readonly #stopping = new AbortController()
  #expirer: LeaseExpirer | undefined

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
      leadership: () => this.#leadership(),
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
      random: toolbox.random,
      stopping,
    })
    const leases = new Leases({ submissions, reads, clock, nodeName: self.name, stopping })
    this.#submissions = submissions
    this.#reads = reads
    this.#leases = leases
    this.#singletons = new LocalSingletons({
      clock,
      leases,
      reads,
      requests,
      logger: toolbox.logger,
      nodeName: self.name,
      nameOf: (id) => context.nameOf(id),
      route: (name) => context.route(name),
      stopping,
    })
    const offline = new OfflineKeys({
      submissions,
      reads,
      clock,
      self: self.id,
      logger: toolbox.logger,
      stopping,
    })
    this.faces = {
      config: new LocalConfig({ clock, submissions, reads, offline, stopping }),
      locks: new LocalLocks(leases, reads),
      semaphores: new LocalSemaphores(leases),
      elections: new LocalElections(leases, reads, stopping),
      barriers: new LocalBarriers(leases),
      counters: new LocalCounters(submissions, reads),
      singletons: this.#singletons,
      leadership: leadershipOf(context),
      backup: (options) => takeBackup(context, calls, options),
    }
  }

  async start(): Promise<void> {
    this.#submissions.serve()
    this.#reads.serve()
    this.#expirer = new LeaseExpirer(() => this.#context.coordination(), this.#context.toolbox.clock)
  }

  coordination(): void {
    this.#wakeups.wake()
  }

  async close(): Promise<void> {
    const released = new AbortController()
    const releasing = this.#singletons
      .close()
      .then(() => this.#leases.close())
      .finally(() => released.abort())
    await Promise.race([releasing, pause(this.#context.toolbox.clock, RELEASE_GRACE_MS, released.signal)])
    this.#stopping.abort()
    this.#wakeups.wake()
    this.#expirer?.[Symbol.dispose]()
  }

  #leadership(): Leadership {
    const coordination = this.#context.coordination()
    if (!coordination) return { leader: undefined, voters: [], reachesMajority: true, unledMs: 0 }
    const { leader, voters } = coordination.knowledge()
    const names = voters.map((id) => this.#context.nameOf(id))
    const { reachesMajority, isVoter } = coordination
    return { leader, voters: names, reachesMajority, unledMs: isVoter ? coordination.ageMs() : 0 }
  }
}
