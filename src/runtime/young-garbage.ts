// What has come from the network and was handed over lies outside of V8's heap, each payload in memory of its own. V8
// counts it, and when some 8 MB more have come than there were, it marks the whole heap to find what nobody needs:
// under bulk 20 times a second, which stops everybody for 5 to 15 ms each time, although it is all young. Looking
// through the young generation alone takes half a millisecond and finds it too, but V8 does that only after 32 MB. So
// it is asked for here, soon enough that the whole heap need not be marked. In a large heap V8's own measure is larger
// than those 32 MB. It is done by this thread alone, and so is the freeing of what was found: for work of a third of a
// millisecond V8 calls threads to help, and where the processors have other work it waits for them several times as
// long as it would have taken by itself. Memory that such a thread has yet to free counts as grown meanwhile, so that
// V8 marks the whole heap after all.

import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes handed over between two looks at what V8 counts. */
const LOOK_BYTES = 1024 * 1024
/** Growth outside of the heap after which the young generation is collected. */
const GROWTH_BYTES = 6 * 1024 * 1024
/** A heap from which on V8 waits long enough by itself: its measure is 0.4 of the heap. */
const LARGE_HEAP_BYTES = 96 * 1024 * 1024

/** What V8 would call threads for. */
const HELPED = ['parallel-scavenge', 'concurrent-array-buffer-sweeping']

type Collect = (options: { readonly type: 'minor' }) => void

/** Whoever started this process has settled which threads help. */
const isSettled = /single[-_]threaded|parallel[-_]scavenge|array[-_]buffer[-_]sweeping/.test(
  [process.env.NODE_OPTIONS, ...process.execArgv].join(' '),
)

let bytesSinceLook = 0
let lowest = Number.POSITIVE_INFINITY
let collect: Collect | undefined

/** Payloads of so many bytes were handed over, and may be garbage soon. */
export function handedOver(bytes: number): void {
  bytesSinceLook += bytes
  if (bytesSinceLook < LOOK_BYTES) return
  bytesSinceLook = 0
  const { external_memory: external, used_heap_size: heap } = getHeapStatistics()
  lowest = Math.min(lowest, external)
  if (external - lowest < GROWTH_BYTES || heap >= LARGE_HEAP_BYTES) return
  collect ??= collector()
  if (!isSettled) for (const flag of HELPED) setFlagsFromString(`--no-${flag}`)
  collect({ type: 'minor' })
  if (!isSettled) for (const flag of HELPED) setFlagsFromString(`--${flag}`)
  lowest = getHeapStatistics().external_memory
}

/**
 * V8's own function, which Node hands out to contexts that are made while its flag is set; one that does nothing where
 * there is none.
 */
function collector(): Collect {
  if (globalThis.gc !== undefined) return globalThis.gc
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('globalThis.gc') as Collect | undefined
  setFlagsFromString('--no-expose-gc')
  return gc ?? (() => undefined)
}
