// Calls of services: how many and how fast beside Moleculer, how they are shared among instances, what it costs when
// one of them is killed, and how soon everybody knows of a new one.

import { createNode } from '../../node.ts'
import type { TrellisNode } from '../../node-interface.ts'
import { systemClock } from '../../runtime/clock.ts'
import type { BalanceStrategy, ServiceCallOptions } from '../../services/service-interface.ts'
import { pause, waitFor } from '../../wait.ts'
import { type Bench, type BenchContext, type Figure, repeat } from '../figure.ts'
import { percentile, roundTrips } from '../pair.ts'
import { ServiceMembers } from '../service-members.ts'

const outstanding = 64
const argument = { id: 7, text: 'hello' }
const sharedCalls = 10_000
const instances = 3
const weights = [100, 200, 300]
/** Members of this many processes, each with as many. */
const manyProcesses = 3
const membersOfEach = 10
const entriesOfEach = 33
const stamped = 200

export const services: Bench = {
  name: 'services',
  description: 'calls of services beside Moleculer, their spread, a killed instance, propagation',
  async run(context) {
    return [
      ...(await rates(context)),
      ...(await spread(context)),
      ...(await killed(context)),
      ...(await known(context)),
    ]
  },
}

// --- Calls a second ---

async function rates(context: BenchContext): Promise<Figure[]> {
  const samples = { own: [] as number[], ownP50: [] as number[], other: [] as number[], otherP50: [] as number[] }
  await using members = new ServiceMembers()
  const { address } = await members.start({ type: 'offer', name: 'far', join: undefined, weight: 100 })
  await using near = await createNode({ name: 'near', listen: '127.0.0.1:0', join: address })
  await near.services.waitFor('echo')
  const broker = await members.moleculer()
  const measure = async (call: () => Promise<unknown>, rate: number[], p50: number[]): Promise<void> => {
    const { microseconds, perSecond } = await roundTrips(call, { atOnce: outstanding }, context.signal)
    rate.push(perSecond)
    p50.push(percentile(microseconds, 0.5))
  }
  const own = (): Promise<unknown> => near.services.call('echo', 'echo', argument)
  const theirs = (): Promise<unknown> => broker!.call('echo.echo', argument)
  try {
    for (const call of [own, ...(broker ? [theirs] : [])])
      await roundTrips(call, { atOnce: outstanding }, context.signal)
    await repeat(context, 'calls', async () => {
      if (broker) await measure(theirs, samples.other, samples.otherP50)
      await measure(own, samples.own, samples.ownP50)
    })
  } finally {
    await broker?.stop()
  }
  const other = `Moleculer TCP, ${outstanding} outstanding`
  return [
    { name: other, unit: 'requests/s', samples: samples.other },
    {
      name: `services.call, ${outstanding} outstanding`,
      unit: 'requests/s',
      samples: samples.own,
      baseline: other,
      goal: '>= 5 x',
    },
    { name: `${other}, p50`, unit: 'us', samples: samples.otherP50 },
    { name: 'services.call, p50', unit: 'us', samples: samples.ownP50, baseline: `${other}, p50` },
  ]
}

// --- Who gets them ---

/** A caller, and three others that offer. */
async function offered(members: ServiceMembers): Promise<{ caller: TrellisNode; pids: Map<string, number> }> {
  const caller = await createNode({ name: 'caller', listen: '127.0.0.1:0' })
  const pids = new Map<string, number>()
  for (const [at, weight] of weights.entries()) {
    const name = `instance-${at + 1}`
    const { process } = await members.start({ type: 'offer', name, join: caller.address, weight })
    pids.set(name, process.pid ?? 0)
  }
  const isThere = (): boolean => caller.services.find('echo').length === instances
  await waitFor('the instances', isThere, { clock: systemClock, timeoutMs: 30_000 })
  return { caller, pids }
}

async function spread(context: BenchContext): Promise<Figure[]> {
  await using members = new ServiceMembers()
  const { caller } = await offered(members)
  await using _ = caller
  const even = weights.map(() => 1 / instances)
  const byWeight = weights.map((weight) => weight / weights.reduce((sum, each) => sum + each, 0))
  const promises: readonly (readonly [BalanceStrategy, readonly number[], string])[] = [
    ['round-robin', even, '<= 0.1 of even'],
    ['weighted', byWeight, '<= 2 of the weights'],
    ['least-loaded', even, '<= 10 of even, where all are equally fast'],
    ['local-first', even, '<= 10 of even, where all are equally fast and none is near'],
    ['consistent-hash', byWeight, '<= 12.5 of the weights, as no instance is to have more than 1.25 times its share'],
  ]
  const figures: Figure[] = []
  for (const [strategy, shares, goal] of promises) {
    const samples: number[] = []
    await repeat(
      context,
      `spread, ${strategy}`,
      async () => void samples.push(await deviation(caller, strategy, shares)),
    )
    figures.push({
      name: `${sharedCalls.toLocaleString('en')} calls, ${strategy}: furthest from its share`,
      unit: '%',
      samples,
      goal,
    })
  }
  return figures
}

