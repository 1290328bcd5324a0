// The other process of the benchmarks of messages: a member that takes messages and answers requests, and a raw TLS
// server beside it. Speaks with its parent by IPC and ends with it.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createNode } from '../node.ts'
import { countAllocations } from './allocations.ts'
import type { FarReport, Question } from './pair.ts'
import { type PairTransport, pairTransport } from './pair-transport.ts'
import { serveRaw } from './raw-tls.ts'

const wanted = process.argv[2] as PairTransport
const node = await createNode({ name: 'far', listen: '127.0.0.1:0', transport: await pairTransport(wanted) })
// Its packages are there only where they are asked for.
const bare = wanted === 'libp2p' ? await (await import('./raw-libp2p.ts')).serveBare() : undefined
const raw = await serveRaw()
const delay = monitorEventLoopDelay({ resolution: 1 })
let messages = 0
let isSlow = false
/** What a slow handler takes for each message. */
const slowMs = Number(process.env.TRELLIS_BENCH_SLOW_MS ?? 1)

for (const channel of ['data', 'events', 'coordination', 'gossip'] as const) {
  node.channel(channel).onMessage(() => {
    messages += 1
    return isSlow ? new Promise((resolve) => setTimeout(resolve, slowMs)) : undefined
  })
  node.channel(channel).onRequest(({ payload }) => payload)
}

process.on('disconnect', () => process.exit())
process.on('message', async (asked: Question) => {
  if (asked === 'heap') globalThis.gc?.()
  if (asked === 'slow') isSlow = true
  if (asked === 'watch') {
    delay.reset()
    delay.enable()
  }
  const allocated = asked === 'allocations' ? await countAllocations(() => messages) : 0
  const report: FarReport = {
    address: node.address,
    rawPort: raw.port,
    messages,
    bareAddress: bare?.address ?? '',
    frames: raw.count + (bare?.count ?? 0),
    loopDelayMs: delay.percentile(99) / 1e6,
    heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    allocated,
  }
  process.send!(report)
})
process.send!('ready')
