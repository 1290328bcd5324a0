// Every way in which the end of a log can be left behind, tried on the bytes alone.

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LogContents, Malformed } from '../../../src/storage/log-contents.ts'
import type { LogWrite } from '../../../src/storage/log-store.ts'
import {
  applyBody,
  encodeRecord,
  type Scan,
  scanRecords,
  sealRecord,
  sectorBytes,
} from '../../../src/storage/record.ts'
import { mutate, randomFrom } from '../../../src/testing/compliance/codec.ts'

const seed = 0x1234
const start = 512

/** A log of one entry per record, each with that many bytes in its command; zeros behind it up to `size`. */
function logOf(
  sizes: readonly number[],
  size?: number,
  fill = 0x41,
): { file: Buffer; ends: number[]; records: Buffer[] } {
  const records: Buffer[] = []
  const ends = [start]
  for (const [at, length] of sizes.entries()) {
    const write = { hardState: undefined, entries: [{ index: at + 1, term: 1, command: Buffer.alloc(length, fill) }] }
    const record = sealed(write, at + 1, ends.at(-1)!, seed)
    records.push(record)
    ends.push(ends.at(-1)! + record.length)
  }
  return { file: Buffer.concat([Buffer.alloc(start, 1), ...records], size ?? ends.at(-1)!), ends, records }
}

/** The record that says `write`, as it stands at `position`. */
function sealed(write: LogWrite, sequence: number, position: number, ofSeed: number): Buffer {
  const record = encodeRecord([write])!
  sealRecord(record, sequence, position, ofSeed)
  return record
}

function indexes(scan: Scan): number[] {
  const contents = new LogContents()
  for (const { body } of scan.records) applyBody(body, contents)
  return contents.entries.map(({ index }) => index)
}

describe('a torn tail', () => {
  it('is cut at the last whole record, wherever the file was cut', () => {
    const { file, ends } = logOf([40, 700, 1, 1200])
    for (let size = start; size <= file.length; size++) {
      const scan = scanRecords(file.subarray(0, size), start, seed)
      const whole = ends.filter((end) => end <= size).length - 1
      assert.equal(scan.damagedAt, undefined, `cut at ${size}`)
      assert.deepEqual(indexes(scan), [1, 2, 3, 4].slice(0, whole), `cut at ${size}`)
      assert.equal(scan.end, ends[whole])
    }
  })

  for (const { title, fill } of [
    { title: 'text', fill: 0x41 },
    { title: 'zeros', fill: 0 },
  ]) {
    it(`is cut whichever sectors of the last record are missing (a command of ${title})`, () => {
      // Offsets that put the header at, across and behind a sector border.
      for (const before of [1, 400, 401, 404, 407, 415, 430, 431, 440, 470]) tryAllLosses(before, fill)
    })
  }

  function tryAllLosses(before: number, fill: number): void {
    const { file, ends } = logOf([before, 2500], 8192, fill)
    const [last, end] = [ends[1]!, ends[2]!]
    const firstSector = Math.floor(last / sectorBytes)
    const sectors = Math.ceil(end / sectorBytes) - firstSector
    for (let kept = 0; kept < 1 << sectors; kept++) {
      const left = Buffer.from(file)
      for (let sector = 0; sector < sectors; sector++) {
        const from = Math.max(last, (firstSector + sector) * sectorBytes)
        if ((kept & (1 << sector)) === 0) left.fill(0, from, (firstSector + sector + 1) * sectorBytes)
      }
      const scan = scanRecords(left, start, seed)
      const isWhole = left.equals(file)
      assert.equal(scan.damagedAt, undefined, `kept ${kept.toString(2)} behind ${before}`)
      assert.deepEqual(indexes(scan), isWhole ? [1, 2] : [1], `kept ${kept.toString(2)} behind ${before}`)
    }
  }

  it('is cut when something lies behind the end that no record begins', () => {
    const { file, ends } = logOf([40, 40], 8192)
    file[6000] = 1
    const scan = scanRecords(file, start, seed)
    assert.deepEqual({ end: scan.end, damagedAt: scan.damagedAt }, { end: ends[2], damagedAt: undefined })
    assert.equal(scan.torn, 6001 - scan.end)
  })

  it('may hold the bytes of a later record of another log, as a command does', () => {
    const torn = (innerSeed: number): Scan => {
      const inner = sealed({ hardState: { term: 1, votedFor: 'a' }, entries: [] }, 99, 0, innerSeed)
      const write = {
        hardState: undefined,
        entries: [{ index: 1, term: 1, command: Buffer.concat([inner, Buffer.alloc(2000, 1)]) }],
      }
      const file = Buffer.concat([Buffer.alloc(start, 1), sealed(write, 1, start, seed)], 8192)
      return scanRecords(file.fill(0, 1024, 1536), start, seed)
    }
    assert.equal(torn(seed + 1).damagedAt, undefined)
    assert.equal(torn(seed).damagedAt, start, 'the same bytes of this log would be evidence')
  })
})

