// What one write of one client waits for, leg by leg: three voters in as many processes over loopback, each write on
// disk. The members note when things happen on the machine's monotonic clock, which all of them share
// (`write-chain-member.ts`); the library knows nothing of it. Beside it, by turns, the least that the system asks for
// (`write-chain-bare.ts`): the same bytes over bare TLS to two others, a bare write and flush at each, the first answer
// awaited.
//
//   node scripts/write-chain.ts [--rounds 5] [--ms 1000] [--place leader|follower] [--clients 1]
//                               [--library DIR ...] [--etcd]
//
// `--library`: a checkout whose code the members run, several of them by turns. Default: this one. `--etcd`: the same
// calls of three etcd servers, by turns. `--clients`: with more than one the legs mean little, processor time for a
// write remains. Medians of all writes in microseconds; processor time is of all three members together.

import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { tell } from '../src/bench/data-members.ts'
import { EtcdSide } from '../src/bench/etcd-side.ts'
import type { LoadReport } from '../src/bench/load.ts'
import type { Place } from '../src/bench/store-side.ts'
import type { ClusterProcess } from '../src/testing/process-member.ts'
import { type ProcessCluster, startProcesses } from '../src/testing/processes.ts'
import { BareChain } from './write-chain-bare.ts'
import type { Note } from './write-chain-member.ts'

type Legs = Map<string, number[]>

interface Chain {
  readonly library: string
  readonly cluster: ProcessCluster
  readonly reports: LoadReport[]
  readonly legs: Legs
  readonly costs: number[]
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '1000' },
    place: { type: 'string', default: 'leader' },
    clients: { type: 'string', default: '1' },
    etcd: { type: 'boolean', default: false },
    library: { type: 'string', multiple: true, default: [resolve(import.meta.dirname, '..')] },
  },
})
const ms = Number(values.ms)
const place = values.place as Place
const clients = Number(values.clients)
const program = resolve(import.meta.dirname, 'write-chain-member.ts')

async function measure({ cluster, reports, legs, costs }: Chain): Promise<void> {
  const { leader } = await cluster.ready()
  const others = cluster.nodes.filter((node) => node !== leader)
  const caller = place === 'leader' ? leader : others[0]!
  await notesOf(cluster)
  const pids = cluster.nodes.map(({ pid }) => pid)
  const before = processorUs(pids)
  const report = (await tell(cluster, caller, { work: 'load', verb: 'write', clients, ms })) as LoadReport
  const cost = processorUs(pids) - before
  const notes = await notesOf(cluster)
  const calls = notes.get(caller)!.filter(({ what }) => what === 'call')
  costs.push(cost / calls.length)
  reports.push(report)
  // The first quarter is warm-up.
  for (let call = calls.length >> 2; call < calls.length - 1; call++) {
    const [from, to] = [calls[call]!.at, calls[call + 1]!.at]
    const of = (node: ClusterProcess): Moment => new Moment(notes.get(node)!, from, to)
    for (const [leg, took] of legsOf(of(caller), of(leader), others.map(of))) if (took >= 0) add(legs, leg, [took])
  }
}

/** What one member noted during one write. */
class Moment {
  readonly #notes: readonly Note[]

  constructor(notes: readonly Note[], from: number, to: number) {
    this.#notes = notes.slice(indexAt(notes, from), indexAt(notes, to))
  }

  /** When it was first noted after `from`; not a number: never. */
  first(what: string, from = 0): number {
    return this.#notes.find((note) => note.what === what && note.at >= from)?.at ?? Number.NaN
  }

  last(what: string, to: number): number {
    return this.#notes.findLast((note) => note.what === what && note.at <= to)?.at ?? Number.NaN
  }
}

