// How much memory is allocated per message: the sampling profiler of V8, which counts what collections have freed as
// well.

import { Session } from 'node:inspector/promises'
import { systemClock } from '../runtime/clock.ts'
import { pause } from '../wait.ts'

const samplingIntervalBytes = 32 * 1024
const windowMs = 1_000

interface ProfileNode {
  readonly selfSize: number
  readonly children: readonly ProfileNode[]
}

/** Bytes allocated on the heap of this process per one of `count`, while it grows. */
export async function countAllocations(count: () => number): Promise<number> {
  const session = new Session()
  session.connect()
  try {
    const before = count()
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: samplingIntervalBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    })
    await pause(systemClock, windowMs)
    const { profile } = await session.post('HeapProfiler.stopSampling')
    return sizeOf(profile.head) / Math.max(1, count() - before)
  } finally {
    session.disconnect()
  }
}

function sizeOf({ selfSize, children }: ProfileNode): number {
  return children.reduce((sum, child) => sum + sizeOf(child), selfSize)
}
