// Hours under churn and faults: witnesses as OS processes, one fault after the other drawn from a seed, the oracle on
// all the time, and after each fault one whole cluster again. Prints what was done and observed, how long healing took,
// and how fast the memory of the members that were never restarted grew, by least squares after the warm-up: what is
// live in V8's heap with what it holds outside of it, right after a collection that compacts, the code that V8 has
// made, V8's whole heap, what the C library keeps in its arenas, and all that is resident. It is measured when all is
// whole again and no client asks anything: in the middle of a fault it shows how much is under way at that moment. What
// is kept for ever is there at either time. SIGINT ends it early. SIGUSR2 brings all to rest once the fault of the
// moment is over and all is whole, so that the machine can be used for something else, all its processes stopped
// meanwhile; the next one lets it go on. The time at rest does not count.
//
// What grows only until everything has happened often enough, V8's code and what the C library keeps, takes long to
// stop: with `--warm-up-pace 0.1` three in four faults of the warm-up last a tenth as long, and so there are several
// times as many.
//
//   node scripts/soak.ts --minutes 120 --seed 1 --nodes 5 [--warm-up-minutes 10] [--warm-up-pace 1]
//                        [--pause-ms 0, between faults after the warm-up] [--samples FILE]

import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { summarize } from '../src/bench/statistics.ts'
import { sparing } from '../src/cli/up/node-process.ts'
import { systemClock } from '../src/runtime/clock.ts'
import type { ClusterProcess } from '../src/testing/process-member.ts'
import { startProcesses } from '../src/testing/processes.ts'
import { Prng } from '../src/testing/simulator/random.ts'
import { pause } from '../src/wait.ts'
import { between, processNetwork } from '../test/multinode/story/network.ts'
import { Observation } from '../test/multinode/story/observation.ts'
import type { Memory } from '../test/multinode/story/observed.ts'
import { type Point, trendOf } from './slope.ts'
import { smallYoungGeneration } from './young-generation.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '5' },
    'warm-up-minutes': { type: 'string' },
    'warm-up-pace': { type: 'string', default: '1' },
    'pause-ms': { type: 'string', default: '0' },
    samples: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const warmUpMinutes = Number(values['warm-up-minutes'] ?? Math.min(10, minutes / 4))
/** Far above what is promised: a soak shares its machine. */
const wholeWithinMs = 300_000
/** These suffer everything but a restart, so that their memory can be followed. */
const keptCount = 2
const reportEveryMs = 60_000
const measureEveryMs = 20_000
const restPollMs = 200
/** Their middles are what the slopes are laid through. */
const blockSeconds = 300
const mebibyte = 1_048_576
const kinds = [
  ['live', 'live'],
  ['code', 'code'],
  ['heap', "V8's heap"],
  ['arenas', 'arenas'],
  ['rss', 'resident'],
] as const

const chance = new Prng(Number(values.seed), 'soak')
const witness = fileURLToPath(new URL('../test/multinode/story/witness.ts', import.meta.url))
await using cluster = await startProcesses(Number(values.nodes), {
  program: witness,
  // Nodes in processes of their own, as `trellis up` starts them.
  env: { ...sparing, STORY_MEMORY: '1', NODE_OPTIONS: smallYoungGeneration },
  timeoutMs: wholeWithinMs,
})
await using observation = new Observation(cluster)

const kept = cluster.nodes.slice(0, keptCount)
const samples = new Map(kept.map(({ name }) => [name, [] as Memory[]]))
observation.onObserved((node, observed) => {
  if (observed.type !== 'memory') return
  const sample = { ...observed, at: Math.round(observed.at - restedMs / 1_000) }
  samples.get(node)?.push(sample)
  if (values.samples !== undefined) appendFileSync(values.samples, `${JSON.stringify({ node, ...sample })}\n`)
})

/** Every member that is kept says what it holds, while nobody asks for anything else. */
async function measure(): Promise<void> {
  await observation.rest()
  const wanted = kept.map(({ name, pid }) => ({ of: samples.get(name)!, count: samples.get(name)!.length + 1, pid }))
  for (const { pid } of wanted) process.kill(pid, 'SIGHUP')
  const isMeasured = (): boolean => {
    observation.look()
    return wanted.every(({ of, count }) => of.length >= count)
  }
  await cluster.until('what they hold', isMeasured, { timeoutMs: wholeWithinMs })
  observation.begin()
}

const any = (): ClusterProcess => chance.pick(cluster.nodes)
const mortal = (): ClusterProcess => chance.pick(cluster.nodes.slice(keptCount))
const topologies = ['full-mesh', 'hyparview', 'client-server']

/** Somewhere between two times, which are shorter in a quick warm-up, milliseconds. */
function lasting(fromMs: number, toMs: number): number {
  const isShort = isWarmingUp() && chance.integer(4) !== 0
  return chance.between(fromMs, toMs) * (isShort ? Number(values['warm-up-pace']) : 1)
}

