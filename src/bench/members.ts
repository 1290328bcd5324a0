// A process with several members, each with a port of its own: how fast members find each other, and what one of them costs, when starting
// Node again and again is not most of the work. Prints one JSON line when all its members see all, in a full mesh another when
// they are linked to all, on SIGUSR2 what they hold, and ends in order on SIGTERM.

import { watchParent } from '../cli/parent.ts'
import { createNode } from '../node.ts'
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

/** What the members of one process hold. */
export interface Held {
  /** Of each member. */
  readonly links: readonly number[]
  /** Resident memory beyond that of the process before it made them, for each member. */
  readonly megabytes: number
}

const LOOK_MS = 100
/** Two hundred on two cores are not ready within the minute that a node waits by default. */
const PATIENCE_MS = 300_000

const { env } = process
watchParent(env)?.addEventListener('abort', () => process.exit())
const { own, size, topology, hasLivenessWorkers = true }: MembersSettings = JSON.parse(env.TRELLIS_BENCH_MEMBERS!)
const loaded = process.cpuUsage()
const bareBytes = process.memoryUsage.rss()
const nodes = await Promise.all(
  own.map(({ name, address, dataDir, join, expect }) =>
    createNode({
      ...(dataDir === undefined ? {} : { dataDir }),
      ...(expect === undefined ? {} : { expect }),
      ...(topology === undefined ? {} : { topology }),
      ...(hasLivenessWorkers ? {} : { keepStalledMs: 0 }),
      name,
      listen: address,
      join,
      secret: env.TRELLIS_SECRET!,
      timeoutMs: PATIENCE_MS,
    }),
  ),
)
let isTold = false
const look = (): void => {
  if (isTold || !nodes.every((node) => node.status().cluster.alive === size)) return
  isTold = true
  process.stdout.write(`${JSON.stringify({ at: clock() })}\n`)
  if (topology === 'full-mesh') lookForLinks()
}
/** User and system, since the members were begun. */
function processorMs(): number {
  const { user, system } = process.cpuUsage(loaded)
  return (user + system) / 1_000
}
/** A view of so many links costs something: not at every event. */
const lookForLinks = (): void => {
  if (nodes.every((node) => node.topology.view().links.length === size - 1))
    process.stdout.write(`${JSON.stringify({ at: clock(), processorMs: processorMs() })}\n`)
  else setTimeout(lookForLinks, LOOK_MS)
}
for (const node of nodes) node.events.subscribe(look)
look()
process.on('SIGUSR2', () => {
  const links = nodes.map((node) => node.topology.view().links.length)
  const megabytes = (process.memoryUsage.rss() - bareBytes) / nodes.length / 2 ** 20
  process.stdout.write(`${JSON.stringify({ links, megabytes } satisfies Held)}\n`)
})
process.once('SIGTERM', () => void Promise.all(nodes.map((node) => node.stop())).then(() => process.exit()))
