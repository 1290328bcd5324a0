// A slow disk must not stop everything else: how late timers are while appends wait for flushes of 5 ms, beside a loop
// that does nothing, and beside one that flushes as slowly by a call that blocks.

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { systemClock } from '../../runtime/clock.ts'
import { nodeFileSystem, type OpenFile } from '../../storage/file-system.ts'
import { pause } from '../../wait.ts'
import { type Bench, repeat } from '../figure.ts'
import { openTemporaryLog } from './temporary-log.ts'

const flushMs = 5
const windowMs = 1_000

export const loopDelay: Bench = {
  name: 'loop',
  description: 'delay of the event loop while each flush takes 5 ms more',
  async run(context) {
    const appending: number[] = []
    const idle: number[] = []
    const blocking: number[] = []
    await using temporary = await openTemporaryLog(slowFileSystem)
    await repeat(context, 'seconds of each', async () => {
      idle.push(await delayDuring(() => pause(systemClock, windowMs)))
      appending.push(await delayDuring(() => untilEnd(() => temporary.log.append(temporary.next(1)))))
      blocking.push(await delayDuring(() => untilEnd(blockThenTurn)))
    })
    const baseline = 'p99 of the loop delay, idle'
    return [
      { name: 'p99 of the loop delay, appending', unit: 'ms', samples: appending, goal: 'as idle', baseline },
      { name: baseline, unit: 'ms', samples: idle },
      { name: 'p99 of the loop delay, flushes that block', unit: 'ms', samples: blocking, baseline },
    ]
  },
}

/** Every flush is the real one, and 5 ms later. */
const slowFileSystem = {
  ...nodeFileSystem,
  open: async (...args: Parameters<typeof nodeFileSystem.open>): Promise<OpenFile> => {
    const file = await nodeFileSystem.open(...args)
    const sync = async (): Promise<void> => {
      await file.sync()
      await pause(systemClock, flushMs)
    }
    return { ...file, sync }
  },
}

async function delayDuring(work: () => Promise<void>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  await work()
  histogram.disable()
  return histogram.percentile(99) / 1e6
}

async function untilEnd(step: () => Promise<void>): Promise<void> {
  const end = performance.now() + windowMs
  while (performance.now() < end) await step()
}

async function blockThenTurn(): Promise<void> {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, flushMs)
  await pause(systemClock, 0)
}
