// Why calls of a service take much longer in the mean than in the middle: 64 of them on their way between two
// processes, and of each time in which no answer came for long what both main threads did meanwhile, by the kernel's
// account of each (run, wait for a processor, sleep) and by V8's of its collections. The accounts are read once for
// each turn with answers, which costs some 20 us of it. Needs Linux (`/proc`).
//
//   node scripts/call-gaps.ts [--seconds 10] [--gap-ms 1.5]

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { percentile } from '../src/bench/pair.ts'
import { createNode } from '../src/node.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { pause } from '../src/wait.ts'

interface Span {
  /** In milliseconds since 1970, as both processes see it. */
  readonly from: number
  readonly ms: number
}

/** Milliseconds of a main thread. */
interface Account {
  readonly ran: number
  readonly waited: number
}

interface Gap extends Span {
  readonly caller: Account
  readonly owner: Account
}

const outstanding = 64
const warmUpMs = 3_000
/** What took this share of a gap is what the gap is put down to. */
const MOST = 1 / 2

/** Collections of this process from now on. */
function collections(): Span[] {
  const spans: Span[] = []
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      spans.push({ from: performance.timeOrigin + startTime, ms: duration })
  }).observe({ entryTypes: ['gc'] })
  return spans
}

function accountOf(pid: number): () => Account {
  const file = openSync(`/proc/${pid}/task/${pid}/schedstat`, 'r')
  const text = Buffer.alloc(64)
  return () => {
    const [ran = 0, waited = 0] = text
      .toString('latin1', 0, readSync(file, text, 0, 64, 0))
      .split(' ')
      .map(Number)
    return { ran: ran / 1e6, waited: waited / 1e6 }
  }
}

function grown(from: Account, to: Account): Account {
  return { ran: to.ran - from.ran, waited: to.waited - from.waited }
}

async function ownerMember(): Promise<void> {
  const node = await createNode({ name: 'owner', listen: '127.0.0.1:0' })
  node.services.register('echo', { echo: (value) => value })
  const collected = collections()
  process.on('disconnect', () => process.exit())
  process.on('message', () => process.send!(collected))
  process.send!(node.address)
}

async function callerMember(seconds: number, gapMs: number): Promise<void> {
  const owner = fork(fileURLToPath(import.meta.url), ['--owner'])
  const [address] = (await once(owner, 'message')) as [string]
  await using node = await createNode({ name: 'caller', listen: '127.0.0.1:0', join: address })
  await node.services.waitFor('echo')
  const collected = collections()
  const read = { caller: accountOf(process.pid), owner: accountOf(owner.pid!) }
  const milliseconds: number[] = []
  const gaps: Gap[] = []
  let last = { at: 0, caller: read.caller(), owner: read.owner() }
  let isLooking = false
  let isWatched = false
  let isOver = false
  const look = (): void => {
    isLooking = false
    const now = { at: performance.timeOrigin + performance.now(), caller: read.caller(), owner: read.owner() }
    const [caller, owned] = [grown(last.caller, now.caller), grown(last.owner, now.owner)]
    if (isWatched && now.at - last.at > gapMs) gaps.push({ from: last.at, ms: now.at - last.at, caller, owner: owned })
    last = now
  }
  const caller = async (): Promise<void> => {
    while (!isOver) {
      const from = performance.now()
      await node.services.call('echo', 'echo', { id: 7, text: 'hello' })
      if (isWatched) milliseconds.push(performance.now() - from)
      if (isLooking) continue
      isLooking = true
      setImmediate(look)
    }
  }
  const all = Promise.all(Array.from({ length: outstanding }, caller))
  await pause(systemClock, warmUpMs)
  isWatched = true
  await pause(systemClock, seconds * 1_000)
  isWatched = false
  isOver = true
  await all
  owner.send('collections')
  const [ownerCollected] = (await once(owner, 'message')) as [Span[]]
  owner.disconnect()
  await once(owner, 'exit')
  const mean = milliseconds.reduce((sum, each) => sum + each, 0) / milliseconds.length
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => percentile(milliseconds, share).toFixed(2))
  console.log(
    `${Math.round(milliseconds.length / seconds)} calls a second; ms: mean ${mean.toFixed(2)}, p50 ${p50}, p99 ${p99}, max ${most}`,
  )
  const lost = gaps.reduce((sum, { ms }) => sum + ms, 0)
  console.log(
    `${gaps.length} times no answer for ${gapMs} ms, ${lost.toFixed(0)} of ${seconds * 1_000} ms together, by what took most of each:`,
  )
  const causes = new Map<string, { count: number; ms: number }>()
  for (const gap of gaps) {
    const cause = causeOf(gap, within(collected, gap), within(ownerCollected, gap))
    const sum = causes.get(cause) ?? { count: 0, ms: 0 }
    causes.set(cause, { count: sum.count + 1, ms: sum.ms + gap.ms })
  }
  for (const [cause, { count, ms }] of [...causes].sort((one, other) => other[1].ms - one[1].ms))
    console.log(`${String(count).padStart(6)}  ${ms.toFixed(0).padStart(6)} ms  ${cause}`)
}

/** How much of `span` was spent in any of `spans`. */
function within(spans: readonly Span[], span: Span): number {
  const end = span.from + span.ms
  return spans.reduce((sum, { from, ms }) => sum + Math.max(0, Math.min(end, from + ms) - Math.max(span.from, from)), 0)
}

function causeOf({ ms, caller, owner }: Gap, callerCollected: number, ownerCollected: number): string {
  if (callerCollected + ownerCollected > ms * MOST) return 'a collector of either'
  if (caller.waited > ms * MOST) return 'the caller had no processor'
  if (owner.waited > ms * MOST) return 'the owner had no processor'
  if (caller.waited + owner.waited > ms * MOST) return 'one after the other had no processor'
  if (caller.ran > ms * MOST || owner.ran > ms * MOST) return 'work of either'
  return 'both slept: the kernel had not carried the bytes over, or a timer'
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    'gap-ms': { type: 'string', default: '1.5' },
    owner: { type: 'boolean', default: false },
  },
})
await (values.owner ? ownerMember() : callerMember(Number(values.seconds), Number(values['gap-ms'])))
