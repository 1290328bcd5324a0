// What a member costs in a large cluster: two hundred of them in as many processes as there are processors, or as their
// open files need, in HyParView and in a full mesh. Processes that share a processor make each other late, and who is
// late is suspected: that would be measured, and not what links cost. Five found the cluster, the others join by three
// of these. Kept in memory and without liveness workers: neither has to do with links.

import { availableParallelism, tmpdir } from 'node:os'
import { planNodes } from '../../cli/up/plan.ts'
import { isClusterError } from '../../errors.ts'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import { MemberProcesses } from '../member-processes.ts'
import type { MembersSettings, Progress } from '../members.ts'
import { RawClient, serveRaw, sharedSettings } from '../raw-tls.ts'
import { clock } from '../recorded.ts'

const size = 200
/** A link is an open file at either end; systems often allow a process 20,000. */
const linksOfProcess = 15_000
const processes = Math.min(size, Math.max(availableParallelism(), Math.ceil((size * (size - 1)) / linksOfProcess)))
const founders = 5
const seeds = 3
/** In HyParView, links that only served to join are gone by then. */
const settleMs = 30_000
const patienceMs = 300_000
const pairs = (size * (size - 1)) / 2
const handshakes = 500
const costName = 'full-mesh: processor time of all, for each link'
const bareName = 'node:tls: processor time of both ends of a handshake'

export const members: Bench = {
  name: 'members',
  description:
    'links, memory and time to form of 200 members, a process for each processor, in HyParView and in a full mesh',
  async run(context) {
    const mesh = await figuresOf('full-mesh', context)
    const sparse = await figuresOf('hyparview', context)
    const beside = ({ name }: Figure): string => name.replace('hyparview', 'full-mesh')
    return [...mesh, ...sparse.map((figure) => ({ ...figure, baseline: beside(figure) }))]
  },
}

/**
 * Once each, whatever `runs` says: every member is a sample. What did not come about in time has no sample, and the
 * rows below say how far it came.
 */
async function figuresOf(topology: string, context: BenchContext): Promise<Figure[]> {
  const isMesh = topology === 'full-mesh'
  const figures: Figure[] = []
  const add = (name: string, unit: Figure['unit'], samples: readonly number[], goal?: string): void => {
    figures.push({ name: `${topology}: ${name}`, unit, samples, ...(goal === undefined ? {} : { goal }) })
  }
  await repeat({ ...context, runs: 1 }, `${size} members in ${topology}`, async () => {
    const settings = await settingsOf(topology)
    const from = clock()
    await using started = new MemberProcesses(settings)
    const seen = await inTime(started.first('seen', patienceMs))
    add('start to all see all', 'ms', seen ? [latest(seen) - from] : [])
    const linked = isMesh && seen ? await inTime(started.first('linked', patienceMs)) : undefined
    if (!isMesh) await pause(systemClock, settleMs, context.signal)
    const progress = started.progress()
    const sum = (of: keyof Progress): number => progress.reduce((all, each) => all + each[of], 0)
    if (isMesh) {
      add('start to all linked to all', 'ms', linked ? [latest(linked) - from] : [])
      figures.push({
        name: costName,
        unit: 'ms',
        samples: [sum('processorMs') / (sum('links') / 2)],
        baseline: bareName,
      })
    }
    add('members that see all', 'members', [sum('seeAll')], `${size}`)
    add('links', 'links', [sum('links') / 2], ...(isMesh ? [`${pairs}`] : []))
    add('a member suspected by another, or held for down', 'verdicts', [sum('accused')], '0')
    started.signal('SIGUSR2')
    const held = await started.first('held')
    add(
      'links of a member',
      'links',
      held.flatMap(({ links }) => links),
    )
    add(
      'memory of a member, by process',
      'MB',
      held.map(({ megabytes }) => megabytes),
    )
    if (isMesh) figures.push({ name: bareName, unit: 'ms', samples: [await bareHandshakeMs()] })
  })
  return figures
}

/** Of both ends, in this process, while the members have nothing to do but be there. */
async function bareHandshakeMs(): Promise<number> {
  await using server = await serveRaw()
  const shared = sharedSettings()
  const before = process.cpuUsage()
  for (let count = 0; count < handshakes; count++) (await RawClient.open(server.port, shared))[Symbol.dispose]()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / handshakes
}

/** Undefined: it did not come about. */
async function inTime<Lines>(lines: Promise<Lines>): Promise<Lines | undefined> {
  try {
    return await lines
  } catch (error) {
    if (isClusterError(error, 'ERR_TIMEOUT')) return undefined
    throw error
  }
}

function latest(lines: readonly { readonly at: number }[]): number {
  return Math.max(...lines.map(({ at }) => at))
}

async function settingsOf(topology: string): Promise<MembersSettings[]> {
  const plans = await planNodes({ nodes: size, port: 0, adminPort: 0, root: tmpdir() })
  const found = plans.slice(0, founders).map(({ address }) => address)
  const own = plans.map(({ name, address }, index) => {
    const isFounder = index < founders
    const join = isFounder
      ? found.filter((other) => other !== address)
      : Array.from({ length: seeds }, (_, at) => found[(index + at) % founders]!)
    return { name, address, join, ...(isFounder ? { expect: founders } : {}) }
  })
  return Array.from({ length: processes }, (_, process) => ({
    own: own.filter((_, index) => index % processes === process),
    size,
    topology,
    hasLivenessWorkers: false,
  }))
}