/** The legs of one write, in milliseconds; those it did not have are not numbers. */
function legsOf(caller: Moment, leader: Moment, others: readonly Moment[]): [string, number][] {
  const [called, proposed, answered] = [caller.first('call'), leader.first('propose-all'), caller.first('answered')]
  const [flush, flushed] = [leader.first('flush', proposed), leader.first('flushed', proposed)]
  const sent = leader.first('written', proposed)
  const ends = others.map((follower) => follower.first('flushed')).filter((at) => at > 0)
  // Whose answer counts.
  const quicker = others.find((follower) => follower.first('flushed') === Math.min(...ends))
  const append = quicker?.first('append') ?? Number.NaN
  const read = quicker?.last('read', append) ?? Number.NaN
  const [theirFlush, theirFlushed] = [quicker?.first('flush') ?? Number.NaN, quicker?.first('flushed') ?? Number.NaN]
  const answerSent = quicker?.first('written', theirFlushed) ?? Number.NaN
  const reply = leader.first('append-reply', answerSent)
  return [
    ['call to the proposal at the leader', proposed - called],
    ['leader: proposal to the messages written', leader.last('written', flush) - proposed],
    ['leader: messages written to its flush', flush - leader.last('written', flush)],
    ['leader: its flush', flushed - flush],
    ['on the way to the quicker follower', read - sent],
    ['follower: read to append', append - read],
    ['follower: append to its flush', theirFlush - append],
    ['follower: its flush', theirFlushed - theirFlush],
    ['follower: flushed to the answer written', answerSent - theirFlushed],
    ['on the way to the leader, till Raft has it', reply - answerSent],
    ['leader: Raft has it till the call is answered', answered - reply],
    ['leader: own flush over before the answer came', reply - flushed],
  ]
}

function indexAt(notes: readonly Note[], at: number): number {
  let [low, high] = [0, notes.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (notes[middle]!.at < at) low = middle + 1
    else high = middle
  }
  return low
}

/** What each member has noted since it was last asked. */
async function notesOf(cluster: ProcessCluster): Promise<Map<ClusterProcess, Note[]>> {
  const said = ({ output }: ClusterProcess): string[] => output.filter((line) => line.startsWith('{"type":"notes"'))
  const before = new Map(cluster.nodes.map((node) => [node, said(node).length]))
  for (const { pid } of cluster.nodes) process.kill(pid, 'SIGUSR2')
  await cluster.until('all tell their notes', () =>
    cluster.nodes.every((node) => said(node).length > before.get(node)!),
  )
  return new Map(cluster.nodes.map((node) => [node, JSON.parse(said(node).at(-1)!).notes as Note[]]))
}

/** Of all threads, in microseconds. */
function processorUs(pids: readonly number[]): number {
  const threads = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/task`).map((id) => `/proc/${pid}/task/${id}/schedstat`),
  )
  return threads.reduce((sum, path) => sum + Number(readFileSync(path, 'utf8').split(' ')[0]) / 1_000, 0)
}

function add(legs: Legs, leg: string, took: readonly number[]): void {
  const samples = legs.get(leg) ?? []
  legs.set(leg, samples)
  for (const one of took) samples.push(one)
}

function summary(reports: readonly LoadReport[]): string {
  const perSecond = reports.flatMap((report) => report.perSecond).toSorted((one, other) => one - other)
  return `${microseconds(reports.flatMap(({ latencies }) => latencies))} us a write, ${perSecond[perSecond.length >> 1]} writes/s`
}

/** Their median. */
function microseconds(samples: readonly number[], unit = 1_000): string {
  const sorted = samples.toSorted((one, other) => one - other)
  return ((sorted[sorted.length >> 1] ?? Number.NaN) * unit).toFixed(0)
}

await using stack = new AsyncDisposableStack()
const bare = stack.use(await BareChain.start())
const chains: Chain[] = []
for (const library of values.library.map((path) => resolve(path))) {
  const cluster = stack.use(await startProcesses(3, { program, env: { WRITE_CHAIN_LIBRARY: library } }))
  chains.push({ library, cluster, reports: [], legs: new Map(), costs: [] })
}
const etcd = values.etcd ? stack.use(await EtcdSide.start({ prefix: [] })) : undefined
const etcdReports: LoadReport[] = []
const bareMs: number[] = []
const bareCosts: number[] = []
for (let round = 0; round < Number(values.rounds); round++) {
  const before = processorUs(bare.pids)
  const took = await bare.run(ms)
  bareCosts.push((processorUs(bare.pids) - before) / took.length)
  bareMs.push(...took.slice(took.length >> 2))
  if (etcd) etcdReports.push(await etcd.load(place, { verb: 'write', clients, ms }))
  for (const chain of chains) await measure(chain)
}
console.log(`bare: ${microseconds(bareMs)} us a write, ${microseconds(bareCosts, 1)} us of processor time`)
if (etcd) console.log(`etcd: ${summary(etcdReports)}`)
for (const { library, reports, legs, costs } of chains) {
  console.log(
    `\n${library}: ${summary(reports)}, ${microseconds(costs, 1)} us of processor time a write, members together`,
  )
  for (const [leg, samples] of legs) console.log(`  ${leg.padEnd(52)} ${microseconds(samples).padStart(6)}`)
}
