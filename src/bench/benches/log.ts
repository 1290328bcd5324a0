// The durable log beside the least that the system asks for: one write and one flush, by calls that block, on a file
// whose space was taken before. Both by turns in the same run, as a disk's speed changes by the minute.

import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Bench, repeat } from '../figure.ts'
import { summarize } from '../statistics.ts'
import { entryBytes, openTemporaryLog, type TemporaryLog } from './temporary-log.ts'

const appendsPerRun = 500
const groupSize = 64
const groupsPerRun = 200
/** Not measured: code that was never run is slow. */
const warmUps = 100
const bareFileBytes = 8 * 1_048_576

export const log: Bench = {
  name: 'log',
  description: 'durable appends of 256 bytes, alone and in groups of 64',
  async run(context) {
    const single: number[] = []
    const bareSingle: number[] = []
    const group: number[] = []
    const bareGroup: number[] = []
    await using temporary = await openTemporaryLog()
    using file = bareFile(join(temporary.directory, 'bare'))
    for (let i = 0; i < warmUps; i++) await appendMs(temporary, 1)
    await repeat(context, 'rounds of appends', async () => {
      single.push(await medianUs(appendsPerRun, () => appendMs(temporary, 1)))
      bareSingle.push(await medianUs(appendsPerRun, () => file.appendMs(entryBytes)))
      group.push(await recordsPerSecond(() => appendMs(temporary, groupSize)))
      bareGroup.push(await recordsPerSecond(() => file.appendMs(entryBytes * groupSize)))
    })
    const baseline = 'bare writeSync and fdatasyncSync, median of 500'
    const groupBaseline = 'bare, 64 at once'
    return [
      { name: 'append, median of 500', unit: 'us', samples: single, goal: '<= 1.5 x', baseline },
      { name: baseline, unit: 'us', samples: bareSingle },
      { name: 'appends, 64 at once', unit: 'records/s', samples: group, goal: '>= 0.5 x', baseline: groupBaseline },
      { name: groupBaseline, unit: 'records/s', samples: bareGroup },
    ]
  },
}

async function appendMs({ log, next }: TemporaryLog, count: number): Promise<number> {
  const writes = next(count)
  const from = performance.now()
  await log.append(writes)
  return performance.now() - from
}

async function medianUs(times: number, append: () => Promise<number> | number): Promise<number> {
  const samples: number[] = []
  for (let i = 0; i < times; i++) samples.push(await append())
  return summarize(samples)!.median * 1_000
}

async function recordsPerSecond(append: () => Promise<number> | number): Promise<number> {
  let ms = 0
  for (let i = 0; i < groupsPerRun; i++) ms += await append()
  return (groupsPerRun * groupSize) / (ms / 1_000)
}

/** A file full of zeros, written from its start to its end, and again. */
function bareFile(path: string): Disposable & { appendMs(bytes: number): number } {
  const fd = openSync(path, 'w')
  writeSync(fd, new Uint8Array(bareFileBytes))
  fsyncSync(fd)
  let position = 0
  return {
    appendMs(bytes) {
      if (position + bytes > bareFileBytes) position = 0
      const content = new Uint8Array(bytes).fill(7)
      const from = performance.now()
      writeSync(fd, content, 0, bytes, position)
      fdatasyncSync(fd)
      position += bytes
      return performance.now() - from
    },
    [Symbol.dispose]: () => closeSync(fd),
  }
}
