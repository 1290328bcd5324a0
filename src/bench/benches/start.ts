// How long a cluster takes to come up: the command `trellis up` as people type it, and members alone, all started at
// once, until all see all. Beside it what the same number of Node processes cost that do nothing.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { planNodes } from '../../cli/up/plan.ts'
import { patience, startMembers } from '../cluster.ts'
import { type Bench, type Figure, repeat } from '../figure.ts'
import { cleanEnv, endOf, MemberProcesses } from '../member-processes.ts'
import type { MembersSettings } from '../members.ts'
import { clock, recorded } from '../recorded.ts'

const extension = extname(import.meta.url)
const beside = (path: string): string => fileURLToPath(new URL(`../../${path}${extension}`, import.meta.url))
const library = beside('index')
const command = beside('cli/bin')

export const up: Bench = {
  name: 'up',
  description: '`trellis up --nodes 5`, from the start of the command to ready',
  async run(context) {
    const samples: number[] = []
    await repeat(context, 'clusters started', async () => {
      const from = clock()
      const argv = [command, 'up', '--nodes', '5', '--port', '0', '--admin-port', '0', '--json']
      const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'], env: cleanEnv() })
      const ended = endOf(child)
      try {
        await Promise.race([firstLine(child), ended.then(() => Promise.reject(new Error('`trellis up` gave up')))])
        samples.push(clock() - from)
      } finally {
        child.kill('SIGTERM')
        await ended
      }
    })
    return [{ name: 'up with 5 nodes, to ready', unit: 'ms', samples, goal: 'median <= 2500' }]
  },
}

/** Shapes of a cluster that is started: how many members, in how many processes, and every how many runs. */
const shapes = [
  { members: 10, processes: 10, goalMs: 1_200, every: 1 },
  { members: 30, processes: 3, goalMs: 2_500, every: 1 },
  // Thirty times the start of Node and of this package are seconds of CPU before the first member speaks.
  { members: 30, processes: 30, goalMs: 2_500, every: 4 },
] as const

export const formation: Bench = {
  name: 'formation',
  description: 'all start at once, until all see all, at 10 and 30 members',
  async run(context) {
    const figures: Figure[] = []
    for (const { members, processes, goalMs, every } of shapes) {
      const bare: number[] = []
      const loading: number[] = []
      const all: number[] = []
      const runs = Math.ceil(context.runs / every)
      await repeat({ ...context, runs }, `${members} members in ${processes} processes`, async () => {
        bare.push(await startAndEnd(processes, ['-e', '0']))
        loading.push(await startAndEnd(processes, ['-e', `import(${JSON.stringify(library)})`]))
        all.push(members === processes ? await allSeeAll(members) : await allSeeAllShared(members, processes))
      })
      const name = `${members} members in ${processes} processes`
      const baseline = `${processes} processes that load this package, start to end`
      const key = members === processes ? baseline : `${baseline} (beside ${members} members)`
      figures.push(
        { name: `${name}, start to all see all`, unit: 'ms', samples: all, goal: `<= ${goalMs}`, baseline: key },
        { name: key, unit: 'ms', samples: loading },
        { name: `${processes} bare Node processes (beside ${members} members)`, unit: 'ms', samples: bare },
      )
    }
    return figures
  },
}

/** Milliseconds from the first start; each member in a process of its own. */
async function allSeeAll(count: number): Promise<number> {
  const from = clock()
  await using cluster = await startMembers(count, { untilReady: false })
  const seen = await cluster.until(
    `all ${count} see all`,
    () => {
      const events = cluster.nodes.map((node) => recorded(node, 'alive').find((event) => event.count === count))
      return events.every((event) => event !== undefined) && events
    },
    patience,
  )
  return Math.max(...seen.map((event) => event.at)) - from
}

/** The same with `count` members in `processes` processes. */
async function allSeeAllShared(count: number, processes: number): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), 'trellis-bench-'))
  const plans = await planNodes({ nodes: count, port: 0, adminPort: 0, root })
  const all = plans.map(({ address }) => address)
  const from = clock()
  const settings = Array.from({ length: processes }, (_, index): MembersSettings => {
    const own = plans.filter((_, plan) => plan % processes === index)
    const withPeers = own.map(({ name, address, dataDir }) => {
      return { name, address, dataDir, join: all.filter((other) => other !== address), expect: count }
    })
    return { own: withPeers, size: count }
  })
  try {
    await using started = new MemberProcesses(settings)
    const seen = await started.first('seen')
    return Math.max(...seen.map(({ at }) => at)) - from
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

async function startAndEnd(count: number, argv: readonly string[]): Promise<number> {
  const from = clock()
  await Promise.all(
    Array.from({ length: count }, () => endOf(spawn(process.execPath, argv, { stdio: 'ignore', env: cleanEnv() }))),
  )
  return clock() - from
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (stdout) createInterface({ input: stdout }).once('line', resolve)
  })
}
