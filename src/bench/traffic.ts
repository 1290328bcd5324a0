// A cluster of processes under a steady load of acknowledged messages, and the proof of what became of them: every
// member keeps a journal (`traffic-member.ts`), and together the journals show what was lost, delivered twice or out of
// order, and how much was acknowledged when. Used for figures and, as it is, by the stories of `test/multinode`.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TopologyView } from '../node-interface.ts'
import type { SwitchReport } from '../switching/report.ts'
import type { ClusterProcess } from '../testing/process-member.ts'
import { type ProcessCluster, startProcesses, type UntilOptions } from '../testing/processes.ts'

const program = fileURLToPath(new URL(`traffic-member${extname(import.meta.url)}`, import.meta.url))
/** Slow machines may be slow here. */
const timeoutMs = 120_000

export interface TrafficOptions {
  /** Acknowledged messages a second, of all members together. */
  readonly perSecond: number
  /** Each member spreads its messages over so many keys. */
  readonly keys: number
}

/** A cluster whose members send to each other from {@link beginTraffic} on, while they see all. */
export function startTraffic(members: number, { perSecond, keys }: TrafficOptions): Promise<ProcessCluster> {
  const env = {
    TRELLIS_TRAFFIC_RATE: String(perSecond / members),
    TRELLIS_TRAFFIC_KEYS: String(keys),
    TRELLIS_TRAFFIC_MEMBERS: String(members),
  }
  return startProcesses(members, { program, timeoutMs, env })
}

/** Of one life of a member; the directory of its data may be removed, the journal stays beside it. */
export function journalPath(dataDir: string, pid: number): string {
  return `${dataDir}.${pid}.journal`
}

/** Where members read in which phase of a switch whoever leads is to end itself. */
export function dyingPath(dataDir: string): string {
  return join(dirname(dataDir), 'dies-in')
}

/** The next member that leads in this phase of a switch kills itself. */
export function dieIn(cluster: ProcessCluster, phase: 'preparing' | 'verifying' | 'committed' | 'draining'): void {
  writeFileSync(dyingPath(cluster.nodes[0]!.dataDir), phase)
}

/** Running members send from now on; those that are started later, when they are told. */
export function beginTraffic(cluster: ProcessCluster): void {
  for (const { pid } of cluster.running) process.kill(pid, 'SIGUSR2')
}

/** Ends the load: resolves when every running member has an answer for all it sent, to the failures by code. */
export async function endTraffic(
  cluster: ProcessCluster,
  options: UntilOptions = {},
): Promise<Readonly<Record<string, number>>> {
  for (const { pid } of cluster.running) process.kill(pid, 'SIGHUP')
  const last = (node: ClusterProcess): { failures: Record<string, number> } | undefined =>
    node.output.at(-1)?.includes('"quiet"') ? JSON.parse(node.output.at(-1)!) : undefined
  await cluster.until(
    'every message is answered',
    () => cluster.running.every((node) => last(node) !== undefined),
    options,
  )
  const sum: Record<string, number> = {}
  for (const node of cluster.running)
    for (const [code, count] of Object.entries(last(node)?.failures ?? {})) sum[code] = (sum[code] ?? 0) + count
  return sum
}

/** What the journals of all lives say together. */
export interface TrafficVerdict {
  readonly acknowledged: number
  readonly delivered: number
  /** Acknowledged and in nobody's journal. */
  readonly lost: readonly string[]
  readonly twice: readonly string[]
  /** Delivered after a later one of the same sender, receiver and key. */
  readonly outOfOrder: readonly string[]
  /** When each was acknowledged, in milliseconds of the machine's monotonic clock. */
  readonly acknowledgedAt: readonly number[]
}

