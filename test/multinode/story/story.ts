// How a story is told: a cluster of five witnesses, the oracle watching, and words for what happens to them. A story
// says who is cut off from whom, what each side must do meanwhile, and ends with `heals`, from which the time is taken
// until all is whole.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { toFailure } from '../../../src/cli/failure.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { ClusterProcess } from '../../../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../../../src/testing/processes.ts'
import { pause } from '../../../src/wait.ts'
import { between, type Hardship, type Network, type Way, type Weather } from './network.ts'
import { Observation } from './observation.ts'

export const topologies = ['full-mesh', 'hyparview', 'client-server'] as const
export type Topology = (typeof topologies)[number]

export interface Story {
  /** A fact: the situation, and its shape. */
  readonly name: string
  /** What the network must be able to do. */
  readonly needs: Hardship
  tell(story: Telling): Promise<void>
}

/** Who is who as a round begins. */
export interface Scene {
  readonly leader: ClusterProcess
  /** The other four. */
  readonly others: readonly [ClusterProcess, ClusterProcess, ClusterProcess, ClusterProcess]
  readonly token: number
}

/** What was measured while a story was told. */
export interface Figures {
  /** Milliseconds from the end of the fault until all was whole, one for each round. */
  readonly healedMs: readonly number[]
  /** Milliseconds of a write in a minority until it was refused, once the minority knew that it is one. */
  readonly refusedMs: readonly number[]
}

export const memberCount = 5
/** Far above what is promised: how long it took is a figure, not a condition. */
const wholeWithinMs = 60_000
/** So much may be lost or slow on the way to a witness's answer. */
const askTimeoutMs = 10_000
/** In client-server these serve the other two; elsewhere roles mean nothing. */
const roles = Object.fromEntries(['node-1', 'node-2', 'node-3'].map((name) => [name, ['server']]))
const witness = fileURLToPath(new URL('witness.ts', import.meta.url))

/** Tells one story `rounds` times to one cluster. Rejects with what did not happen, and with what the oracle saw. */
export async function tell(story: Story, network: Network, topology: Topology, rounds = 1): Promise<Figures> {
  const env = { STORY_TOPOLOGY: topology, STORY_ROLES: JSON.stringify(roles) }
  const { hosts } = network
  const timeoutMs = 2 * wholeWithinMs
  await using cluster = await startProcesses(memberCount, {
    program: witness,
    env,
    timeoutMs,
    ...(hosts ? { hosts } : {}),
  })
  await using observation = new Observation(cluster)
  const telling = new Telling(cluster, network, observation)
  await observation.whole(wholeWithinMs)
  for (let round = 0; round < rounds; round++) await story.tell(telling)
  await observation.conclude()
  return telling
}

export class Telling implements Figures {
  readonly healedMs: number[] = []
  readonly refusedMs: number[] = []
  readonly #cluster: ProcessCluster
  readonly #network: Network
  readonly #observation: Observation

  constructor(cluster: ProcessCluster, network: Network, observation: Observation) {
    this.#cluster = cluster
    this.#network = network
    this.#observation = observation
  }

  async begins(): Promise<Scene> {
    const { leader, fencingToken: token } = await this.#cluster.ready()
    const others = this.#cluster.nodes.filter((node) => node !== leader)
    return { leader, others: others as unknown as Scene['others'], token }
  }

  /** Nothing passes between the sides. */
  splits(...sides: readonly (readonly ClusterProcess[])[]): Promise<void> {
    return this.#weather({ cuts: between(sides) })
  }

  /** Nothing goes from the one to the others; what they say still reaches it. */
  isNotHeard(from: ClusterProcess, by: readonly ClusterProcess[]): Promise<void> {
    return this.#weather({ cuts: by.map((to): Way => ({ from, to })) })
  }

  /** The link between two goes and comes back, `times` times, each way for `ms`. */
  async flaps(a: ClusterProcess, b: ClusterProcess, times: number, ms: number): Promise<void> {
    for (let turn = 0; turn < times; turn++) {
      await this.splits([a], [b])
      await pause(systemClock, ms)
      await this.#weather({})
      await pause(systemClock, ms)
    }
  }

  /** The weather stays as it is for so long: longer than TCP waits between two attempts to send something again. */
  lasts(ms: number): Promise<void> {
    return pause(systemClock, ms)
  }

  /** All that `node` sends and is sent is late. */
  isSlow(node: ClusterProcess, ms: number): Promise<void> {
    return this.#weather({ delay: { node, ms } })
  }

