// Whole clusters in one process, in memory and in virtual time, for the tests of whoever builds on Trellis: nodes as
// `createNode` makes them, with all that they do, and a network, disks and clocks that are a test's own. An hour takes
// seconds, and the same seed is the same run. Nothing passes in real time: no timer, no socket, no disk of the machine
// has a part in it.

import { readiness } from '../../cli/up/readiness.ts'
import type { NodeOptions } from '../../options.ts'
import { checkTestCluster } from '../cluster-checks.ts'
import { describeSituation } from './situation.ts'
import { Lives, type TestNode, type TestRestartOptions } from './test-node.ts'
import { VirtualTime } from './virtual-time.ts'
import { VirtualWorld } from './virtual-world.ts'

/** Options of the nodes of a test cluster: those of `createNode`, but for what the cluster itself sees to. */
export type TestNodeOptions = Omit<
  NodeOptions,
  | 'name'
  | 'listen'
  | 'advertise'
  | 'join'
  | 'expect'
  | 'dataDir'
  | 'admin'
  | 'adminToken'
  | 'dns'
  | 'keepStalledMs'
  | 'transport'
>

export interface TestClusterOptions {
  /**
   * What all chance comes from: keys, election timeouts, whom a probe goes to. The same seed is the same run. Default
   * 1.
   */
  readonly seed?: number
  /** How many fresh nodes form the cluster; the others join it. Default: all. */
  readonly expect?: number
  /** Milliseconds that everything takes on its way from node to node. Default 1. */
  readonly latencyMs?: number
  /** Options of the nodes, the same for all or by name. */
  readonly node?: TestNodeOptions | ((name: string) => TestNodeOptions)
  /** False: resolve as soon as all have been started. Default true: wait until they are one cluster. */
  readonly untilReady?: boolean
  /** How long the cluster may take to be ready, in milliseconds of virtual time. Default 30,000. */
  readonly timeoutMs?: number
}

/** Bounds of a wait in a test cluster. */
export interface TestWaitOptions {
  /** Milliseconds of virtual time until the wait fails. Default 60,000. */
  readonly timeoutMs?: number
  /** Ends the wait early, with the signal's reason. */
  readonly signal?: AbortSignal
}

type Truthy<Value> = Exclude<Value, false | null | undefined | 0 | ''>
type Condition<Value> = () => Value | Promise<Value>

/** What everybody agrees on in a test cluster that is ready. */
export interface TestAgreement {
  readonly leader: TestNode
  readonly fencingToken: number
  readonly clusterId: string
}

/** Made by {@link createTestCluster}. A node is meant by itself or by its name. */
export interface TestCluster extends AsyncDisposable {
  /** `node-1`, `node-2`, … */
  readonly nodes: readonly TestNode[]
  /** Those that live and are not paused. */
  readonly running: readonly TestNode[]
  /** What chance comes from; given again, it is the same run. */
  readonly seed: number
  /** Milliseconds of virtual time since the cluster was made. */
  readonly now: number
  /** The node of that name, over all its lives. Throws when there is none. */
  node(name: string): TestNode
  /**
   * Nothing passes between the sides any more; nodes on no side stay linked to all. A single side is cut off from all
   * others. Replaces what was cut before. What is on its way is not lost but late, as with TCP.
   */
  partition(...sides: readonly (readonly (TestNode | string)[])[]): Promise<void>
  /**
   * Connections over what is cut break at both ends, as they do after some minutes when TCP gives up; without it they
   * go on when the cut is healed.
   */
  breakConnections(): Promise<void>
  /** Undoes every cut. */
  heal(): Promise<void>
  /** See {@link TestNode.kill}. */
  kill(node: TestNode | string): Promise<void>
  pause(node: TestNode | string): Promise<void>
  resume(node: TestNode | string): Promise<void>
  restart(node: TestNode | string, options?: TestRestartOptions): Promise<void>
  /** Whom all running nodes hold for the leader; undefined while they do not agree. */
  leader(): TestNode | undefined
  /**
   * Waits until all running nodes see each other alive, know all voters, and agree on the leader, on its token and on
   * one cluster.
   */
  ready(options?: TestWaitOptions): Promise<TestAgreement>
  /**
   * Resolves to what `condition` answers as soon as that is truthy; a condition that throws is asked again. Rejects at
   * the deadline, and as soon as nothing can happen any more, with what was waited for, the last error (`cause`), and
   * who saw what.
   */
  until<Value>(condition: Condition<Value>, options?: TestWaitOptions): Promise<Truthy<Value>>
  until<Value>(description: string, condition: Condition<Value>, options?: TestWaitOptions): Promise<Truthy<Value>>
  /** Lets that much virtual time pass. */
  advance(ms: number, options?: Pick<TestWaitOptions, 'signal'>): Promise<void>
  /** Time stands still while `work` runs: for what a test does in real time, such as a query of a real database. */
  standStill<Value>(work: () => Promise<Value> | Value): Promise<Value>
}

