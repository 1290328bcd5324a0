// Our own log beside etcd, in the same run on the same machine: three voters each, every write on disk. What a client
// sees: writes, linearizable reads, and how long nothing is accepted when the leader is killed, hands over, or all
// begin anew. Once on the disk there is, and once with every flush 5 ms slower on both.

import { withoutEtcd } from '../../testing/etcd-servers.ts'
import { EtcdSide } from '../etcd-side.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import type { Load } from '../load.ts'
import { OwnSide } from '../own-side.ts'
import { slowFlush } from '../slow-flush.ts'
import type { Place, StoreSide, StoreSideOptions } from '../store-side.ts'

const MANY = 64
const TURNS = 5
const TURN_MS = 1_000
/** On both sides: V8 takes as long to compile all that runs for one call. */
const FIRST_WARM_UP_MS = 10_000
const WARM_UP_MS = 250
const SLOW_FLUSH_MS = 5
/** What takes seconds is done less often. */
const SLOW_PART = 4
/** Long enough for a leader that is cut off to know it. */
const CUT_MS = 5_000

const sides = [
  { name: 'etcd', start: EtcdSide.start },
  { name: 'trellis', start: OwnSide.start },
] as const

type Rows = Map<string, number[]>

export const etcd: Bench = {
  name: 'etcd',
  description: 'our own log beside etcd: writes, reads, and the leader gone',
  run: async (context) => [
    ...(await compare(context, '', { prefix: [] }, loadRows, [faultRows])),
    ...(await compare(context, '', { prefix: [], canCut: true }, [], [healRows])),
  ],
}

export const etcdSlow: Bench = {
  name: 'etcd-slow',
  description: `the same with every flush ${SLOW_FLUSH_MS} ms slower on both`,
  async run(context) {
    const slow = slowFlush(SLOW_FLUSH_MS)
    if (typeof slow === 'string') throw new Error(slow)
    using disk = slow
    return await compare(context, `, flush + ${SLOW_FLUSH_MS} ms`, { prefix: disk.prefix }, loadRows, [faultRows])
  },
}

type Measure = (context: BenchContext, side: StoreSide, name: string, rows: Rows) => Promise<void>

interface Started {
  readonly name: (typeof sides)[number]['name']
  readonly side: StoreSide
  readonly rows: Rows
}

/**
 * Both run all the time: the load by turns, so that what else the machine does meets both, and what disturbs a cluster
 * one after the other.
 */
async function compare(
  context: BenchContext,
  note: string,
  options: StoreSideOptions,
  load: readonly LoadRow[],
  measures: readonly Measure[],
): Promise<Figure[]> {
  const reason = withoutEtcd()
  if (reason !== false) throw new Error(reason)
  await using stack = new AsyncDisposableStack()
  const both: Started[] = []
  for (const { name, start } of sides) both.push({ name, side: stack.use(await start(options)), rows: new Map() })
  for (const row of load) await byTurns(context, both, row)
  for (const { name, side, rows } of both) {
    if (load.length > 0) rows.set('memory of a voter after that', [...(await side.memory())])
    for (const measure of measures) await measure(context, side, name, rows)
  }
  const [baseline, own] = both.map(({ rows }) => rows)
  return [...baseline!].flatMap(([row, samples]) => [
    { name: `etcd: ${row}${note}`, unit: unitOf(row), samples },
    {
      name: `${row}${note}`,
      unit: unitOf(row),
      samples: own!.get(row)!,
      baseline: `etcd: ${row}${note}`,
      ...(note === '' && goals[row] ? { goal: goals[row] } : {}),
    },
  ])
}

interface LoadRow {
  readonly place: Place
  readonly verb: Load['verb']
  readonly clients: number
}

const loadRows: readonly LoadRow[] = (['leader', 'follower'] as const).flatMap((place) =>
  (['write', 'read'] as const).flatMap((verb) => [MANY, 1].map((clients) => ({ place, verb, clients }))),
)

async function byTurns(context: BenchContext, both: readonly Started[], { place, ...what }: LoadRow): Promise<void> {
  const { verb, clients } = what
  const row = `${verb === 'read' ? 'linearizable ' : ''}${verb}${clients === 1 ? ', 1 client' : `s, ${clients} clients`} at the ${place}`
  for (const { rows } of both) rows.set(row, [])
  for (let turn = 0; turn < TURNS; turn++) {
    for (const { name, side, rows } of both) {
      context.signal.throwIfAborted()
      context.say(`${name}: ${row}`)
      const warmUpMs = turn === 0 ? FIRST_WARM_UP_MS : WARM_UP_MS
      const { latencies, perSecond } = await side.load(place, { ...what, ms: TURN_MS, warmUpMs })
      rows.get(row)!.push(...(clients === 1 ? latencies : perSecond))
    }
  }
}

async function faultRows(context: BenchContext, side: StoreSide, name: string, rows: Rows): Promise<void> {
  const take = async (row: string, runs: number, once: () => Promise<number>): Promise<void> => {
    const samples: number[] = []
    await repeat({ ...context, runs }, `${name}: ${row}`, async () => void samples.push(await once()))
    rows.set(row, samples)
  }
  await take('longest gap of writes in a transfer', context.runs, () => side.transfer())
  await take('SIGKILL of the leader to the first write', context.runs, () => side.killLeader())
  const starts = Math.max(1, Math.ceil(context.runs / SLOW_PART))
  await take('start of all to the first write', starts, () => side.coldStart())
}

async function healRows(context: BenchContext, side: StoreSide, name: string, rows: Rows): Promise<void> {
  const row = 'healed link to agreement'
  const samples: number[] = []
  const runs = Math.max(1, Math.ceil(context.runs / SLOW_PART))
  await repeat({ ...context, runs }, `${name}: ${row}`, async () => void samples.push(await side.healedLink(CUT_MS)))
  rows.set(row, samples)
}

const goals: Readonly<Record<string, string>> = {
  'write, 1 client at the leader': 'median <= 0.5x',
  [`writes, ${MANY} clients at the leader`]: '>= 3x',
  [`linearizable reads, ${MANY} clients at the leader`]: '>= 3x',
  [`linearizable reads, ${MANY} clients at the follower`]: '>= 3x',
  'longest gap of writes in a transfer': '<= 50',
  'SIGKILL of the leader to the first write': 'median <= 250, p99 <= 700',
  'healed link to agreement': '<= 1000',
  'start of all to the first write': '<= 1000 every time',
}

function unitOf(row: string): Figure['unit'] {
  if (row.startsWith('memory')) return 'MB'
  return row.includes(`${MANY} clients`) ? 'requests/s' : 'ms'
}