/** Percentage points by which the share of one instance is most off. */
async function deviation(caller: TrellisNode, strategy: BalanceStrategy, shares: readonly number[]): Promise<number> {
  const counts = shares.map(() => 0)
  let left = sharedCalls
  const callers = Array.from({ length: outstanding }, async () => {
    while (left > 0) {
      const number = left--
      const options: ServiceCallOptions = {
        strategy,
        ...(strategy === 'consistent-hash' ? { key: `k${number % 1_000}` } : {}),
      }
      const who = String(await caller.services.call('echo', 'who', null, options))
      counts[Number(who.at(-1)) - 1]! += 1
    }
  })
  await Promise.all(callers)
  return Math.max(...counts.map((count, at) => Math.abs(count / sharedCalls - shares[at]!) * 100))
}

// --- When one is killed ---

async function killed(context: BenchContext): Promise<Figure[]> {
  const failed: number[] = []
  const late: number[] = []
  const retried: number[] = []
  await repeat(context, 'an instance is killed', async () => {
    const once = await failuresOf(false, context.signal)
    failed.push(once.failed)
    late.push(once.late)
    retried.push((await failuresOf(true, context.signal)).failed)
  })
  return [
    {
      name: `calls that fail when 1 of 3 is killed, ${outstanding} outstanding`,
      unit: 'calls',
      samples: failed,
      goal: `<= ${outstanding}, those in flight`,
    },
    { name: 'of those, later than 1 s after it', unit: 'calls', samples: late, goal: '0' },
    { name: 'the same with idempotent calls', unit: 'calls', samples: retried, goal: '0' },
  ]
}

async function failuresOf(idempotent: boolean, signal: AbortSignal): Promise<{ failed: number; late: number }> {
  await using members = new ServiceMembers()
  const { caller, pids } = await offered(members)
  await using _ = caller
  let killedAt = Number.POSITIVE_INFINITY
  let isOver = false
  const failures: number[] = []
  const options = { idempotent, strategy: 'round-robin' } as const
  const callers = Array.from({ length: outstanding }, async () => {
    while (!isOver)
      await caller.services
        .call('echo', 'echo', argument, options)
        .catch(() => failures.push(performance.now() - killedAt))
  })
  await pause(systemClock, 500, signal)
  killedAt = performance.now()
  process.kill(pids.get('instance-2')!, 'SIGKILL')
  await pause(systemClock, 3_000, signal)
  isOver = true
  await Promise.all(callers)
  return { failed: failures.length, late: failures.filter((ms) => ms > 1_000).length }
}

// --- How soon everybody knows ---

async function known(context: BenchContext): Promise<Figure[]> {
  await using members = new ServiceMembers()
  await using near = await createNode({ name: 'near', listen: '127.0.0.1:0' })
  const far: Awaited<ReturnType<ServiceMembers['start']>>['process'][] = []
  for (let at = 0; at < manyProcesses; at++) {
    const names = Array.from({ length: membersOfEach }, (_, index) => `m-${at}-${index}`)
    const { process } = await members.start({ type: 'many', names, join: near.address, entries: entriesOfEach })
    far.push(process)
  }
  const expected = manyProcesses * membersOfEach * entriesOfEach
  const isThere = (): boolean => near.services.find().length === expected
  await waitFor('all entries', isThere, { clock: systemClock, timeoutMs: 60_000 })
  await Promise.all(far.map((member) => members.holds(member, expected)))
  const propagation: number[] = []
  const lookup: number[] = []
  await repeat(context, 'registrations', async () => {
    const made: Disposable[] = []
    for (let entry = 0; entry < stamped; entry++) {
      made.push(near.services.register('stamped', {}, { metadata: { at: String(Date.now()) } }))
      await pause(systemClock, 5, context.signal)
    }
    await pause(systemClock, 1_500, context.signal)
    for (const registration of made) registration[Symbol.dispose]()
    const seen = (await Promise.all(far.map((member) => members.propagation(member)))).flatMap(
      ({ milliseconds }) => milliseconds,
    )
    propagation.push(percentile(seen, 0.99))
    lookup.push(percentile(lookups(near), 0.99))
  })
  const size = `${expected.toLocaleString('en')} entries, ${manyProcesses * membersOfEach + 1} members`
  return [
    { name: `registered to found by all others, p99: ${size}`, unit: 'ms', samples: propagation, goal: '<= 1,000' },
    { name: `find by name, p99: ${size}`, unit: 'us', samples: lookup, goal: '<= 100' },
  ]
}

function lookups(node: TrellisNode): number[] {
  return Array.from({ length: 10_000 }, (_, at) => {
    const from = performance.now()
    node.services.find(`entry-${at % entriesOfEach}`)
    return (performance.now() - from) * 1_000
  })
}
