// Messages without end between two processes: does memory stay where it was? Prints the heap of both after collection
// at every tenth of the way, and how fast it grew by least squares. With `--slow` the receiver takes a millisecond for
// each, or as many as are given, so that queues are full all along: 64 handlers at once, so 3,000 messages a second
// with 20 ms, which a machine hardly notices for hours.
//
//   node --expose-gc scripts/channel-soak.ts [--messages 10000000] [--slow [--slow-ms 1]]
//
// The long form is of 100,000,000.

import { parseArgs } from 'node:util'
import { Pair } from '../src/bench/pair.ts'
import { slopeOf } from './slope.ts'

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    slow: { type: 'boolean', default: false },
    'slow-ms': { type: 'string', default: '1' },
  },
})
const total = Number(values.messages)
const tenths = 10
const payload = new Uint8Array(256)
const mebibyte = 1_048_576

process.env.TRELLIS_BENCH_SLOW_MS = values['slow-ms']
await using pair = await Pair.open()
const data = pair.near.channel('data')
if (values.slow) await pair.ask('slow')
const near: { x: number; y: number }[] = []
const far: { x: number; y: number }[] = []
for (let tenth = 1; tenth <= tenths; tenth++) {
  const began = performance.now()
  const count = Math.ceil(total / tenths)
  await data.sendMany(
    'far',
    (function* () {
      for (let sent = 0; sent < count; sent++) yield payload
    })(),
    { timeoutMs: 3_600_000 },
  )
  const seconds = (performance.now() - began) / 1_000
  const { heapMb, messages } = await pair.ask('heap')
  globalThis.gc?.()
  const own = process.memoryUsage().heapUsed / mebibyte
  // The first tenth is what code, windows and queues grow to.
  if (tenth > 1) {
    near.push({ x: tenth, y: own })
    far.push({ x: tenth, y: heapMb })
  }
  const rate = Math.round(count / seconds).toLocaleString('en')
  const { queue, dropped } = data.stats()
  console.log(
    `${messages.toLocaleString('en')} handled, ${rate}/s: heap ${own.toFixed(1)} MiB near, ${heapMb.toFixed(1)} MiB far; ` +
      `queue ${queue.messages}, dropped ${JSON.stringify(dropped)}`,
  )
}
const growth = (points: typeof near): string => (slopeOf(points) * tenths).toFixed(2)
console.log(`growth over ${total.toLocaleString('en')} messages: ${growth(near)} MiB near, ${growth(far)} MiB far`)
