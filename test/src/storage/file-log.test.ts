import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isClusterError } from '../../../src/errors.ts'
import { FileLog, growthBytes } from '../../../src/storage/file-log.ts'
import { FlushPace, shortFlushesInARow, shortFlushMs } from '../../../src/storage/flush-pace.ts'
import type { LogHeader, LogStore } from '../../../src/storage/log-store.ts'
import { segmentPath } from '../../../src/storage/segment.ts'
import { testLogStore } from '../../../src/testing/compliance/log-store.ts'
import { failingFileSystem, type Operation } from './failing-file-system.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const paths = new WeakMap<LogStore, string>()

function remember(log: FileLog, path: string): FileLog {
  paths.set(log, path)
  return log
}

const newPath = (): string => join(temporaryDirectory(), 'raft.log')

for (const { name, ...options } of [
  { name: 'file' },
  { name: 'file, a segment per append', segmentBytes: 1 },
  { name: 'file, flushes that block', pace: new FlushPace(0) },
]) {
  testLogStore(name, {
    create: async (header) => {
      const path = newPath()
      return remember(await FileLog.create(path, header, options), path)
    },
    reopen: async (log) => {
      const path = paths.get(log)
      assert(path !== undefined)
      return remember(await FileLog.open(path, {}, options), path)
    },
    createFailing: (header) => createFailing(header, 'sync', options),
  })
}

/** The first `operation` of an append fails; creating and loading go well, and so does everything after it. */
async function createFailing(header: LogHeader, operation: Operation, options = {}): Promise<FileLog> {
  const path = newPath()
  let left = 1
  let writes = 0
  const fs = failingFileSystem((what) => {
    if (what === 'write') writes++
    // Two files are written when a log is made.
    return writes === 3 && what === operation && left-- > 0 ? 'EIO' : undefined
  })
  return await FileLog.create(path, header, { ...options, fs })
}

const header: LogHeader = { clusterId: 'c', nodeId: 'a', storeId: 's', voters: [{ id: 'a', storeId: 's' }] }
const entry = (index: number) => ({ index, term: 1, command: new TextEncoder().encode(`command ${index}`) })
const writes = (...entries: ReturnType<typeof entry>[]) => [{ hardState: undefined, entries }]

describe('file log', () => {
  it('poisons itself when a flush that blocks fails', async () => {
    const fs = failingFileSystem((what) => (what === 'writeDurably' ? 'EIO' : undefined))
    const log = await FileLog.create(newPath(), header, { fs, pace: new FlushPace(0) })
    await log.load()
    // The first record makes the segment grow, which never blocks.
    await log.append(writes(entry(1)))
    const isDiskError = (error: unknown): boolean => isClusterError(error, 'ERR_DISK') && error.mayHaveHappened
    await assert.rejects(log.append(writes(entry(2))), isDiskError)
    await assert.rejects(log.append(writes(entry(2))), isDiskError)
    await log.close()
  })

  it('flushes by calls that block once the disk was quick for a while, and no more when it was slow', async () => {
    const calls: string[] = []
    const fs = failingFileSystem((what) => void calls.push(what))
    const pace = new FlushPace()
    const log = await FileLog.create(newPath(), header, { fs, pace })
    await log.load()
    let index = 0
    const callsOfOne = async (): Promise<string[]> => {
      calls.length = 0
      await log.append(writes(entry(++index)))
      return [...calls]
    }
    assert.deepEqual(await callsOfOne(), ['write', 'sync'])
    for (let i = 0; i < shortFlushesInARow; i++) pace.took(0)
    assert.deepEqual(await callsOfOne(), ['writeDurably'])
    pace.took(shortFlushMs + 1)
    assert.deepEqual(await callsOfOne(), ['write', 'sync'])
    await log.close()
  })

  it('poisons itself when the write fails, too', async () => {
    const log = await createFailing(header, 'write')
    await log.load()
    for (let attempt = 0; attempt < 3; attempt++) {
      await assert.rejects(log.append(writes(entry(1))), (error) => isClusterError(error, 'ERR_DISK'))
    }
    await log.close()
  })

  it('grows in steps and gives the rest back at close', async () => {
    const path = newPath()
    const log = await FileLog.create(path, header)
    const sizeNow = (): number => statSync(segmentPath(path, 1)).size
    await log.load()
    await log.append(writes(entry(1)))
    assert.equal(sizeNow(), growthBytes)
    await log.append([{ hardState: undefined, entries: [{ index: 2, term: 1, command: new Uint8Array(growthBytes) }] }])
    assert.equal(sizeNow(), 2 * growthBytes)
    await log.close()
    const size = sizeNow()
    assert(size > growthBytes && size < growthBytes + 1024, `${size} bytes`)
  })

  it('is readable by its owner only', async () => {
    const path = newPath()
    await (await FileLog.create(path, header)).close()
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('refuses a log of another node, cluster, store or set of voters', async () => {
    const path = newPath()
    await (await FileLog.create(path, header)).close()
    const others = [{ nodeId: 'b' }, { clusterId: 'd' }, { storeId: 't' }, { voters: [] }]
    for (const expected of others) {
      await assert.rejects(FileLog.open(path, expected), (error) => isClusterError(error, 'ERR_DATA_FOREIGN'))
    }
    await (await FileLog.open(path, header)).close()
  })

  it('refuses every flipped bit of its header', async () => {
    const path = newPath()
    await (await FileLog.create(path, header)).close()
    const whole = readFileSync(path)
    const used = whole.lastIndexOf('}') + 1
    for (let bit = 0; bit < used * 8; bit++) {
      const flipped = Buffer.from(whole)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(path, flipped)
      await assert.rejects(FileLog.open(path), (error) => isClusterError(error, 'ERR_LOG_CORRUPT'))
    }
  })

  it('refuses a file cut within its header, an empty one and one that is no log', async () => {
    const path = newPath()
    await (await FileLog.create(path, header)).close()
    const whole = readFileSync(path)
    for (const content of [
      whole.subarray(0, 0),
      whole.subarray(0, 19),
      whole.subarray(0, 60),
      Buffer.alloc(4096, 'x'),
    ]) {
      writeFileSync(path, content)
      await assert.rejects(FileLog.open(path), (error) => isClusterError(error, 'ERR_LOG_CORRUPT'))
    }
  })

  it('says that a newer release wrote it', async () => {
    const path = newPath()
    await (await FileLog.create(path, header)).close()
    const bytes = readFileSync(path)
    const { crc32 } = await import('node:zlib')
    bytes.writeUInt32LE(3, 8)
    const length = bytes.readUInt32LE(12)
    bytes.writeUInt32LE(crc32(bytes.subarray(20, 20 + length), crc32(bytes.subarray(0, 16))), 16)
    writeFileSync(path, bytes)
    await assert.rejects(FileLog.open(path), (error) => {
      return isClusterError(error, 'ERR_DATA_VERSION') && error.details.found === 3 && error.details.supported === 2
    })
  })

  it('refuses two appends at a time and an append before load', async () => {
    const log = await FileLog.create(newPath(), header)
    await assert.rejects(log.append(writes(entry(1))), /before load/)
    await log.load()
    const first = log.append(writes(entry(1)))
    await assert.rejects(log.append(writes(entry(2))), /two appends/)
    await first
    await log.close()
  })
})
