// Our tree and gossipsub side by side: 50 members linked by libp2p in HyParView, ten in each of five processes.
// Messages are published one after the other by both ways in turn; then a process is killed, a fifth of the members at
// once, while it goes on. How many of the members that live get each, how late, and how many copies travel for each
// that is delivered.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import type { BroadcastReport, Order, Way } from '../broadcast-members.ts'
import type { Bench, BenchContext, Figure } from '../figure.ts'
import { percentile } from '../pair.ts'

const program = fileURLToPath(new URL(`../broadcast-members${extname(import.meta.url)}`, import.meta.url))
const processes = 5
const membersEach = 10
const ways = ['plumtree', 'gossipsub'] as const
const zero: BroadcastReport['copies'] = { plumtree: 0, gossipsub: 0 }
const betweenMs = 25
/** Meshes and trees grow while these are published; none of them counts. */
const warmUp = 20
/** When nobody has heard anything for so long, or after so many times as long, nothing more is waited for. */
const settleMs = 3_000
const maxSettles = 20
const formingMs = 180_000

export const broadcasts: Bench = {
  name: 'broadcasts',
  description: 'our tree beside gossipsub, 50 members, a fifth of them killed',
  async run(context) {
    const children = Array.from({ length: processes }, () =>
      fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    )
    try {
      return await measure(context, children)
    } finally {
      for (const child of children) child.kill('SIGKILL')
      await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
    }
  },
}

async function measure(
  { runs, signal, say }: BenchContext,
  children: readonly ChildProcess[],
): Promise<readonly Figure[]> {
  const first: string[] = []
  for (const [at, child] of children.entries()) {
    say(`members start: ${at * membersEach} of ${processes * membersEach}`)
    const names = Array.from({ length: membersEach }, (_, index) => `m${at * membersEach + index}`)
    const { addresses } = await tell(child, { type: 'start', names, join: first })
    first.push(addresses[0]!)
  }
  const late = AbortSignal.timeout(formingMs)
  while (
    (await Promise.all(children.map((child) => tell(child, { type: 'report' })))).some(
      ({ alive }) => alive < processes * membersEach,
    )
  ) {
    late.throwIfAborted()
    await pause(systemClock, 200, signal)
  }
  const publish = async (publisher: ChildProcess, count: number, from: number, midway = () => {}): Promise<void> => {
    for (let index = 0; index < count; index++) {
      if (index === Math.floor(count / 2)) midway()
      for (const topic of ways) await tell(publisher, { type: 'publish', topic, id: from + index })
      await pause(systemClock, betweenMs, signal)
    }
  }
  const [publisher, ...others] = children as [ChildProcess, ...ChildProcess[]]
  const victim = others.at(-1)!
  const living = children.filter((child) => child !== victim)
  const count = 10 * runs
  say('warming up')
  await publish(publisher, warmUp, 0)
  await settled(children, signal)
  say('broadcasting to all')
  await publish(publisher, count, 1_000)
  const calm = await settled(children, signal)
  say('broadcasting while a fifth is killed')
  await publish(publisher, count, 2_000_000, () => void victim.kill('SIGKILL'))
  const torn = await settled(living, signal)
  return ways.flatMap((way) => [
    ...figuresOf(way, 'all alive', calm, count * processes * membersEach),
    ...figuresOf(way, 'a fifth killed midway, to those that live', torn, count * living.length * membersEach),
  ])
}

/** What each has heard since it was asked last, once nothing more comes. */
async function settled(children: readonly ChildProcess[], signal: AbortSignal): Promise<readonly BroadcastReport[]> {
  const sums = children.map(() => ({ deliveries: [] as BroadcastReport['deliveries'][number][], copies: zero }))
  let last: readonly BroadcastReport[] = []
  for (let round = 0; round < maxSettles; round++) {
    await pause(systemClock, settleMs, signal)
    last = await Promise.all(children.map((child) => tell(child, { type: 'report' })))
    for (const [at, { deliveries, copies }] of last.entries()) {
      const sum = sums[at]!
      sum.deliveries.push(...deliveries)
      const { plumtree, gossipsub } = sum.copies
      sum.copies = { plumtree: plumtree + copies.plumtree, gossipsub: gossipsub + copies.gossipsub }
    }
    if (last.every(({ deliveries }) => deliveries.length === 0)) break
  }
  return last.map((report, at) => ({ ...report, ...sums[at]! }))
}

function figuresOf(way: Way, when: string, reports: readonly BroadcastReport[], wanted: number): Figure[] {
  const own = reports.flatMap(({ deliveries }) => deliveries.filter((each) => each.way === way))
  const ms = own.map((each) => each.ms)
  const copies = reports.reduce((total, report) => total + report.copies[way], 0)
  // The publisher delivers to itself without a copy.
  const carried = own.length * (1 - 1 / (reports.length * membersEach))
  return [
    { name: `${way}, ${when}: delivered`, unit: '%', samples: [(own.length / wanted) * 100], goal: '100' },
    { name: `${way}, ${when}: p50`, unit: 'ms', samples: [percentile(ms, 0.5)] },
    { name: `${way}, ${when}: p99`, unit: 'ms', samples: [percentile(ms, 0.99)] },
    {
      name: `${way}, ${when}: copies beyond one for each delivery`,
      unit: '%',
      samples: [(copies / carried - 1) * 100],
    },
  ]
}

async function tell(child: ChildProcess, order: Order): Promise<BroadcastReport> {
  const over = new AbortController()
  const { signal } = over
  try {
    const ended = once(child, 'exit', { signal }).then(() => {
      throw new Error('a process of members has ended')
    })
    const answer = once(child, 'message', { signal })
    child.send(order)
    const [report] = (await Promise.race([answer, ended])) as [BroadcastReport]
    return report
  } finally {
    over.abort()
  }
}