  /** Of all packets that `node` sends and is sent, so many are lost. */
  losesPackets(node: ClusterProcess, percent: number): Promise<void> {
    return this.#weather({ loss: { node, percent } })
  }

  /** The wall clock of each moves by an hour or two, one after the other. */
  async clocksStep(): Promise<void> {
    for (const { pid } of this.#cluster.nodes) {
      process.kill(pid, 'SIGUSR2')
      await this.goesOn(20)
    }
  }

  async stopsAndStarts(node: ClusterProcess): Promise<void> {
    const { code } = await node.stop()
    assert.equal(code, 0, `${node.name} stops in order`)
    await node.restart()
  }

  /** Each of the side sees each of the others down. */
  seesDown(side: readonly ClusterProcess[], others: readonly ClusterProcess[]): Promise<unknown> {
    return this.#until(`${namesOf(side)} see ${namesOf(others)} down`, async () => {
      const tables = await Promise.all(side.map((node) => node.members()))
      const down = tables.map((members) => members.filter(({ state }) => state === 'down').map(({ name }) => name))
      return down.every((names) => others.every(({ name }) => names.includes(name)))
    })
  }

  /** Each of them sees somebody down. */
  seeSomebodyDown(...nodes: readonly ClusterProcess[]): Promise<unknown> {
    return this.#until(`${namesOf(nodes)} each see somebody down`, async () => {
      const tables = await Promise.all(nodes.map((node) => node.members()))
      return tables.every((members) => members.some(({ state }) => state === 'down'))
    })
  }

  /**
   * The side is a minority, knows it, and says so at once: no leader, no host of S5, no write; old values with their
   * age.
   */
  async refuses(...side: readonly ClusterProcess[]): Promise<void> {
    await this.#until(`${namesOf(side)} know that they are a minority`, async () => {
      const statuses = await Promise.all(side.map((node) => node.status()))
      return statuses.every(({ consensus, s5 }) => !consensus.quorum && consensus.leader === null && s5.host === null)
    })
    await Promise.all(side.map((node) => this.#isRefused(node)))
  }

  /** The side has S5, one host and the same for all of it, and takes writes. */
  async serves(...side: readonly ClusterProcess[]): Promise<void> {
    await this.#until(`${namesOf(side)} have S5`, async () => {
      const hosts = new Set((await Promise.all(side.map((node) => node.status()))).map(({ s5 }) => JSON.stringify(s5)))
      const { host, phase } = JSON.parse([...hosts][0]!) as { host: string; phase: string }
      return hosts.size === 1 && phase === 'active' && this.#cluster.nodes.some(({ name }) => name === host)
    })
    for (const node of side)
      await this.#until(`${node.name} takes a write`, () => node.ask('/v1/config/served', aWrite, askTimeoutMs))
  }

  /** Clients somewhere are answered so many times more. */
  async goesOn(answers = 50): Promise<void> {
    const { counts } = this.#observation.oracle
    const before = counts.read + counts.write
    await this.#until(`${answers} more answers`, () => counts.read + counts.write >= before + answers)
  }

  /** Nobody was elected anew since the scene. */
  async isUnmoved({ leader, token }: Scene): Promise<void> {
    const { leader: now, fencingToken } = await this.#cluster.ready()
    assert.deepEqual([now.name, fencingToken], [leader.name, token], 'the same leader with the same token')
  }

  /** The fault is over: how long until all is whole? */
  async heals(): Promise<void> {
    await this.#weather({})
    this.healedMs.push((await this.#observation.whole(wholeWithinMs)).ms)
  }

  async #isRefused(node: ClusterProcess): Promise<void> {
    const began = performance.now()
    const code = await node.ask('/v1/config/refused', aWrite, askTimeoutMs).then(
      () => 'acknowledged',
      (error: unknown) => toFailure(error).code,
    )
    this.refusedMs.push(performance.now() - began)
    assert.equal(code, 'ERR_NO_QUORUM', `${node.name} refuses a write`)
  }

  #weather(weather: Weather): Promise<void> {
    return this.#network.set(this.#cluster, weather)
  }

  #until(description: string, condition: () => unknown): Promise<unknown> {
    return this.#cluster.until(
      description,
      async () => {
        this.#observation.look()
        return condition()
      },
      { timeoutMs: wholeWithinMs },
    )
  }
}

const aWrite = { method: 'PUT', body: { value: 1 } } as const

function namesOf(nodes: readonly ClusterProcess[]): string {
  return nodes.map(({ name }) => name).join(', ')
}