const faults: Readonly<Record<string, () => Promise<void>>> = {
  kill: async () => {
    const node = mortal()
    await node.kill()
    await pause(systemClock, lasting(0, 4_000))
    await node.restart()
  },
  stop: async () => {
    const node = mortal()
    await node.stop()
    await pause(systemClock, lasting(0, 2_000))
    await node.restart()
  },
  freeze: async () => {
    const node = any()
    node.pause()
    await pause(systemClock, lasting(200, 6_000))
    node.resume()
  },
  stall: async () => {
    await any().faults.set({ stallMs: Math.round(lasting(200, 4_000)) })
  },
  split: async () => {
    const nodes = chance.shuffle(cluster.nodes)
    const at = 1 + chance.integer(nodes.length - 1)
    await processNetwork.set(cluster, { cuts: between([nodes.slice(0, at), nodes.slice(at)]) })
    await pause(systemClock, lasting(500, 12_000))
  },
  'one way': async () => {
    const [from, to] = chance.shuffle(cluster.nodes) as [ClusterProcess, ClusterProcess]
    await processNetwork.set(cluster, { cuts: [{ from, to }] })
    await pause(systemClock, lasting(500, 8_000))
  },
  'clock step': async () => {
    process.kill(any().pid, 'SIGUSR2')
  },
  'hand-over': async () => {
    await any().ask('/v1/leader/transfer', { method: 'POST', body: {} }, 5_000)
  },
  switch: async () => {
    await any().ask(
      '/v1/topology',
      { method: 'PUT', body: { name: chance.pick(topologies), timeoutMs: 15_000 } },
      20_000,
    )
  },
}

const done = new Map<string, number>()
const healed: number[] = []
const refused: string[] = []
const began = performance.now()
let isEnded = false
process.once('SIGINT', () => {
  isEnded = true
})
let wantsRest = false
let restedMs = 0
process.on('SIGUSR2', () => {
  wantsRest = !wantsRest
})
/** Milliseconds of work. */
const elapsed = (): number => performance.now() - began - restedMs
const isWarmingUp = (): boolean => elapsed() < warmUpMinutes * 60_000
const isOver = (): boolean => isEnded || elapsed() > minutes * 60_000
let reported = 0
let measured = 0

/** No client asks anything, and no fault begins, until that is over. */
async function rest(): Promise<void> {
  const since = performance.now()
  await observation.rest()
  console.log(`${minute()} min: at rest`)
  while (wantsRest && !isEnded) await pause(systemClock, restPollMs)
  restedMs += performance.now() - since
  await observation.whole(wholeWithinMs)
  console.log(`${minute()} min: goes on`)
}

await observation.whole(wholeWithinMs)
while (!isOver()) {
  const name = chance.pick(Object.keys(faults))
  // A hand-over or a switch may be refused at any time: that is an answer.
  await faults[name]!().catch((error: Error) => refused.push(`${name}: ${error.message}`))
  done.set(name, (done.get(name) ?? 0) + 1)
  await processNetwork.set(cluster, {})
  const { ms, lacked } = await observation.whole(wholeWithinMs)
  healed.push(ms)
  if (ms > 10_000)
    console.log(`${minute()} min: whole only ${(ms / 1_000).toFixed(1)} s after '${name}': last, ${lacked}`)
  if (elapsed() - measured >= measureEveryMs) {
    measured = elapsed()
    await measure()
  }
  if (!isWarmingUp()) await pause(systemClock, Number(values['pause-ms']))
  if (wantsRest) await rest()
  if (elapsed() - reported < reportEveryMs) continue
  reported = elapsed()
  console.log(`${minute()} min: ${healed.length} faults, ${growth()}`)
}
await observation.conclude()

console.log(`faults: ${[...done].map(([name, count]) => `${name} ${count}`).join(', ')}`)
console.log(`refused: ${refused.length}${refused.length > 0 ? `, the last: ${refused.at(-1)}` : ''}`)
console.log(`observed: ${JSON.stringify(observation.oracle.counts)}`)
console.log(`violations: ${observation.oracle.violations.length}`)
const { count, median, p99, max } = summarize(healed)!
console.log(`whole again after ms, of ${count}: p50 ${median.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${max.toFixed(0)}`)
console.log(`growth after ${warmUpMinutes.toFixed(1)} min of warm-up: ${growth()}`)

function minute(): string {
  return (elapsed() / 60_000).toFixed(1)
}

function hourly(perSecond: number): string {
  return ((perSecond * 3_600) / mebibyte).toFixed(2)
}

/** Of each member that was kept, in MiB an hour, with the standard error. */
function growth(): string {
  const perHour = (points: readonly Point[]): string => {
    const { slope, error } = trendOf(points, blockSeconds)
    return `${hourly(slope)} ± ${hourly(error)}`
  }
  const of = (name: string, all: readonly Memory[]): string => {
    const warm = all.filter(({ at }) => at > warmUpMinutes * 60)
    const told = kinds.map(([kind, word]) => {
      const slope = perHour(warm.map((one) => ({ x: one.at, y: one[kind] })))
      return `${word} ${slope} (now ${((all.at(-1)?.[kind] ?? 0) / mebibyte).toFixed(1)})`
    })
    return `${name} MiB/h over ${warm.length} samples: ${told.join(', ')}`
  }
  return [...samples].map(([name, all]) => of(name, all)).join('; ')
}
