// Shows, against the published package, two of the reasons why Trellis has its own consensus core (docs/adr/0001):
//   (a) one isolation of the leader for 0.8 s makes replicas apply different commands at one index;
//   (b) two leaders in one term when all nodes restart with their logs kept.
// Time is virtual, chance is seeded, the network is simulated; the log and the storage adapter are those that the
// package is tested with. Links keep their order and one event runs to its end before the next one: kinder than
// reality.
//
//   node scripts/liferaft-check.ts DIR [--seeds 100] [--nodes 3]
//
// `liferaft` is no dependency of this project: run without DIR, it says how the reader installs it.

import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

const install = `liferaft 1.0.0 is needed in a folder of its own (--ignore-scripts, because its native part does not compile on Node >= 20):

  dir=$(mktemp -d)
  npm install --prefix "$dir" --ignore-scripts liferaft@1.0.0 memdown@1.4.1
  node scripts/liferaft-check.ts "$dir"`

// What this program uses of the package, no more.
interface Packet {
  readonly type: string
}
type Reply = (error: Error | undefined, packet?: unknown) => void
interface LogEntry {
  readonly index: number
  readonly command: number
}
interface Replica {
  readonly state: number
  readonly term: number
  join(address: string, write: (packet: Packet, reply: Reply) => void): void
  emit(event: 'data', packet: unknown, write: (packet: unknown) => void): void
  on(event: 'leader', listener: () => void): void
  command(command: number): Promise<void>
  commitEntries(entries: readonly LogEntry[]): Promise<void>
  end(): void
}
interface ReplicaClass {
  new (address: string, options: object): Replica
  readonly LEADER: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '100' }, nodes: { type: 'string', default: '3' } },
})
const folder = resolve(positionals[0] ?? '.')
const seeds = Number(values.seeds)
const size = Number(values.nodes)
if (positionals.length !== 1 || !existsSync(`${folder}/node_modules/liferaft`)) {
  console.error(install)
  process.exit(2)
}
if (!Number.isInteger(seeds) || seeds < 1 || !Number.isInteger(size) || size < 3) {
  console.error('--seeds takes a whole number from 1, --nodes one from 3')
  process.exit(2)
}

// The virtual world. The package finds these instead of the real clock, timers and chance; whatever it does "at once"
// (microtasks, ticks, immediates) is run to its end before the clock moves.
const turn = globalThis.setImmediate
let now = 0
let order = 0
let events = new Map<number, { at: number; run: () => void }>()
let immediates: (() => void)[] = []
let random = Math.random

function schedule(run: () => void, after = 0): number {
  order += 1
  events.set(order, { at: now + after, run })
  return order
}
Object.assign(globalThis, {
  setTimeout: schedule,
  clearTimeout: (id: number) => events.delete(id),
  setImmediate: (run: () => void) => immediates.push(run),
  Date: class extends Date {
    constructor() {
      super(now)
    }
    static override now(): number {
      return now
    }
  },
})
Math.random = () => random()

async function settle(): Promise<void> {
  for (;;) {
    await new Promise((resolved) => turn(resolved))
    if (immediates.length === 0) return
    const due = immediates
    immediates = []
    for (const run of due) run()
  }
}

async function runUntil(end: number): Promise<void> {
  for (;;) {
    let next: [number, { at: number; run: () => void }] | undefined
    for (const event of events) if (next === undefined || event[1].at < next[1].at) next = event
    if (next === undefined || next[1].at > end) break
    events.delete(next[0])
    now = next[1].at
    next[1].run()
    await settle()
  }
  now = end
}

/** mulberry32: small, seeded, good enough to spread schedules. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const require = createRequire(`${folder}/package.json`)
const Liferaft = require('liferaft') as ReplicaClass
const Log = require('liferaft/log') as new (...args: never[]) => object
const memdown = require('memdown') as unknown
// A handler that was still waiting for its log when its node was restarted; the process it stands for is gone.
let orphans = 0
process.on('unhandledRejection', () => {
  orphans += 1
})

/** Nodes `0..size-1`, the network between them, and what they were seen to do. */
class World {
  readonly committed = new Map<number, Set<number>>()
  readonly leaders = new Map<number, Set<number>>()
  readonly #replicas: Replica[] = []
  readonly #lives: number[] = []
  readonly #linkFreeAt = new Map<string, number>()
  readonly #name: string
  #isolated: number | undefined
  #commands = 0

  constructor(name: string) {
    this.#name = name
    for (let node = 0; node < size; node++) this.#start(node)
  }

