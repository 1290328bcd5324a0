// What much data, many watchers and a cut cost: 100,000 keys (snapshots, a restart, a member that catches up, memory),
// a change told to a thousand watchers on one member, a healed link to agreement, and writes on a disk whose flush
// takes a millisecond longer. Three voters, with the defaults.

import { patience } from '../cluster.ts'
import { capturesOf, startDataMembers, tell } from '../data-members.ts'
import { type Bench, type Figure, repeat } from '../figure.ts'
import type { LoadReport } from '../load.ts'
import { residentMb } from '../process-memory.ts'
import { clock } from '../recorded.ts'
import { slowFlush } from '../slow-flush.ts'

const KEYS = 100_000
const WATCHERS = 1_000
const CHANGES = 200
const LOAD_MS = 3_000
const MANY = 64
/** A start of 100,000 keys is slow, and so is what it shows. */
const PART = 4

export const keys: Bench = {
  name: 'keys',
  description: '100,000 keys of 256 bytes: snapshots, restart, catching up, memory',
  async run(context) {
    const [restarts, catchUps]: [number[], number[]] = [[], []]
    await using cluster = await startDataMembers(3)
    const { leader } = await cluster.ready(patience)
    const others = cluster.nodes.filter((node) => node !== leader)
    context.say(`${KEYS} keys are written`)
    const filledMs = (await tell(cluster, leader, { work: 'fill', keys: KEYS })) as number
    const runs = Math.max(1, Math.ceil(context.runs / PART))
    for (const [what, wipe, samples] of [
      ['restarts', false, restarts],
      ['members that catch up', true, catchUps],
    ] as const) {
      await repeat({ ...context, runs }, what, async (run) => {
        const node = others[run % others.length]!
        await node.kill()
        const from = clock()
        await node.restart({ wipe })
        samples.push((await tell(cluster, node, { work: 'holds', keys: KEYS, from })) as number)
        await cluster.ready(patience)
      })
    }
    const figures: Figure[] = [
      { name: 'keys written, 256 at once', unit: 'requests/s', samples: [(KEYS * 1_000) / filledMs] },
      { name: 'the state captured and durable', unit: 'ms', samples: cluster.nodes.flatMap(capturesOf) },
      { name: 'start of a process to all keys in its copy', unit: 'ms', samples: restarts },
      { name: 'start with an empty directory to all keys in its copy', unit: 'ms', samples: catchUps },
      {
        name: 'memory of a voter with all keys',
        unit: 'MB',
        samples: await Promise.all(cluster.nodes.map(({ pid }) => residentMb(pid))),
      },
    ]
    return figures
  },
}

export const watchers: Bench = {
  name: 'watchers',
  description: '50 changes a second, each told to 1,000 watchers on one member',
  async run({ say }) {
    await using cluster = await startDataMembers(3)
    const { leader } = await cluster.ready(patience)
    const watching = cluster.nodes.find((node) => node !== leader)!
    say(`${CHANGES} changes to ${WATCHERS} watchers`)
    const [told] = await Promise.all([
      tell(cluster, watching, { work: 'watch', watchers: WATCHERS, changes: CHANGES }),
      tell(cluster, leader, { work: 'change', watchers: WATCHERS, changes: CHANGES }),
    ])
    const { first, last } = told as { first: number[]; last: number[] }
    return [
      { name: 'written at the leader to the first watcher of another member', unit: 'ms', samples: first },
      {
        name: 'to the last of 1,000 watchers',
        unit: 'ms',
        samples: last,
        baseline: 'written at the leader to the first watcher of another member',
      },
    ]
  },
}

export const healed: Bench = {
  name: 'healed',
  description: 'a leader that was cut off: from the healed link to agreement',
  async run(context) {
    const samples: number[] = []
    await using cluster = await startDataMembers(3)
    await repeat(context, 'leaders cut off', async () => {
      const { leader } = await cluster.ready(patience)
      const others = cluster.nodes.filter((node) => node !== leader)
      await cluster.partition([leader], others)
      await cluster.until(
        'the others have a leader of their own',
        async () => {
          const { consensus } = await others[0]!.status()
          return consensus.leader !== null && consensus.leader !== leader.name
        },
        patience,
      )
      await cluster.until(
        'it knows that it leads no more',
        async () => (await leader.status()).consensus.leader === null,
        patience,
      )
      await cluster.heal()
      const from = clock()
      await cluster.ready(patience)
      samples.push(clock() - from)
    })
    return [{ name: 'links healed to one leader and all alive everywhere', unit: 'ms', samples, goal: '<= 1000' }]
  },
}

export const flushes: Bench = {
  name: 'flushes',
  description: 'durable writes on disks whose flush takes 0, 1 and 5 ms longer',
  async run(context) {
    const figures: Figure[] = []
    for (const ms of [0, 1, 5]) {
      const slow = ms === 0 ? undefined : slowFlush(ms)
      if (typeof slow === 'string') throw new Error(slow)
      using disk = slow
      await using cluster = await startDataMembers(3, disk?.prefix)
      for (const clients of [1, MANY]) {
        context.signal.throwIfAborted()
        context.say(`${clients} clients, a flush of ${ms} ms more`)
        const { leader } = await cluster.ready(patience)
        const load = (await tell(cluster, leader, { work: 'load', verb: 'write', clients, ms: LOAD_MS })) as LoadReport
        const name = `${clients === 1 ? '1 client' : `${clients} clients`}, flush + ${ms} ms`
        figures.push({ name: `write, ${name}`, unit: 'ms', samples: load.latencies })
        figures.push({ name: `writes, ${name}`, unit: 'requests/s', samples: load.perSecond })
      }
    }
    return figures
  },
}
