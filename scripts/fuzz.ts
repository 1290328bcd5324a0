// A million mutated frames against every parser of what a peer or a stranger may send: prints what each made of its
// share, how long it took and how much memory there is at the end. Ends with an error at the first that is neither a
// value nor a `WireError`.
//
//   node scripts/fuzz.ts [--frames 1000000] [--seed 1]

import { parseArgs } from 'node:util'
import { fuzz } from '../test/src/wire/fuzz.ts'

const { values } = parseArgs({
  options: { frames: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
})
const mebibyte = 1_048_576
const began = performance.now()
const heapBefore = process.memoryUsage().heapUsed
const reports = fuzz(Number(values.frames), Number(values.seed))
console.table(
  Object.fromEntries(reports.map(({ parser, frames, parsed, refused }) => [parser, { frames, parsed, ...refused }])),
)
const seconds = ((performance.now() - began) / 1_000).toFixed(1)
const [heap, peak] = [process.memoryUsage().heapUsed - heapBefore, process.resourceUsage().maxRSS / 1_024]
console.log(`${seconds} s; the heap grew by ${(heap / mebibyte).toFixed(1)} MiB, ${peak.toFixed(0)} MiB at most`)
