// What a person or a bad disk can do to the segments of a log, on the files: it opens as it was, or it refuses.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { ClusterError } from '../../../src/errors.ts'
import { FileLog } from '../../../src/storage/file-log.ts'
import { nodeFileSystem } from '../../../src/storage/file-system.ts'
import type { LogHeader, LogWrite } from '../../../src/storage/log-store.ts'
import { segmentPath } from '../../../src/storage/segment.ts'
import { writeFormerLog } from './former-log.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const header: LogHeader = { clusterId: 'c', nodeId: 'a', storeId: 's', voters: [{ id: 'a', storeId: 's' }] }
const options = { segmentBytes: 1500 }

function appendOf(index: number): LogWrite[] {
  const command = new Uint8Array(300).fill(index)
  return [{ hardState: { term: index, votedFor: 'a' }, entries: [{ index, term: index, command }] }]
}

/** A closed log of `count` entries, some three to a segment. */
async function logOf(count: number): Promise<string> {
  const path = join(temporaryDirectory(), 'raft.log')
  const log = await FileLog.create(path, header, options)
  await log.load()
  for (let index = 1; index <= count; index++) await log.append(appendOf(index))
  await log.close()
  return path
}

function segmentsOf(path: string): string[] {
  const names = readdirSync(dirname(path)).filter((name) => name.startsWith('raft.log.'))
  return names.sort().map((name) => join(dirname(path), name))
}

/** The indexes that are found, or the code of the refusal. */
async function outcome(path: string): Promise<number[] | string> {
  let log: FileLog | undefined
  try {
    log = await FileLog.open(path, header, options)
    return (await log.load()).entries.map(({ index }) => index)
  } catch (error) {
    assert(error instanceof ClusterError, `${error}`)
    return error.code
  } finally {
    await log?.close()
  }
}

