// A process with several members, each with a port of its own: how fast members find each other, and what one of them
// costs, when starting Node again and again is not most of the work. Prints one JSON line a second of how far its
// members came, one when they all see all and, in a full mesh, one when they are linked to all; on SIGUSR2 what they
// hold; and ends in order on SIGTERM.

import { watchParent } from '../cli/parent.ts'
import { createNode } from '../node.ts'
import type { MemberViewState, TrellisNode } from '../node-interface.ts'
import { clock } from './recorded.ts'

/** What the process is given in TRELLIS_BENCH_MEMBERS, as JSON. */
export interface MembersSettings {
  readonly own: readonly {
    readonly name: string
    readonly address: string
    /** Without one it keeps all in memory. */
    readonly dataDir?: string
    readonly join: readonly string[]
    /** Of the founders; the others join them. */
    readonly expect?: number
  }[]
  /** Members of all processes. */
  readonly size: number
  readonly topology?: string
  /** False: without a thread for each, which would be most of what a member costs. Default true. */
  readonly hasLivenessWorkers?: boolean
}

/** What the process prints. Times are of `clock`. */
export type MembersLine =
  /** Its members see all alive. */
  | { readonly type: 'seen'; readonly at: number }
  /** Its members are linked to all. */
  | { readonly type: 'linked'; readonly at: number }
  | ({ readonly type: 'progress' } & Progress)
  | ({ readonly type: 'held' } & Held)

export interface Progress {
  readonly at: number
  /** User and system, since the members were begun. */
  readonly processorMs: number
  /** Those of its members that are there, and see all alive. */
  readonly seeAll: number
  /** Of its members together: a link between two of them counts twice. */
  readonly links: number
  /** Times that one of its members held somebody for suspect or down, since the start. */
  readonly accused: number
}

/** What the members of one process hold. */
export interface Held {
  /** Of each member. */
  readonly links: readonly number[]
  /** Resident memory beyond that of the process before it made them, for each member. */
  readonly megabytes: number
}

const LOOK_MS = 20
const PROGRESS_MS = 1_000
const accusations: ReadonlySet<MemberViewState> = new Set(['suspect', 'down'])
/** Two hundred on two cores are not ready within the minute that a node waits by default. */
const PATIENCE_MS = 300_000

const { env } = process
watchParent(env)?.addEventListener('abort', () => process.exit())
const { own, size, topology, hasLivenessWorkers = true }: MembersSettings = JSON.parse(env.TRELLIS_BENCH_MEMBERS!)
const loaded = process.cpuUsage()
const bareBytes = process.memoryUsage.rss()
const nodes: TrellisNode[] = []
/** Of each of its members. A view of all would cost more than they do themselves. */
const links = new Map<TrellisNode, number>()
let accused = 0

setInterval(() => print({ type: 'progress', ...progress() }), PROGRESS_MS)
// A hundred busy members may not all stop in order in their time.
process.once('SIGTERM', () => void Promise.allSettled(nodes.map((node) => node.stop())).then(() => process.exit()))
process.on('SIGUSR2', () => {
  const megabytes = (process.memoryUsage.rss() - bareBytes) / nodes.length / 2 ** 20
  print({ type: 'held', links: nodes.map(linksOf), megabytes })
})
await Promise.all(own.map(begin))
await lookFor('seen', seesAll)
if (topology === 'full-mesh') await lookFor('linked', (node) => linksOf(node) === size - 1)

async function begin({ name, address, dataDir, join, expect }: MembersSettings['own'][number]): Promise<void> {
  const node = await createNode({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(expect === undefined ? {} : { expect }),
    ...(topology === undefined ? {} : { topology }),
    ...(hasLivenessWorkers ? {} : { keepStalledMs: 0 }),
    name,
    listen: address,
    join,
    secret: env.TRELLIS_SECRET!,
    timeoutMs: PATIENCE_MS,
  })
  links.set(node, node.topology.view().links.length)
  node.events.subscribe((event) => {
    if (event.type === 'link') links.set(node, linksOf(node) + (event.state === 'up' ? 1 : -1))
    if (event.type === 'member' && accusations.has(event.change.member.state)) accused += 1
  })
  nodes.push(node)
}

/** Says when `isSo` holds of all. */
async function lookFor(type: 'seen' | 'linked', isSo: (node: TrellisNode) => boolean): Promise<void> {
  while (!nodes.every(isSo)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  print({ type: 'progress', ...progress() })
  print({ type, at: clock() })
}

function seesAll(node: TrellisNode): boolean {
  return node.status().cluster.alive === size
}

function linksOf(node: TrellisNode): number {
  return links.get(node)!
}

function progress(): Progress {
  const { user, system } = process.cpuUsage(loaded)
  return {
    at: clock(),
    processorMs: (user + system) / 1_000,
    seeAll: nodes.filter(seesAll).length,
    links: nodes.reduce((sum, node) => sum + linksOf(node), 0),
    accused,
  }
}

function print(line: MembersLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