  /** A new process on the same log: `memdown` keeps what was stored under a path. */
  #start(node: number): void {
    const committed = this.committed
    const life = (this.#lives[node] ?? 0) + 1
    class Recorded extends Liferaft {
      override commitEntries(entries: readonly LogEntry[]): Promise<void> {
        for (const { index, command } of entries) record(committed, index, command)
        return super.commitEntries(entries)
      }
    }
    const replica = new Recorded(String(node), { Log, adapter: memdown, path: `${this.#name}/${node}` })
    replica.on('leader', () => record(this.leaders, replica.term, node))
    for (let peer = 0; peer < size; peer++) {
      if (peer === node) continue
      replica.join(String(peer), (packet, reply) => {
        this.#send(node, peer, packet, (arrived) => {
          const answer = (answered: unknown) =>
            void Promise.resolve(answered).then((back) => this.#send(peer, node, back, (it) => reply(undefined, it)))
          this.#replicas[peer]?.emit('data', arrived, answer)
        })
      })
    }
    this.#replicas[node] = replica
    this.#lives[node] = life
  }

  /** 1-10 ms, in order per link; lost when either end is isolated, or restarted on the way. */
  #send(from: number, to: number, packet: unknown, deliver: (packet: unknown) => void): void {
    if (packet === undefined) return
    const link = `${from}>${to}`
    const at = Math.max(now + 1 + random() * 9, this.#linkFreeAt.get(link) ?? 0)
    this.#linkFreeAt.set(link, at)
    const lives = `${this.#lives[from]}/${this.#lives[to]}`
    const text = JSON.stringify(packet)
    schedule(() => {
      const cut = this.#isolated === from || this.#isolated === to
      if (!cut && lives === `${this.#lives[from]}/${this.#lives[to]}`) deliver(JSON.parse(text))
    }, at - now)
  }

  #leading(): number[] {
    return this.#replicas.flatMap((replica, node) => (replica.state === Liferaft.LEADER ? [node] : []))
  }

  /** Commands go to whichever node believes that it leads, about every 80 ms. */
  write(until: number): void {
    for (let at = now; at < until; at += 40 + random() * 80) {
      schedule(() => {
        const leading = this.#leading()
        const node = leading[Math.floor(random() * leading.length)]
        if (node !== undefined) void this.#replicas[node]?.command(++this.#commands)
      }, at - now)
    }
  }

  isolateLeader(forMs: number): void {
    this.#isolated = this.#leading()[0]
    schedule(() => {
      this.#isolated = undefined
    }, forMs)
  }

  restartAll(): void {
    for (let node = 0; node < size; node++) {
      this.#replicas[node]?.end()
      this.#start(node)
    }
  }

  end(): void {
    for (const replica of this.#replicas) replica.end()
  }
}

function record(map: Map<number, Set<number>>, key: number, value: number): void {
  map.set(key, (map.get(key) ?? new Set()).add(value))
}

/** Faults by the time they start; every run ends at 8 s. */
const schedules: readonly { name: string; faultsAt: readonly number[]; fault: (world: World) => void }[] = [
  { name: 'no fault', faultsAt: [], fault: () => {} },
  { name: 'leader isolated once, for 0.8 s', faultsAt: [1500], fault: (world) => world.isolateLeader(800) },
  { name: 'all nodes restart once', faultsAt: [1500], fault: (world) => world.restartAll() },
  { name: 'all nodes restart four times', faultsAt: [1500, 3000, 4500, 6000], fault: (world) => world.restartAll() },
]

console.log(`liferaft 1.0.0, ${size} nodes, seeds 1 to ${seeds}\n`)
console.log('seeds in which, by schedule      | one index, different commands | one term, two leaders')
for (const { name, faultsAt, fault } of schedules) {
  let diverged = 0
  let twoLeaders = 0
  for (let seed = 1; seed <= seeds; seed++) {
    random = mulberry32(seed)
    now = 0
    events = new Map()
    const world = new World(`${name}/${seed}`)
    world.write(8_000)
    for (const at of faultsAt) {
      await runUntil(at)
      fault(world)
    }
    await runUntil(8_000)
    world.end()
    await settle()
    if ([...world.committed.values()].some((commands) => commands.size > 1)) diverged += 1
    if ([...world.leaders.values()].some((nodes) => nodes.size > 1)) twoLeaders += 1
  }
  console.log(`${name.padEnd(31)} | ${String(diverged).padStart(29)} | ${String(twoLeaders).padStart(21)}`)
}
if (orphans > 0) console.log(`\n${orphans} handlers failed, most of them of nodes that had been restarted.`)
