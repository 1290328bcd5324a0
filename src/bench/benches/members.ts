// What a member costs in a large cluster: two hundred of them in eight processes, in HyParView and in a full mesh. Five found the
// cluster, the others join by three of these. Kept in memory and without liveness workers: neither has to do with links.

import { tmpdir } from 'node:os'
import { planNodes } from '../../cli/up/plan.ts'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import { MemberProcesses } from '../member-processes.ts'
import type { Held, MembersSettings } from '../members.ts'
import { RawClient, serveRaw, sharedSettings } from '../raw-tls.ts'
import { clock } from '../recorded.ts'

const size = 200
const processes = 8
const founders = 5
const seeds = 3
/** In HyParView, links that only served to join are gone by then. */
const settleMs = 30_000
const patienceMs = 300_000
const handshakes = 500
const costName = 'full-mesh: processor time of all, for each link'
const bareName = 'node:tls: processor time of both ends of a handshake'

export const members: Bench = {
  name: 'members',
  description: 'links, memory and time to form of 200 members, in HyParView and in a full mesh',
  async run(context) {
    const mesh = await figuresOf('full-mesh', context)
    const sparse = await figuresOf('hyparview', context)
    return [...mesh, ...sparse.map((figure, index) => ({ ...figure, baseline: mesh[index]!.name }))]
  },
}

/** Once each, whatever `runs` says: every member is a sample. */
async function figuresOf(topology: string, context: BenchContext): Promise<Figure[]> {
  const isMesh = topology === 'full-mesh'
  const formed: number[] = []
  const linked: number[] = []
  const processor: number[] = []
  const bare: number[] = []
  const links: number[] = []
  const megabytes: number[] = []
  await repeat({ ...context, runs: 1 }, `${size} members in ${topology}`, async () => {
    const settings = await settingsOf(topology)
    const from = clock()
    await using started = new MemberProcesses(settings)
    formed.push(latest(await started.next(patienceMs)) - from)
    if (isMesh) {
      const lines = await started.next(patienceMs)
      linked.push(latest(lines) - from)
      const spent = (lines as readonly { readonly processorMs: number }[]).reduce(
        (sum, line) => sum + line.processorMs,
        0,
      )
      processor.push(spent / ((size * (size - 1)) / 2))
      bare.push(await bareHandshakeMs())
    } else await pause(systemClock, settleMs, context.signal)
    started.signal('SIGUSR2')
    for (const held of (await started.next()) as readonly Held[]) {
      links.push(...held.links)
      megabytes.push(held.megabytes)
    }
  })
  return [
    { name: `${topology}: start to all see all`, unit: 'ms', samples: formed },
    { name: `${topology}: links of a member`, unit: 'links', samples: links },
    { name: `${topology}: memory of a member, by process`, unit: 'MB', samples: megabytes },
    ...(isMesh
      ? [
          { name: `${topology}: start to all linked to all`, unit: 'ms' as const, samples: linked },
          { name: costName, unit: 'ms' as const, samples: processor, baseline: bareName },
          { name: bareName, unit: 'ms' as const, samples: bare },
        ]
      : []),
  ]
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

/** Of lines that say when. */
function latest(lines: readonly unknown[]): number {
  return Math.max(...(lines as readonly { readonly at: number }[]).map(({ at }) => at))
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
