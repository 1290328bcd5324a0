// Our own log beside etcd, in the same run on the same machine: three voters each, every write on disk. What a client sees: writes, linearizable reads, and how long nothing is accepted when
// the leader is killed, hands over, or all begin anew. Once on the disk there is, and once with every flush 5 ms slower on both.

import { withoutEtcd } from '../../testing/etcd-servers.ts'
import { EtcdSide } from '../etcd-side.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import type { Load, LoadReport } from '../load.ts'
import { OwnSide } from '../own-side.ts'
import { slowFlush } from '../slow-flush.ts'
import type { Place, StoreSide, StoreSideOptions } from '../store-side.ts'

const MANY = 64
const LOAD_MS = 3_000
/** Of one client, on both sides: V8 takes as long to compile all that runs for one call. */
const LONE_WARM_UP_MS = 10_000
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
    ...(await compare(context, '', { prefix: [] }, [dataRows, faultRows])),
    ...(await compare(context, '', { prefix: [], canCut: true }, [healRows])),
  ],
}

export const etcdSlow: Bench = {
  name: 'etcd-slow',
  description: `the same with every flush ${SLOW_FLUSH_MS} ms slower on both`,
  async run(context) {
    const slow = slowFlush(SLOW_FLUSH_MS)
    if (typeof slow === 'string') throw new Error(slow)
    using disk = slow
    return await compare(context, `, flush + ${SLOW_FLUSH_MS} ms`, { prefix: disk.prefix }, [dataRows, faultRows])
  },
}

type Measure = (context: BenchContext, side: StoreSide, name: string, rows: Rows) => Promise<void>

async function compare(
  context: BenchContext,
  note: string,
  options: StoreSideOptions,
  measures: readonly Measure[],
): Promise<Figure[]> {
  const reason = withoutEtcd()
  if (reason !== false) throw new Error(reason)
  const rows = new Map<(typeof sides)[number]['name'], Rows>()
  for (const { name, start } of sides) {
    const own: Rows = new Map()
    rows.set(name, own)
    await using side = await start(options)
    for (const measure of measures) await measure(context, side, name, own)
  }
  const names = [...rows.get('etcd')!.keys()]
  return names.flatMap((row) => [
    { name: `etcd: ${row}${note}`, unit: unitOf(row), samples: rows.get('etcd')!.get(row)! },
    {
      name: `${row}${note}`,
      unit: unitOf(row),
      samples: rows.get('trellis')!.get(row)!,
      baseline: `etcd: ${row}${note}`,
      ...(note === '' && goals[row] ? { goal: goals[row] } : {}),
    },
  ])
}

/** One caller at the leader, and many, there and elsewhere. */
async function dataRows(context: BenchContext, side: StoreSide, name: string, rows: Rows): Promise<void> {
  const measure = async (place: Place, verb: 'write' | 'read', clients: number): Promise<LoadReport> => {
    context.signal.throwIfAborted()
    context.say(`${name}: ${verb}s of ${clients} at the ${place}`)
    const load: Load = { verb, clients, ms: LOAD_MS }
    return side.load(place, clients === 1 ? { ...load, warmUpMs: LONE_WARM_UP_MS } : load)
  }
  for (const place of ['leader', 'follower'] as const) {
    rows.set(`writes, ${MANY} clients at the ${place}`, [...(await measure(place, 'write', MANY)).perSecond])
    rows.set(`write, 1 client at the ${place}`, [...(await measure(place, 'write', 1)).latencies])
    rows.set(`linearizable reads, ${MANY} clients at the ${place}`, [...(await measure(place, 'read', MANY)).perSecond])
    rows.set(`linearizable read, 1 client at the ${place}`, [...(await measure(place, 'read', 1)).latencies])
  }
  rows.set('memory of a voter after that', [...(await side.memory())])
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
