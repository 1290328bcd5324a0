// Switches by whole nodes: everything that a node is made of, Raft, relays, holds and lanes included, in virtual time.
// Members are killed, stopped and parted from each other, and leadership is handed over, at the very moment at which a
// switch enters a phase; all the while they send each other acknowledged messages with keys. Slower than the world of
// cores alone, and nothing in it is a model.

import { isClusterError } from '../../../errors.ts'
import type { ClusterEvent } from '../../../node-interface.ts'
import { createTestCluster, type TestCluster } from '../../virtual/test-cluster.ts'
import type { TestNode } from '../../virtual/test-node.ts'
import { Prng } from '../random.ts'
import { SwitchingFailure } from './failure.ts'
import { MessageOracle } from './message-oracle.ts'

const FAULTS_MS = 20_000
const QUIET_MS = 60_000
const STEP_MS = 20
const topologies = ['full-mesh', 'hyparview', 'client-server'] as const

/** What can happen to a switch when it enters a phase. */
const blows = ['kill-leader', 'kill-member', 'stop-leader', 'part', 'transfer'] as const
type Blow = (typeof blows)[number]

/**
 * What every member may do wrong on purpose: hand over a second time what it was handed, say that it was handed what it
 * was not, or that another topology was agreed on.
 */
export const wholeSwitchBugs = ['delivers-twice', 'acknowledges-unread', 'adopts-another'] as const
export type WholeSwitchBug = (typeof wholeSwitchBugs)[number]

export function isWholeSwitchBug(name: string): name is WholeSwitchBug {
  return (wholeSwitchBugs as readonly string[]).includes(name)
}

export interface WholeOutcome {
  readonly committed: number
  readonly aborted: number
  readonly acknowledged: number
  /** Faults at the beginning of a phase, by phase and fault. */
  readonly blows: Readonly<Record<string, number>>
}

/** Throws a `SwitchingFailure` when an invariant does not hold. The same seed gives the same run. */
export async function runWholeSwitching(seed: number, bug?: WholeSwitchBug): Promise<WholeOutcome> {
  const random = new Prng(seed, 'whole switching')
  const size = 3 + random.integer(4)
  await using cluster = await createTestCluster(size, { seed, latencyMs: random.pick([1, 3, 10]) })
  const run = new WholeRun(cluster, random, bug)
  await run.faults()
  await run.quiet()
  return run.outcome()
}

class WholeRun {
  readonly #cluster: TestCluster
  readonly #random: Prng
  readonly #oracle = new MessageOracle()
  readonly #bug: WholeSwitchBug | undefined
  readonly #blows: Record<string, number> = {}
  /** What was agreed on, by epoch, as members are told. */
  readonly #names = new Map<number, string>()
  readonly #lives = new Map<string, number>()
  #failure: SwitchingFailure | undefined
  #aborted = 0
  #number = 0
  #isCalm = false
  #isParted = false

  constructor(cluster: TestCluster, random: Prng, bug: WholeSwitchBug | undefined) {
    this.#cluster = cluster
    this.#random = random
    this.#bug = bug
    for (const node of cluster.nodes) this.#attend(node)
  }

  async faults(): Promise<void> {
    const until = this.#cluster.now + FAULTS_MS
    let nextOrder = this.#cluster.now + 500
    while (this.#cluster.now < until) {
      this.#sendOne()
      if (this.#cluster.now >= nextOrder) {
        nextOrder = this.#cluster.now + this.#random.between(500, 3_000)
        this.#order()
      }
      await this.#cluster.advance(STEP_MS)
    }
  }