describe('damage', () => {
  for (const { title, size } of [
    { title: 'in a file without zeros at its end', size: undefined },
    { title: 'in a file with zeros at its end', size: 8192 },
  ]) {
    it(`is every flipped bit of any record, the last one too, ${title}`, () => {
      const { file, ends } = logOf([40, 700, 30], size)
      for (let record = 0; record < 3; record++) {
        for (let bit = ends[record]! * 8; bit < ends[record + 1]! * 8; bit++) {
          file[bit >> 3]! ^= 1 << (bit & 7)
          assert.equal(scanRecords(file, start, seed).damagedAt, ends[record], `bit ${bit} of record ${record + 1}`)
          file[bit >> 3]! ^= 1 << (bit & 7)
        }
      }
    })
  }

  it('is a flipped bit in a last record whose command has sectors of zeros', () => {
    const { file, ends } = logOf([40, 3000], 8192, 0)
    for (let at = ends[1]!; at < ends[2]!; at++) {
      const flipped = Buffer.from(file)
      flipped[at]! ^= 0x10
      assert.equal(scanRecords(flipped, start, seed).damagedAt, ends[1], `byte ${at}`)
    }
  })

  it('is a lost sector, or a whole lost record, with a later record behind it', () => {
    const { file, ends } = logOf([40, 1200, 40], 8192)
    for (const [from, to] of [
      [ends[1], ends[2]],
      [1024, 1536],
      [512, 1024],
      [ends[1], 1024],
    ] as [number, number][]) {
      const left = Buffer.from(file)
      left.fill(0, from, to)
      assert.equal(scanRecords(left, start, seed).damagedAt, from === 512 ? start : ends[1], `${from} to ${to}`)
    }
  })

  it('is a record that was there before, in the place of the next', () => {
    const { file, ends, records } = logOf([40, 40], 8192)
    records[0]!.copy(file, ends[2])
    assert.equal(scanRecords(file, start, seed).damagedAt, ends[2])
  })
})

describe('a body', () => {
  const decode = (body: Buffer): LogContents => {
    const contents = new LogContents()
    applyBody(body, contents)
    return contents
  }
  const bodyOf = (write: LogWrite): Buffer => encodeRecord([write])!.subarray(28)

  it('is refused when cut anywhere but between items, and when an item has an unknown number', () => {
    const body = bodyOf({
      hardState: { term: 2, votedFor: 'node-1' },
      entries: [{ index: 1, term: 2, command: Buffer.from('x') }],
    })
    const borders = [0, 17]
    for (let size = 0; size < body.length; size++) {
      if (borders.includes(size)) decode(body.subarray(0, size))
      else assert.throws(() => decode(body.subarray(0, size)), /cut short/, `${size} bytes`)
    }
    assert.throws(() => decode(Buffer.from([9])), /unknown item 9/)
  })

  it('that is spoilt is refused as malformed, or says what a log can hold', () => {
    const entries = [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1].map((index) => ({
      index,
      term: 2 ** 40,
      command: Buffer.of(1),
    }))
    const body = bodyOf({ hardState: { term: 2 ** 40, votedFor: 'node-1' }, entries })
    const random = randomFrom(1)
    for (let count = 0; count < 5_000; count++) {
      const contents = new LogContents()
      contents.beginBehind({ index: 2 ** 32 - 2, term: 1 })
      try {
        applyBody(Buffer.from(mutate(body, random)), contents)
      } catch (error) {
        assert(error instanceof Malformed, `${error}`)
      }
      for (const [at, { index, term, command }] of contents.entries.entries()) {
        assert.deepEqual([index, Number.isSafeInteger(term)], [2 ** 32 - 1 + at, true])
        assert((command?.length ?? 0) < body.length)
      }
      assert(Number.isSafeInteger(contents.hardState.term))
    }
  })

  it('is refused when it leaves a hole or has a number past the safe ones', () => {
    assert.throws(
      () => decode(bodyOf({ hardState: undefined, entries: [{ index: 2, term: 1, command: undefined }] })),
      /entry 2/,
    )
    const body = bodyOf({ hardState: { term: 1, votedFor: undefined }, entries: [] })
    body.fill(0xff, 1, 9)
    assert.throws(() => decode(body), /no number/)
  })
})
