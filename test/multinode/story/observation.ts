// The oracle at work on a cluster of witnesses: it reads what they print, and clients of its own read and write keys on
// any member, whatever happens meanwhile. `whole` is what must be true again once all faults are over.

import { isDeepStrictEqual } from 'node:util'
import { readiness } from '../../../src/cli/up/readiness.ts'
import type { MemberView } from '../../../src/node-interface.ts'
import { systemClock } from '../../../src/runtime/clock.ts'
import type { ClusterProcess } from '../../../src/testing/process-member.ts'
import type { ProcessCluster } from '../../../src/testing/processes.ts'
import { pause } from '../../../src/wait.ts'
import type { Observed } from './observed.ts'
import { Oracle } from './oracle.ts'

const prefix = 'story.'
const clientCount = 3
/** Between two operations of one client. */
const clientPauseMs = 20
const settleMs = 10_000

interface Entry {
  readonly key: string
  readonly value: unknown
  readonly revision: number
}

export interface Whole {
  /** Milliseconds until all was well. */
  readonly ms: number
  /** What was missing last. */
  readonly lacked: string
}

export class Observation implements AsyncDisposable {
  readonly oracle = new Oracle()
  readonly #cluster: ProcessCluster
  /** Lines already read, by process. */
  readonly #read = new Map<ClusterProcess, number>()
  readonly #listeners: ((node: string, observed: Observed) => void)[] = []
  #clients: { readonly stop: AbortController; readonly ended: Promise<unknown> } | undefined
  #counter = 0

  constructor(cluster: ProcessCluster) {
    this.#cluster = cluster
    this.begin()
  }

  onObserved(listener: (node: string, observed: Observed) => void): void {
    this.#listeners.push(listener)
  }