  /**
   * Nothing more goes wrong: everybody ends in one topology of one epoch, and every message that was acknowledged has
   * arrived.
   */
  async quiet(): Promise<void> {
    const cluster = this.#cluster
    this.#isCalm = true
    await cluster.heal()
    for (const node of cluster.nodes) await this.#bringBack(node)
    const stands = (): string => cluster.nodes.map((node) => `${node.name}: ${standing(node)}`).join('; ')
    try {
      await cluster.ready({ timeoutMs: QUIET_MS })
      await cluster.until(() => new Set(cluster.nodes.map(standing)).size === 1, { timeoutMs: QUIET_MS })
      await cluster.until(() => cluster.nodes.every(({ topology }) => topology.view().phase === 'stable'))
      await cluster.until(() => this.#oracle.waiting === 0, { timeoutMs: QUIET_MS })
    } catch (error) {
      throw new SwitchingFailure(`never at rest: ${stands()}, ${this.#oracle.waiting} messages wait`, { cause: error })
    }
    this.#oracle.quiet()
    if (this.#failure) throw this.#failure
  }

  outcome(): WholeOutcome {
    const committed = Math.max(...this.#cluster.nodes.map(({ topology }) => topology.view().epoch))
    return { committed, aborted: this.#aborted, acknowledged: this.#oracle.acknowledgedCount, blows: this.#blows }
  }

  /** In each life of it. */
  #attend(node: TestNode): void {
    const life = `${node.name}.${(this.#lives.get(node.name) ?? 0) + 1}`
    this.#lives.set(node.name, (this.#lives.get(node.name) ?? 0) + 1)
    node.channel('data').onMessage(({ payload }) => {
      if (this.#bug === 'acknowledges-unread' && this.#random.chance(0.02)) return
      this.#oracle.delivered(life, payload as never)
      if (this.#bug === 'delivers-twice' && this.#random.chance(0.02)) this.#oracle.delivered(life, payload as never)
    })
    node.events.subscribe((event) => this.#hear(node, event))
  }

  #hear(node: TestNode, event: ClusterEvent): void {
    if (event.type !== 'switch') return
    this.#agreed(this.#bug === 'adopts-another' && this.#random.chance(0.1) ? { ...event, to: 'another' } : event)
    const isLeading = node.status().consensus.role === 'leader'
    if (event.phase === 'aborted' && isLeading) this.#aborted += 1
    // The leader enters each phase first; what befalls it then befalls the switch in that phase.
    if (this.#isCalm || !isLeading || event.phase === 'stable' || !this.#random.chance(0.25)) return
    const blow = this.#random.pick([...blows])
    const name = `${event.phase} ${blow}`
    this.#blows[name] = (this.#blows[name] ?? 0) + 1
    queueMicrotask(() => void this.#strike(blow, node))
  }

  /** Nobody is told of another topology for an epoch than everybody else. Kept: what a listener throws ends nothing. */
  #agreed({ phase, epoch, to }: Extract<ClusterEvent, { type: 'switch' }>): void {
    if (phase !== 'committed') return
    const known = this.#names.get(epoch)
    if (known !== undefined && known !== to)
      this.#failure ??= new SwitchingFailure(`epoch ${epoch} is ${known} and ${to}`)
    this.#names.set(epoch, to)
  }

  async #strike(blow: Blow, leader: TestNode): Promise<void> {
    const cluster = this.#cluster
    if (!leader.isRunning) return
    // A majority always lives, or nothing could be said of what must happen.
    const isWhole = cluster.running.length === cluster.nodes.length && !this.#isParted
    const victim =
      blow === 'kill-member' ? this.#random.pick(cluster.running.filter((node) => node !== leader)) : leader
    if (blow === 'transfer') return void leader.leadership.transfer().catch(() => {})
    if (!isWhole) return
    if (blow === 'part') {
      this.#isParted = true
      const others = this.#random.shuffle(cluster.nodes.filter((node) => node !== leader))
      await cluster.partition([leader, ...others.slice(0, this.#random.integer(others.length))])
      this.#later(async () => {
        this.#isParted = false
        await cluster.heal()
      })
    } else if (blow === 'stop-leader') {
      await cluster.pause(victim)
      this.#later(() => this.#bringBack(victim))
    } else {
      await cluster.kill(victim)
      this.#later(() => this.#bringBack(victim))
    }
  }

  #later(work: () => Promise<void>): void {
    const at = this.#cluster.now + this.#random.between(50, 6_000)
    void (async () => {
      while (this.#cluster.now < at && !this.#isCalm) await this.#cluster.advance(STEP_MS)
      if (!this.#isCalm) await work()
    })()
  }

  async #bringBack(node: TestNode): Promise<void> {
    if (node.isRunning) return
    try {
      await node.resume()
    } catch {
      try {
        await node.restart()
        this.#attend(node)
      } catch (error) {
        // Killed before it was up: whoever did that brings it back.
        if (!isClusterError(error, 'ERR_SHUTTING_DOWN')) throw error
      }
    }
  }

  #order(): void {
    const node = this.#random.pick([...this.#cluster.running])
    const to = this.#random.pick(topologies.filter((name) => name !== node.topology.view().name))
    const timeoutMs = this.#random.pick([1_000, 4_000, 10_000])
    // What is refused, and what nobody lived to answer, is seen in the end.
    void node.topology.switch(to, { timeoutMs }).catch(() => {})
  }

  #sendOne(): void {
    const [from, to] = this.#random.shuffle([...this.#cluster.running])
    if (!from || !to) return
    const key = `key-${this.#random.integer(3)}`
    const message = { source: `${from.name}.${this.#lives.get(from.name)}`, to: to.name, key, number: ++this.#number }
    this.#oracle.sent(message)
    from
      .channel('data')
      .send(to.name, message, { ack: true, key, timeoutMs: 15_000 })
      .then(
        () => this.#oracle.acknowledged(message),
        () => this.#oracle.failed(message),
      )
  }
}

function standing({ topology }: TestNode): string {
  const { name, epoch } = topology.view()
  return `${name} ${epoch}`
}