export function judgeTraffic(cluster: ProcessCluster): TrafficVerdict {
  const lives = journalsOf(cluster)
  const delivered = new Map<string, number>()
  const outOfOrder: string[] = []
  for (const { name, lines } of lives) {
    const last = new Map<string, number>()
    for (const { what, other, key, number } of lines) {
      if (what !== 'delivered') continue
      const stream = `${other} to ${name} ${key}`
      const message = `${stream} ${number}`
      delivered.set(message, (delivered.get(message) ?? 0) + 1)
      if (number <= (last.get(stream) ?? 0)) outOfOrder.push(message)
      last.set(stream, Math.max(number, last.get(stream) ?? 0))
    }
  }
  const acknowledged = lives.flatMap(({ life, lines }) =>
    lines
      .filter(({ what }) => what === 'acknowledged')
      .map(({ other, key, number, at }) => ({ message: `${life} to ${other} ${key} ${number}`, at })),
  )
  return {
    acknowledged: acknowledged.length,
    delivered: delivered.size,
    lost: acknowledged.map(({ message }) => message).filter((message) => !delivered.has(message)),
    twice: [...delivered].filter(([, count]) => count > 1).map(([message]) => message),
    outOfOrder,
    acknowledgedAt: acknowledged.map(({ at }) => at).sort((a, b) => a - b),
  }
}

interface Life {
  readonly name: string
  /** Name and process: one that was killed and started again begins its numbers anew. */
  readonly life: string
  readonly lines: readonly {
    readonly what: string
    readonly other: string
    readonly key: string
    readonly number: number
    readonly at: number
  }[]
}

function journalsOf(cluster: ProcessCluster): Life[] {
  return cluster.nodes.flatMap(({ name, dataDir }) => {
    const folder = dirname(dataDir)
    const pattern = new RegExp(`^${basename(dataDir)}\\.(\\d+)\\.journal$`)
    return readdirSync(folder).flatMap((file) => {
      const pid = pattern.exec(file)?.[1]
      if (pid === undefined) return []
      const lines = readFileSync(join(folder, file), 'utf8').split('\n').slice(0, -1)
      return { name, life: `${name}.${pid}`, lines: lines.map(parseLine) }
    })
  })
}

function parseLine(line: string): Life['lines'][number] {
  const [what = '', other = '', key = '', number, at] = line.split(' ')
  return { what, other, key, number: Number(number), at: Number(at) }
}

/** Orders a switch of `node`, and resolves to what it answers, a refusal too. */
export async function orderSwitch(
  node: ClusterProcess,
  name: string,
  options: { readonly timeoutMs?: number; readonly expectFrom?: string } = {},
): Promise<{ readonly status: number; readonly body: SwitchReport }> {
  const body = JSON.stringify({ name, timeoutMs: 15_000, ...options })
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${node.admin}/v1/topology`, { method: 'PUT', headers, body })
  return { status: response.status, body: (await response.json()) as SwitchReport }
}

/** `GET /v1/topology`. */
export async function topologyOf(node: ClusterProcess): Promise<TopologyView> {
  return (await (await fetch(`${node.admin}/v1/topology`)).json()) as TopologyView
}

/** Resolves to the topology that all who run have, once they have the same one and nothing is under way. */
export function settled(cluster: ProcessCluster): Promise<TopologyView> {
  return cluster.until('one topology everywhere', async () => {
    const [first, ...others] = await Promise.all(cluster.running.map(topologyOf))
    const isSame = ({ name, epoch, phase }: TopologyView): boolean =>
      name === first?.name && epoch === first.epoch && phase === 'stable'
    return first && [first, ...others].every(isSame) ? first : undefined
  })
}

/** Links between running members, each counted once; `onDemand`: those that neither an overlay nor voters hold. */
export async function countLinks(
  cluster: ProcessCluster,
): Promise<{ readonly all: number; readonly onDemand: number }> {
  const kinds = new Map<string, string>()
  const views = await Promise.all(cluster.running.map(async (node) => ({ node, view: await topologyOf(node) })))
  for (const { node, view } of views)
    for (const { peer, kind } of view.links) kinds.set([node.name, peer].sort().join(' '), kind)
  return { all: kinds.size, onDemand: [...kinds.values()].filter((kind) => kind === 'on-demand').length }
}
