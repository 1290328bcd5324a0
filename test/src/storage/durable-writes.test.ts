import assert from 'node:assert/strict'
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DurableWrites } from '../../../src/storage/durable-writes.ts'
import { nodeFileSystem } from '../../../src/storage/file-system.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const onlyOnLinux = process.platform !== 'linux' && 'O_DIRECT and /proc are of Linux'

function fileOfZeros(bytes: number): string {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, new Uint8Array(bytes))
  return path
}

/** How this process has the file open, as often as it has. */
function opened(path: string): ('past the cache' | 'cached')[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== path) return []
      const flags = Number.parseInt(/flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!, 8)
      return [flags & constants.O_DIRECT ? 'past the cache' : 'cached']
    } catch {
      // The one that read the folder is closed again.
      return []
    }
  })
}

function canPassCache(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_RDWR | constants.O_DIRECT))
    return true
  } catch {
    return false
  }
}

const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 700 }) },
  { weight: 2, arbitrary: fc.constantFrom(4095, 4096, 4097, 8192) },
  { weight: 1, arbitrary: fc.constantFrom(128 * 1024 - 1, 128 * 1024, 300_000) },
)
const appends = fc.array(fc.record({ bytes: sizes, how: fc.constantFrom('durably', 'durably', 'later') }), {
  minLength: 1,
  maxLength: 30,
})

describe('durable writes', () => {
  it('leave what a file held before them, among writes of the other kind, and zeros behind them', async () => {
    await fc.assert(
      fc.asyncProperty(appends, fc.integer({ min: 0, max: 5000 }), async (each, start) => {
        const path = fileOfZeros(start + each.reduce((sum, { bytes }) => sum + bytes, 0) + 10_000)
        const expected = readFileSync(path)
        const file = await nodeFileSystem.open(path, 'update')
        let [end, filler] = [start, 0]
        for (const { bytes, how } of each) {
          const record = new Uint8Array(bytes).fill(++filler)
          expected.set(record, end)
          if (how === 'durably') file.writeDurably(record, end)
          else {
            await file.write(record, end)
            await file.sync()
          }
          end += bytes
          assert(readFileSync(path).equals(expected), `behind ${bytes} bytes ${how} at ${end - bytes}`)
        }
        await file.close()
      }),
      { numRuns: 60 },
    )
  })

  it('pass the cache where the file system lets them, and nothing stays open', { skip: onlyOnLinux }, async () => {
    const path = fileOfZeros(10_000)
    const file = await nodeFileSystem.open(path, 'update')
    assert.deepEqual(opened(path), ['cached'])
    file.writeDurably(new Uint8Array(100).fill(1), 0)
    assert.deepEqual(opened(path), canPassCache(path) ? ['cached', 'past the cache'] : ['cached'])
    await file.close()
    assert.deepEqual(opened(path), [])
  })

  it('go through the cache where it cannot be passed, or refuses', { skip: onlyOnLinux }, () => {
    // It refuses whatever is no number with EINVAL, as a disk does what it wants in other blocks.
    const refusing = () => openSync('/proc/self/oom_score_adj', 'r+')
    for (const openPastCache of [() => undefined, refusing]) {
      const path = fileOfZeros(100)
      const fd = openSync(path, 'r+')
      const writes = new DurableWrites(fd, openPastCache)
      writes.write(new Uint8Array(10).fill(1), 0)
      writes.write(new Uint8Array(10).fill(2), 10)
      writes.close()
      closeSync(fd)
      const expected = new Uint8Array(100).fill(1, 0, 10).fill(2, 10, 20)
      assert.deepEqual(new Uint8Array(readFileSync(path)), expected)
    }
  })
})