  /** Lets the clients work. */
  begin(): void {
    if (this.#clients) return
    const stop = new AbortController()
    const clients = Array.from({ length: clientCount }, (_, i) => this.#client(`${prefix}${i}`, stop.signal))
    this.#clients = { stop, ended: Promise.all(clients) }
  }

  /** Resolves when no client waits for an answer any more. */
  async rest(): Promise<void> {
    this.#clients?.stop.abort()
    await this.#clients?.ended
    this.#clients = undefined
  }

  /** Takes in what was printed since the last look. */
  look(): void {
    for (const node of this.#cluster.nodes) {
      const begin = this.#read.get(node) ?? 0
      const lines = node.output.slice(begin)
      this.#read.set(node, begin + lines.length)
      for (const line of lines) {
        const observed = JSON.parse(line) as Observed
        this.oracle.observe(node.name, observed)
        for (const listener of this.#listeners) listener(node.name, observed)
      }
    }
  }

  /**
   * Waits until all is well: every member sees every other alive and well, one leader, one host of S5, one epoch, then
   * equal config and registry everywhere. Rejects at the deadline, and when the oracle has seen a violation.
   */
  async whole(timeoutMs: number): Promise<Whole> {
    const began = performance.now()
    let lacked = 'nothing'
    const isOne = async (): Promise<boolean> => {
      const missing = await this.#missing()
      lacked = missing ?? lacked
      return missing === undefined
    }
    await this.#cluster.until('one cluster, one leader, one epoch', isOne, { timeoutMs })
    const oneAfter = performance.now() - began
    await this.rest()
    const quiet = performance.now()
    await this.#cluster.until('equal config and registry', () => this.#isEqual(), { timeoutMs })
    const ms = oneAfter + performance.now() - quiet
    await this.#nothingLost(timeoutMs)
    this.begin()
    return { ms, lacked }
  }

  /** Throws what the oracle has seen. */
  async conclude(): Promise<void> {
    this.look()
    const deadline = performance.now() + settleMs
    while (this.oracle.missing > 0 && performance.now() < deadline) {
      await pause(systemClock, clientPauseMs)
      this.look()
    }
    this.oracle.conclude()
    if (this.oracle.violations.length > 0) throw new Error(this.oracle.violations.join('\n'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rest()
  }

  /** The first thing that keeps it from being one cluster. */
  async #missing(): Promise<string | undefined> {
    this.look()
    const { nodes } = this.#cluster
    const reports = await this.#cluster.statuses()
    const result = readiness(reports, nodes.length)
    if (!result.ready) return result.missing.join(', ')
    if (reports.length < nodes.length) return `only ${reports.length} of ${nodes.length} run`
    const views = new Set(reports.map(({ status }) => JSON.stringify([status?.cluster.id, status?.topology])))
    if (views.size > 1 || reports[0]?.status?.topology.phase !== 'stable') return `topologies ${[...views].join()}`
    const tables = await Promise.all(nodes.map((node) => node.members()))
    const unwell = tables.flatMap((members, at) =>
      members
        .filter((member) => !isWell(member))
        .map(({ name, state, condition }) => `${nodes[at]?.name} sees ${name} ${state}, ${condition}`),
    )
    return unwell[0] ?? (tables.some((members) => members.length !== nodes.length) ? 'a member too many' : undefined)
  }

  async #isEqual(): Promise<boolean> {
    const { nodes } = this.#cluster
    const copies = await Promise.all(nodes.map((node) => this.#entries(node, '&consistency=stale')))
    const registries = await Promise.all(nodes.map((node) => instancesOf(node)))
    const offering = registries[0]?.map(({ member }) => member).sort()
    const names = nodes.map(({ name }) => name).sort()
    const equal = (values: readonly unknown[]): boolean => values.every((value) => isDeepStrictEqual(value, values[0]))
    return equal(copies) && equal(registries) && isDeepStrictEqual(offering, names)
  }

  /** Every key is at least as new as what was last acknowledged. */
  async #nothingLost(timeoutMs: number): Promise<void> {
    const keys = Array.from({ length: clientCount }, (_, i) => `${prefix}${i}`)
    const asked = keys.map((key) => this.oracle.ask('read', key))
    const read = () => this.#entries(this.#cluster.nodes[0]!, '')
    const entries = await this.#cluster.until('a linearizable read', read, { timeoutMs })
    for (const ask of asked) {
      const entry = entries.find(({ key }) => key === ask.key)
      this.oracle.answered(ask, entry?.revision ?? 0, entry?.value)
    }
    await this.conclude()
  }

  async #entries(node: ClusterProcess, consistency: string): Promise<readonly Entry[]> {
    const answer = (await node.ask(`/v1/config?prefix=${prefix}${consistency}`)) as { entries: readonly Entry[] }
    return answer.entries.map(({ key, value, revision }) => ({ key, value, revision }))
  }

  /** Reads and writes one key on any member, again and again; what is refused or not answered proves nothing. */
  async #client(key: string, signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn++) {
      const { running } = this.#cluster
      const node = running[turn % Math.max(1, running.length)]
      const asked = this.oracle.ask(turn % 3 === 0 ? 'read' : 'write', key)
      const value = ++this.#counter
      const call = asked.type === 'write' ? ({ method: 'PUT', body: { value } } as const) : {}
      const answer = (await node?.ask(`/v1/config/${key}`, call).catch(() => undefined)) as Entry | undefined
      if (answer) this.oracle.answered(asked, answer.revision, asked.type === 'write' ? value : answer.value)
      await pause(systemClock, clientPauseMs)
    }
  }
}

function isWell({ state, condition }: MemberView): boolean {
  return state === 'alive' && condition === 'ok'
}

async function instancesOf(node: ClusterProcess): Promise<readonly { id: string; member: string }[]> {
  const { instances } = (await node.ask('/v1/services?name=witness')) as { instances: { id: string; member: string }[] }
  return instances.map(({ id, member }) => ({ id, member })).sort((a, b) => (a.id < b.id ? -1 : 1))
}
