// How long a cluster takes to come up: the command `trellis up` as people type it, and members alone, all started at once,
// until all see all. Beside it what the same number of Node processes cost that do nothing.

import { type ChildProcess, spawn } from 'node:child_process'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { patience, startMembers } from '../cluster.ts'
import { type Bench, type Figure, repeat } from '../figure.ts'
import { clock, recorded } from '../recorded.ts'

const command = fileURLToPath(new URL(`../../cli/bin${extname(import.meta.url)}`, import.meta.url))

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

export const formation: Bench = {
  name: 'formation',
  description: 'all start at once, until all see all, at 10 and 30 members',
  async run(context) {
    const figures: Figure[] = []
    for (const count of [10, 30]) {
      const bare: number[] = []
      const all: number[] = []
      const own: number[] = []
      await repeat(context, `clusters of ${count}`, async () => {
        bare.push(await bareStart(count))
        const { fromStart, fromLast } = await allSeeAll(count)
        all.push(fromStart)
        own.push(fromLast)
      })
      const baseline = `${count} bare Node processes, start to end`
      const goal = `<= ${count === 10 ? 1_200 : 2_500}`
      figures.push(
        { name: `${count} members, start to all see all`, unit: 'ms', samples: all, goal, baseline },
        { name: `${count} members, last one loaded to all see all`, unit: 'ms', samples: own },
        { name: baseline, unit: 'ms', samples: bare },
      )
    }
    return figures
  },
}

/** Milliseconds since the first process was started, and since the last had loaded its program. */
async function allSeeAll(count: number): Promise<{ fromStart: number; fromLast: number }> {
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
  const at = Math.max(...seen.map((event) => event.at))
  const loaded = Math.max(...cluster.nodes.map((node) => recorded(node, 'begun')[0]!.at))
  return { fromStart: at - from, fromLast: at - loaded }
}

async function bareStart(count: number): Promise<number> {
  const from = clock()
  await Promise.all(
    Array.from({ length: count }, () =>
      endOf(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env: cleanEnv() })),
    ),
  )
  return clock() - from
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => resolve())
  })
}

function firstLine({ stdout }: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    if (stdout) createInterface({ input: stdout }).once('line', resolve)
  })
}

/** Settings of this machine would change what is measured. */
function cleanEnv(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TRELLIS_|NODE_TEST_CONTEXT|NODE_OPTIONS)/.test(name))
  return Object.fromEntries(own)
}
