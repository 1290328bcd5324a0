// What late requests beside bulk wait for: 64 B on coordination while 64 KiB messages take all that data carries,
// between two processes. Each end notes its turns of the event loop; of each late request the longest turn that it met
// says what it waited for. Needs Linux (`/proc`). The loops never sleep while they are watched, so times are not those
// of `trellis bench hol`.
//
//   node scripts/late-requests.ts [--seconds 5]

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { percentile } from '../src/bench/pair.ts'
import { createNode } from '../src/node.ts'
import { systemClock } from '../src/runtime/clock.ts'
import { pause, waitFor } from '../src/wait.ts'

/** A turn of a loop, in milliseconds; `from` as both processes see it. */
interface Turn {
  readonly from: number
  readonly ms: number
  /** The thread could run and had no processor. */
  readonly waited: number
  collected: number
}

const chunkBytes = 64 * 1024
/** The share of requests that counts as late. */
const late = 0.01
/** A request that met no turn of this share of its time was kept by none. */
const keptByOne = 1 / 3

/** Notes the turns of this process until the result is called. */
function watchTurns(): () => Promise<Turn[]> {
  const turns: Turn[] = []
  const collections: { readonly from: number; readonly ms: number }[] = []
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      collections.push({ from: performance.timeOrigin + startTime, ms: duration })
  })
  observer.observe({ entryTypes: ['gc'] })
  const file = openSync('/proc/self/schedstat', 'r')
  const text = Buffer.alloc(64)
  const waitedMs = (): number =>
    Number(text.toString('latin1', 0, readSync(file, text, 0, 64, 0)).split(' ')[1]) / 1_000_000
  let isOver = false
  let from = performance.now()
  let waited = waitedMs()
  const turn = (): void => {
    const [now, sum] = [performance.now(), waitedMs()]
    turns.push({ from: performance.timeOrigin + from, ms: now - from, waited: sum - waited, collected: 0 })
    from = now
    waited = sum
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  return async () => {
    isOver = true
    await pause(systemClock, 100)
    observer.disconnect()
    for (const { from: begun, ms } of collections) {
      const within = turns.find((each) => begun >= each.from && begun < each.from + each.ms)
      if (within) within.collected += ms
    }
    return turns
  }
}

async function farMember(): Promise<void> {
  const node = await createNode({ name: 'far', listen: '127.0.0.1:0' })
  let messages = 0
  let stop: (() => Promise<Turn[]>) | undefined
  node.channel('data').onMessage(() => void messages++)
  node.channel('coordination').onRequest(({ payload }) => payload)
  process.on('disconnect', () => process.exit())
  process.on('message', async (asked) => {
    if (asked === 'watch') stop = watchTurns()
    process.send!(asked === 'turns' ? await stop!() : messages)
  })
  process.send!(node.address)
}

async function nearMember(seconds: number): Promise<void> {
  const far = fork(fileURLToPath(import.meta.url), ['--far'])
  const ask = async (what: string): Promise<unknown> => {
    far.send(what)
    return (await once(far, 'message'))[0]
  }
  const [address] = (await once(far, 'message')) as [string]
  await using near = await createNode({ name: 'near', listen: '127.0.0.1:0', join: address })
  const areLinked = (): boolean => near.members().filter(({ state }) => state === 'alive').length === 2
  await waitFor('the pair', areLinked, { clock: systemClock, timeoutMs: 30_000 })
  const chunk = new Uint8Array(chunkBytes)
  let isOver = false
  const chunks = function* (): Generator<Uint8Array> {
    while (!isOver) yield chunk
  }
  const bulk = near.channel('data').sendMany('far', chunks(), { timeoutMs: 600_000 })
  await pause(systemClock, 2_000)
  const [before, begin] = [Number(await ask('watch')), performance.now()]
  const stop = watchTurns()
  const requests: { readonly from: number; readonly ms: number }[] = []
  while (performance.now() - begin < seconds * 1_000) {
    const from = performance.now()
    await near.channel('coordination').request('far', new Uint8Array(64))
    requests.push({ from: performance.timeOrigin + from, ms: performance.now() - from })
    await pause(systemClock, 1)
  }
  const rate = ((Number(await ask('messages')) - before) * chunkBytes) / (performance.now() - begin) / 1_000
  const turns = { sender: await stop(), receiver: (await ask('turns')) as Turn[] }
  isOver = true
  await bulk
  far.disconnect()
  await once(far, 'exit')
  console.log(`bulk ${rate.toFixed(0)} MB/s; ${quantiles('requests', requests)}`)
  for (const [end, each] of Object.entries(turns)) console.log(quantiles(`turns of the ${end}`, each))
  const limit = percentile(times(requests), 1 - late)
  const slow = requests.filter(({ ms }) => ms >= limit)
  const causes = new Map<string, number>()
  for (const request of slow) {
    const cause = causeOf(request, turns)
    causes.set(cause, (causes.get(cause) ?? 0) + 1)
  }
  console.log(`the ${slow.length} slowest, from ${limit.toFixed(2)} ms, by what they waited for:`)
  for (const [cause, count] of [...causes].sort((one, other) => other[1] - one[1]))
    console.log(`${String(count).padStart(6)}  ${cause}`)
}

const times = (all: readonly { readonly ms: number }[]): number[] => all.map(({ ms }) => ms)

function quantiles(what: string, all: readonly { readonly ms: number }[]): string {
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => percentile(times(all), share).toFixed(2))
  return `${all.length} ${what}, ms: p50 ${p50}, p99 ${p99}, max ${most}`
}

function causeOf({ from, ms }: { readonly from: number; readonly ms: number }, turns: Record<string, Turn[]>): string {
  let cause = 'no long turn of either: sockets, or many turns'
  let longest = ms * keptByOne
  for (const [end, each] of Object.entries(turns))
    for (const turn of each) {
      const met = Math.min(from + ms, turn.from + turn.ms) - Math.max(from, turn.from)
      if (met <= longest) continue
      longest = met
      cause = `${end}: ${reasonOf(turn)}`
    }
  return cause
}

function reasonOf({ ms, waited, collected }: Turn): string {
  if (waited > ms / 2) return 'it had no processor'
  return collected > ms / 2 ? 'its collector' : 'its own work'
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, far: { type: 'boolean', default: false } },
})
await (values.far ? farMember() : nearMember(Number(values.seconds)))