describe('the segments of a log', () => {
  it('follow each other, and the oldest go when a snapshot holds what is in them', async () => {
    const path = await logOf(20)
    const before = segmentsOf(path)
    assert(before.length > 4, `${before.length} segments`)
    const log = await FileLog.open(path, header, options)
    await log.load()
    await log.compact(13)
    const after = segmentsOf(path)
    assert.deepEqual(after, before.slice(-after.length))
    assert(after.length < before.length)
    await log.close()
    const found = await outcome(path)
    assert(Array.isArray(found) && found[0]! <= 14 && found[0]! > 1 && found.at(-1) === 20, `${found}`)
  })

  it('all go but the last when the log begins anew', async () => {
    const path = await logOf(20)
    const log = await FileLog.open(path, header, options)
    await log.load()
    await log.append([{ hardState: undefined, reset: { index: 50, term: 30 }, entries: [] }])
    await log.compact(50)
    assert.equal(segmentsOf(path).length, 1)
    await log.append(appendOf(51))
    await log.close()
    assert.deepEqual(await outcome(path), [51])
  })

  it('cannot be missing, but for the oldest', async () => {
    const path = await logOf(20)
    const segments = segmentsOf(path)
    for (const segment of segments.slice(1, -1)) {
      renameSync(segment, `${segment}.aside`)
      assert.equal(await outcome(path), 'ERR_LOG_CORRUPT', segment)
      renameSync(`${segment}.aside`, segment)
    }
    for (const segment of segments) renameSync(segment, `${segment}.aside`)
    assert.equal(await outcome(path), 'ERR_LOG_CORRUPT')
  })

  it('cannot be exchanged, repeated, or those of another log', async () => {
    const path = await logOf(20)
    const [first, second, third] = segmentsOf(path)
    const bytes = readFileSync(second!)
    writeFileSync(second!, readFileSync(third!))
    assert.equal(await outcome(path), 'ERR_LOG_CORRUPT')
    writeFileSync(second!, readFileSync(first!))
    assert.equal(await outcome(path), 'ERR_LOG_CORRUPT')
    const other = join(temporaryDirectory(), 'raft.log')
    const foreign = { ...header, storeId: 't' }
    const log = await FileLog.create(other, foreign, options)
    await log.load()
    await log.close()
    writeFileSync(second!, bytes)
    writeFileSync(first!, readFileSync(segmentPath(other, 1)))
    assert.equal(await outcome(path), 'ERR_DATA_FOREIGN')
  })

  it('cannot lack their last record, wherever they are cut, unless they are the last', async () => {
    const path = await logOf(8)
    const segments = segmentsOf(path)
    const segment = segments.at(-2)!
    const whole = readFileSync(segment)
    for (let size = whole.length - 1; size > whole.length - 400; size--) {
      writeFileSync(segment, whole.subarray(0, size))
      assert.equal(await outcome(path), 'ERR_LOG_CORRUPT', `cut at ${size}`)
    }
    writeFileSync(segment, whole)
    assert.deepEqual(await outcome(path), [1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('cannot lack a record that replaced an entry by another', async () => {
    const path = join(temporaryDirectory(), 'raft.log')
    const log = await FileLog.create(path, header, { segmentBytes: 1200 })
    await log.load()
    const rewrite = (index: number, term: number): LogWrite[] => {
      return [{ hardState: undefined, entries: [{ index, term, command: new Uint8Array(400).fill(term) }] }]
    }
    for (const [index, term] of [
      [1, 1],
      [2, 1],
      [2, 2],
      [3, 2],
    ] as const)
      await log.append(rewrite(index, term))
    await log.close()
    const [first] = segmentsOf(path)
    const whole = readFileSync(first!)
    writeFileSync(first!, whole.subarray(0, 512 + (2 * (whole.length - 512)) / 3))
    assert.equal(await outcome(path), 'ERR_LOG_CORRUPT')
  })

  it('refuse every flipped bit of their headers and of the last two records', async () => {
    const path = await logOf(5)
    for (const segment of segmentsOf(path)) {
      const whole = readFileSync(segment)
      const headerEnd = whole.lastIndexOf('}', 511) + 1
      const spans = [
        [0, headerEnd],
        [whole.length - 700, whole.length],
      ] as const
      for (const [from, to] of spans) for (let at = from; at < to; at += 3) await refusesFlips(path, segment, whole, at)
      writeFileSync(segment, whole)
    }
    assert.deepEqual(await outcome(path), [1, 2, 3, 4, 5])
  })

  /** One bit of the byte: all of them are tried on the bytes alone, in the tests of records and header blocks. */
  async function refusesFlips(path: string, segment: string, whole: Buffer, at: number): Promise<void> {
    if (at < 0 || at >= whole.length) return
    const flipped = Buffer.from(whole)
    flipped[at]! ^= 1 << (at % 8)
    writeFileSync(segment, flipped)
    const found = await outcome(path)
    // Zeros behind a header mean nothing, so a flip among them looks like a write that never ended.
    const isPadding = whole[at] === 0 && Array.isArray(found) && found.length === 5
    assert(isPadding || found === 'ERR_LOG_CORRUPT', `${segment} byte ${at}: ${found}`)
  }

  it('are replaced when a log that was lost is made anew', async () => {
    const path = await logOf(10)
    rmSync(path)
    const log = await FileLog.create(path, header, options)
    assert.deepEqual((await log.load()).entries, [])
    await log.close()
    assert.equal(segmentsOf(path).length, 1)
  })
})

describe('a log of the format before', () => {
  const appends = [1, 2, 3].map(appendOf)

  it('is read as it was, goes on, and is too new for the release that wrote it', async () => {
    const path = join(temporaryDirectory(), 'raft.log')
    await writeFormerLog(nodeFileSystem, path, header, appends)
    const former = readFileSync(path)
    const log = await FileLog.open(path, header, options)
    const { hardState, entries } = await log.load()
    assert.deepEqual(hardState, { term: 3, votedFor: 'a' })
    assert.deepEqual(
      entries.map(({ index }) => index),
      [1, 2, 3],
    )
    for (let index = 4; index <= 9; index++) await log.append(appendOf(index))
    await log.close()
    assert.equal(readFileSync(path).readUInt32LE(8), 2)
    assert.deepEqual(await outcome(path), [1, 2, 3, 4, 5, 6, 7, 8, 9])
    // Somebody restored the old file: what was voted since would be forgotten.
    writeFileSync(path, former)
    assert.equal(await outcome(path), 'ERR_LOG_CORRUPT')
  })

  it('gives its one file back once a snapshot holds what is in it', async () => {
    const path = join(temporaryDirectory(), 'raft.log')
    await writeFormerLog(nodeFileSystem, path, header, appends)
    const log = await FileLog.open(path, header, { segmentBytes: 1 })
    await log.load()
    await log.append(appendOf(4))
    await log.compact(3)
    assert(!existsSync(segmentPath(path, 1)))
    await log.close()
    assert.deepEqual(await outcome(path), [4])
  })
})