const basePort = 7_400
const readyTimeoutMs = 30_000
const untilTimeoutMs = 60_000
/**
 * A condition is asked again after a hundredth of the time that it has been waited for, but not more often than this.
 */
const leastLookMs = 1
const lookShare = 100
/** Virtual time in which nobody asked anything: the test waits for what is not coming. */
const patienceMs = 3_600_000

/**
 * Starts `count` nodes in memory and resolves when they are one cluster with S5 active. Rejects, and leaves nothing
 * behind, when they are not in time, and with `ERR_BAD_OPTIONS` at once for a count or an option that cannot be. Time
 * passes while the test waits for anything, and stands still while it works.
 */
export async function createTestCluster(count: number, options: TestClusterOptions = {}): Promise<TestCluster> {
  checkTestCluster(count, options)
  const cluster = new VirtualCluster(count, options)
  try {
    await cluster.begin(options)
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

class VirtualCluster implements TestCluster {
  readonly seed: number
  readonly nodes: readonly TestNode[]
  readonly #lives: readonly Lives[]
  readonly #founders: number
  readonly #time: VirtualTime
  readonly #world: VirtualWorld
  #sides: readonly (readonly string[])[] = []

  constructor(count: number, { seed = 1, expect = count, latencyMs = 1, node = {} }: TestClusterOptions) {
    this.seed = seed
    this.#founders = expect
    this.#time = new VirtualTime({ patienceMs, onForsaken: () => this.#forsaken() })
    this.#world = new VirtualWorld(this.#time, seed, latencyMs)
    const names = Array.from({ length: count }, (_, i) => `node-${i + 1}`)
    const addresses = names.map((_, i) => `127.0.0.1:${basePort + i + 1}`)
    this.#lives = names.map((name, i) => {
      const own = typeof node === 'function' ? node(name) : node
      const introduction = { join: addresses.filter((_, other) => other !== i), ...(count > 1 ? { expect } : {}) }
      return new Lives({
        name,
        options: { ...own, listen: addresses[i] as string },
        introduction: count > 1 ? introduction : {},
        world: this.#world,
        onAsked: () => this.#time.touch(),
        onReborn: () => this.#cut(),
      })
    })
    this.nodes = this.#lives.map(({ face }) => face)
  }

  /** Starts all of them at once. */
  async begin({ untilReady = true, timeoutMs = readyTimeoutMs }: TestClusterOptions): Promise<void> {
    await Promise.all(this.#lives.map((lives) => lives.start(true)))
    if (untilReady) await this.ready({ timeoutMs })
  }

  get running(): readonly TestNode[] {
    return this.#lives.filter(({ state }) => state === 'running').map(({ face }) => face)
  }

  get now(): number {
    return this.#time.now
  }

  node(name: string): TestNode {
    return this.#livesOf(name).face
  }

  async partition(...sides: readonly (readonly (TestNode | string)[])[]): Promise<void> {
    const named = sides.map((side) => side.map((node) => this.#livesOf(node).name))
    const others = this.#lives.map(({ name }) => name).filter((name) => !named.flat().includes(name))
    this.#sides = named.length === 1 ? [...named, others] : named
    this.#cut()
  }

  async breakConnections(): Promise<void> {
    const { faults } = this.#world
    for (const { id: one } of this.#lives)
      for (const { id: other } of this.#lives) if (faults.isCut(one, other)) faults.drop(one, other)
  }

  async heal(): Promise<void> {
    await this.partition()
  }

  kill(node: TestNode | string): Promise<void> {
    return this.#livesOf(node).kill()
  }

  pause(node: TestNode | string): Promise<void> {
    return this.#livesOf(node).pause()
  }

  resume(node: TestNode | string): Promise<void> {
    return this.#livesOf(node).resume()
  }

  restart(node: TestNode | string, options?: TestRestartOptions): Promise<void> {
    return this.#livesOf(node).restart(options)
  }

  leader(): TestNode | undefined {
    const leaders = new Set(this.#reports().map(({ status }) => status?.consensus.leader))
    const [leader] = leaders
    return leaders.size === 1 && leader ? this.node(leader) : undefined
  }

  ready(options: TestWaitOptions = {}): Promise<TestAgreement> {
    return this.until('the cluster is ready', () => this.#agreement(), options)
  }

  async until<Value>(
    first: string | Condition<Value>,
    second?: Condition<Value> | TestWaitOptions,
    third?: TestWaitOptions,
  ): Promise<Truthy<Value>> {
    const [description, condition, options] =
      typeof first === 'string'
        ? [first, second as Condition<Value>, third]
        : [String(first), first, second as TestWaitOptions | undefined]
    const { timeoutMs = untilTimeoutMs, signal } = options ?? {}
    const began = this.now
    // Not by what has passed: where time has a fraction, the rest of it may be too little for time to go on.
    const deadline = began + timeoutMs
    for (let found: 'later' | 'nothing' = 'later'; ; ) {
      signal?.throwIfAborted()
      let problem: unknown
      try {
        const value = await condition()
        if (value) return value as Truthy<Value>
      } catch (error) {
        problem = error
      }
      const isLate = this.now >= deadline
      if (isLate || found === 'nothing') {
        const why = isLate
          ? `not within ${timeoutMs} ms of virtual time`
          : 'nothing can happen any more, and it is not so'
        throw new Error(`${why}: ${description}\n${this.#situation()}`, { cause: problem })
      }
      const lookAfter = Math.min(Math.max(leastLookMs, (this.now - began) / lookShare), deadline - this.now)
      found = await this.#time.look(lookAfter, signal)
    }
  }

  async advance(ms: number, { signal }: Pick<TestWaitOptions, 'signal'> = {}): Promise<void> {
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY)) throw new TypeError(`time cannot go on by ${ms} ms`)
    signal?.throwIfAborted()
    const until = this.now + ms
    // A plan, so that it also passes where nothing else is planned; looks, so that it is not taken for forsaken.
    using _plan = this.#time.plan(ms, () => {})
    while (this.now < until) {
      await this.#time.look(until - this.now, signal)
      signal?.throwIfAborted()
    }
  }

  standStill<Value>(work: () => Promise<Value> | Value): Promise<Value> {
    return this.#time.standStill(work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.heal()
    const ended = Promise.allSettled(this.#lives.map((lives) => lives.end()))
    const failed = (await ended).find((result) => result.status === 'rejected')
    this.#time[Symbol.dispose]()
    if (failed) throw failed.reason
  }

  #livesOf(node: TestNode | string): Lives {
    this.#time.touch()
    const found = this.#lives.find(({ name, face }) => name === node || face === node)
    if (!found) throw new Error(`there is no node '${typeof node === 'string' ? node : node.name}'`)
    return found
  }

  #cut(): void {
    const { faults } = this.#world
    const sideOf = (name: string): number => this.#sides.findIndex((side) => side.includes(name))
    for (const one of this.#lives)
      for (const other of this.#lives) {
        const [from, to] = [sideOf(one.name), sideOf(other.name)]
        if (from >= 0 && to >= 0 && from !== to) faults.cut(one.id, other.id)
        else faults.restore(one.id, other.id)
      }
  }

  #reports() {
    return this.#lives
      .filter(({ state }) => state === 'running')
      .map(({ name, node }) => ({ name, status: node?.status() }))
  }

  #agreement(): TestAgreement | undefined {
    const reports = this.#reports()
    if (reports.length === 0) return undefined
    const result = readiness(reports, this.#founders)
    const ids = new Set(reports.map(({ status }) => status?.cluster.id))
    const [clusterId] = ids
    if (!result.ready || ids.size !== 1 || !clusterId) return undefined
    return { leader: this.node(result.leader), fencingToken: result.fencingToken, clusterId }
  }

  #situation(): string {
    return describeSituation(this.#lives, this.#sides, this.now, this.seed)
  }

  #forsaken(): void {
    const hours = patienceMs / 3_600_000
    const text = `${hours} hour of virtual time went by in which the test asked nothing: time stands still until it does`
    process.emitWarning(`${text}\n${this.#situation()}`, { type: 'TestClusterWarning' })
  }
}
