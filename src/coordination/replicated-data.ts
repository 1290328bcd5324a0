// The data that the cluster agrees on, as one part of a node: config today. It carries commands to the leader and reads to a copy of
// the machine, and wakes whoever waits when something was applied here.

import { raftPresets } from '../../consensus/index.ts'
import type { NodeContext, NodePart } from '../node-part.ts'
import { LocalConfig } from './config.ts'
import type { NodeConfig } from './config-interface.ts'
import { LeaderCalls, type Leadership } from './leader-calls.ts'
import { Reads } from './reads.ts'
import { Submissions } from './submissions.ts'
import { Wakeups } from './wakeups.ts'

/** An election may be split before one is won. */
const PATIENT_ELECTIONS = 2

export class ReplicatedData implements NodePart {
  readonly config: NodeConfig
  readonly #context: NodeContext
  readonly #submissions: Submissions
  readonly #reads: Reads
  readonly #wakeups = new Wakeups()
  readonly #stopping = new AbortController()

  constructor(context: NodeContext) {
    this.#context = context
    const { toolbox, options } = context
    const wakeups = this.#wakeups
    const coordination = () => context.coordination()
    const requests = () => context.requests
    const calls = new LeaderCalls({
      leadership: () => this.#leadership(),
      wakeups,
      patienceMs: PATIENT_ELECTIONS * raftPresets[options.profile].electionTimeoutMaxMs,
      isStopping: () => this.#stopping.signal.aborted,
    })
    const self = context.self.id
    const submissions = new Submissions({ self, coordination, requests, calls })
    this.#submissions = submissions
    this.#reads = new Reads({
      self,
      coordination,
      requests,
      calls,
      wakeups,
      isLinked: (id) => context.links.get(id) !== undefined,
      random: toolbox.random,
      stopping: this.#stopping.signal,
    })
    this.config = new LocalConfig({ submissions, reads: this.#reads, stopping: this.#stopping.signal })
  }

  async start(): Promise<void> {
    this.#submissions.serve()
    this.#reads.serve()
  }

  coordination(): void {
    this.#wakeups.wake()
  }

  close(): void {
    this.#stopping.abort()
    this.#wakeups.wake()
  }

  #leadership(): Leadership {
    const coordination = this.#context.coordination()
    if (!coordination) return { leader: undefined, voters: [], reachesMajority: true }
    const { leader, voters } = coordination.knowledge()
    const names = voters.map((id) => this.#context.nameOf(id))
    return { leader, voters: names, reachesMajority: coordination.reachesMajority }
  }
}
