// The matrix of stories: each story in each topology, on OS processes and, as root, on hosts in network namespaces,
// `--rounds` times each. Prints for each how long it took until all was whole again, `--json` every sample in
// milliseconds. What cannot be told here is skipped with its reason; under TRELLIS_REQUIRE_ALL=1 that is a failure.
// `--slice N` takes every Nth of the matrix, beginning where the commit's hash says.
//
//   node scripts/stories.ts [--rounds 20] [--network processes|namespaces] [--topology NAME] [--story TEXT]
//                           [--slice 8] [--json]

import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { type Summary, summarize } from '../src/bench/statistics.ts'
import { enterNamespaces, namespaces, whyNoNamespaces, whyNoSwitch } from '../test/multinode/story/namespaces.ts'
import { type Network, processNetwork } from '../test/multinode/story/network.ts'
import { stories } from '../test/multinode/story/stories.ts'
import { memberCount, type Story, type Topology, tell, topologies } from '../test/multinode/story/story.ts'
import { inTurn } from '../test/multinode/story/turn.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    network: { type: 'string' },
    topology: { type: 'string' },
    story: { type: 'string', default: '' },
    slice: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})

interface Case {
  readonly story: Story
  readonly topology: Topology
  readonly network: string
}

const networks = ['processes', 'namespaces'].filter((name) => name === (values.network ?? name))
const all: readonly Case[] = networks
  .flatMap((network) => stories.flatMap((story) => topologies.map((topology) => ({ story, topology, network }))))
  .filter(({ story, topology }) => story.name.includes(values.story) && topology === (values.topology ?? topology))
const matrix = inTurn(all, Number(values.slice))

const noNamespaces = networks.includes('namespaces') ? whyNoNamespaces() : undefined
const child = networks.includes('namespaces') && noNamespaces === undefined ? enterNamespaces() : undefined
if (child) {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill(signal))
  const [code] = await once(child, 'exit')
  process.exit((code as number | null) ?? 1)
}

const failed: string[] = []
const skipped: string[] = []
const allHealed: number[] = []
const allRefused: number[] = []
for (const each of matrix) await run(each)
console.log(
  `all: whole again after ${say(summarize(allHealed))}; a minority refuses after ${say(summarize(allRefused))}`,
)
for (const line of skipped) console.log(`skipped: ${line}`)
for (const line of failed) console.error(`failed: ${line}`)
if (failed.length > 0 || (skipped.length > 0 && process.env.TRELLIS_REQUIRE_ALL === '1')) process.exitCode = 1

async function run({ story, topology, network: name }: Case): Promise<void> {
  const title = `${story.name}, ${topology}, ${name}`
  const reason = whyNot(story, name)
  if (reason !== undefined) {
    skipped.push(`${title}: ${reason}`)
    return
  }
  try {
    await using network: Network = name === 'processes' ? processNetwork : await namespaces(memberCount, story.needs)
    const { healedMs, refusedMs } = await tell(story, network, topology, Number(values.rounds))
    allHealed.push(...healedMs)
    allRefused.push(...refusedMs)
    console.log(
      values.json
        ? JSON.stringify({ story: story.name, topology, network: name, healedMs, refusedMs })
        : `${title}: ${say(summarize(healedMs))}`,
    )
  } catch (error) {
    console.error(`${title}:`, error)
    failed.push(title)
  }
}

function whyNot({ needs }: Story, network: string): string | undefined {
  if (network === 'processes') return processNetwork.cannot(needs)
  return noNamespaces ?? (needs === 'delay' ? whyNoSwitch() : undefined)
}

function say(summary: Summary | undefined): string {
  if (!summary) return 'nothing'
  const { count, median, p99, max } = summary
  return `p50 ${median.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms of ${count}`
}
