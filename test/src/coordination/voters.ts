// Voters in one process, joined by a network that can be cut: real cores, real timers, logs in memory.

import { after } from 'node:test'
import {
  type ClusterCommand,
  type FeatureLevels,
  type RaftMessage,
  type RaftOptions,
  raftPresets,
} from '../../../consensus/index.ts'
import type { HostOrder } from '../../../src/coordination/host-driver.ts'
import { Voter } from '../../../src/coordination/voter.ts'
import { silentLogger } from '../../../src/observability/logger.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import { MemoryLog, type MemoryLogOptions } from '../../../src/storage/memory.ts'
import { waitUntil } from '../../../src/testing/compliance/wait-until.ts'

const open: VoterUnderTest[] = []
after(async () => {
  for (const { voter } of open.splice(0)) await voter.close()
})

export interface VoterUnderTest {
  readonly id: string
  readonly voter: Voter
  readonly log: MemoryLog
  /** `start 4`, `stop 4 reason`. */
  readonly hosting: string[]
  readonly failures: unknown[]
  readonly counts: string[]
  /** What the node was told that has changed. */
  readonly news: string[]
}

export class Network {
  readonly voters = new Map<string, VoterUnderTest>()
  /** Nothing goes to or from these. */
  readonly cut = new Set<string>()
  /** Links to these are closed, and everybody knows. */
  readonly unlinked = new Set<string>()

  readonly #raft: RaftOptions

  readonly #snapshotBytes: number | undefined
  /** The release that a voter runs, where it is not this one. */
  readonly levels = new Map<string, FeatureLevels>()

  constructor(raft: Partial<RaftOptions> = {}, snapshotBytes?: number) {
    this.#raft = { ...raftPresets.local, ...raft }
    this.#snapshotBytes = snapshotBytes
  }

  static async of(
    ids: readonly string[],
    flushes: Readonly<Record<string, MemoryLogOptions>> = {},
    raft: Partial<RaftOptions> = {},
    snapshotBytes?: number,
    levels: Readonly<Record<string, FeatureLevels>> = {},
  ): Promise<Network> {
    const network = new Network(raft, snapshotBytes)
    for (const [id, level] of Object.entries(levels)) network.levels.set(id, level)
    const voters = ids.map((id) => ({ id, storeId: `store-${id}` }))
    for (const id of ids) {
      const header = { clusterId: 'c', nodeId: id, storeId: `store-${id}`, voters }
      await network.open(id, new MemoryLog(header, flushes[id]))
    }
    return network
  }

  async open(id: string, log: MemoryLog): Promise<VoterUnderTest> {
    const under: Omit<VoterUnderTest, 'voter'> = { id, log, hosting: [], failures: [], counts: [], news: [] }
    const levels = this.levels.get(id)
    const voter = await Voter.open({
      self: id,
      ...(levels === undefined ? {} : { levels }),
      log,
      raft: this.#raft,
      ...(this.#snapshotBytes === undefined ? {} : { snapshotBytes: this.#snapshotBytes }),
      clock: systemClock,
      random: Math.random,
      turn: { enter: (work) => work() },
      logger: silentLogger,
      send: (to, message) => this.#send(id, to, message),
      isLinked: (to) => !this.unlinked.has(to),
      onChange: () => under.news.push('of members'),
      onApplied: () => under.news.push('of clients'),
      onHost: (order) => order.type !== 'drain' && under.hosting.push(describeHosting(order)),
      count: (reason) => under.counts.push(reason),
      onDiskFailure: (error) => under.failures.push(error),
    })
    const test = { ...under, voter }
    this.voters.set(id, test)
    open.push(test)
    return test
  }

  get(id: string): VoterUnderTest {
    const voter = this.voters.get(id)
    if (!voter) throw new Error(`no voter ${id}`)
    return voter
  }

  /** Waits until one that is not cut off leads, and returns it. */
  async leader(): Promise<VoterUnderTest> {
    const find = () =>
      [...this.voters.values()].find(({ id, voter }) => !this.cut.has(id) && voter.view().role === 'leader')
    await waitUntil(() => find() !== undefined)
    return find() as VoterUnderTest
  }

  others(than: VoterUnderTest): VoterUnderTest[] {
    return [...this.voters.values()].filter((voter) => voter !== than)
  }

  #send(from: string, to: string, message: RaftMessage<ClusterCommand>): void {
    setImmediate(() => {
      if (!this.cut.has(from) && !this.cut.has(to)) this.voters.get(to)?.voter.receive(from, `store-${from}`, message)
    })
  }
}

function describeHosting(effect: Exclude<HostOrder, { type: 'drain' }>): string {
  return effect.type === 'start' ? `start ${effect.token}` : `stop ${effect.token} ${effect.reason}`
}
