// The bytes of a segment behind its header: one record per append, so a record is there as a whole or not at all.
// Pure: from writes to bytes and back, and the judgement on a file that a crash or a bad disk left behind.
//
//   record = magic u32 | sequence u64 | length u32 | zeroSectors u32 | bodyCrc u32 | headerCrc u32 | body
//   body   = items; 1 hard state: term u64, length u16, votedFor   2 entry: index u64, term u64, length u32, command
//            3 entry without a command: index u64, term u64       (little endian; checksums are CRC-32, seeded per log)
//
// Behind the last record the file is zeros or ends. A crash leaves each 512-byte sector of the last record written or
// not, in any order (etcd's WAL rests on the same); unwritten ones still read as zeros. So a bad last record with a
// sector that is zero and should not be, or that reaches past the end of the file, was torn: never acknowledged, it
// goes. A bad record with all its sectors was written and then damaged. And as appends do not overlap, a later record
// proves that the bad one had been durable: damage, too.

import { crc32 } from 'node:zlib'
import { type LogContents, malformed } from './log-contents.ts'
import type { LogWrite } from './log-store.ts'

export const recordHeaderBytes = 28
export const sectorBytes = 512

/** Largest body of one record. An append is a few batches of the core, each far smaller. */
export const maxRecordBytes = 256 * 1024 * 1024

const magic = Buffer.from([0x93, 0x52, 0xc5, 0xa7])
const zeros = Buffer.alloc(sectorBytes)
const kinds = { hardState: 1, command: 2, noCommand: 3 } as const

/** A record that says `writes`, to be sealed once it is known where it goes. Undefined when they say nothing. */
export function encodeRecord(writes: readonly LogWrite[]): Buffer | undefined {
  const length = writes.reduce((sum, write) => sum + writeBytes(write), 0)
  if (length === 0) return undefined
  if (length > maxRecordBytes)
    throw new RangeError(`an append of ${length} bytes; at most ${maxRecordBytes} are possible`)
  // Every byte of it is written, here or when it is sealed.
  const record = Buffer.allocUnsafe(recordHeaderBytes + length)
  let at = recordHeaderBytes
  for (const write of writes) at = encodeWrite(record, at, write)
  return record
}

/** Completes `record`, which will stand at `position` of its file. */
export function sealRecord(record: Buffer, sequence: number, position: number, seed: number): void {
  magic.copy(record)
  writeU64(record, sequence, 4)
  record.writeUInt32LE(record.length - recordHeaderBytes, 12)
  record.writeUInt32LE(zeroSectors(record, recordHeaderBytes, record.length, position), 16)
  record.writeUInt32LE(crc32(record.subarray(recordHeaderBytes), seed), 20)
  record.writeUInt32LE(crc32(record.subarray(0, 24), seed), 24)
}

function writeBytes({ hardState, entries }: LogWrite): number {
  let sum = hardState === undefined ? 0 : 11 + Buffer.byteLength(hardState.votedFor ?? '')
  for (const { command } of entries) sum += command === undefined ? 17 : 21 + command.length
  return sum
}

function encodeWrite(into: Buffer, start: number, { hardState, entries }: LogWrite): number {
  let at = start
  if (hardState !== undefined) {
    const voted = Buffer.from(hardState.votedFor ?? '')
    at = into.writeUInt8(kinds.hardState, at)
    at = writeU64(into, hardState.term, at)
    at = into.writeUInt16LE(voted.length, at)
    at += voted.copy(into, at)
  }
  for (const { index, term, command } of entries) {
    at = into.writeUInt8(command === undefined ? kinds.noCommand : kinds.command, at)
    at = writeU64(into, index, at)
    at = writeU64(into, term, at)
    if (command === undefined) continue
    at = into.writeUInt32LE(command.length, at)
    into.set(command, at)
    at += command.length
  }
  return at
}

/** A whole number up to 2^53, without a BigInt. */
function writeU64(into: Buffer, value: number, at: number): number {
  into.writeUInt32LE(value >>> 0, at)
  return into.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4)
}

/** Who hears what a record says. */
export type RecordTarget = Pick<LogContents, 'setHardState' | 'isNeeded' | 'pass' | 'put'>

/**
 * Tells `target` what a record's body says; commands are views of it. Throws `Malformed` on a body that no release of
 * this format writes. A start reads tens of thousands of entries before any of this is compiled: no closures, no
 * BigInt.
 */
export function applyBody(body: Buffer, target: RecordTarget): void {
  let at = 0
  while (at < body.length) {
    const kind = body[at]
    if (kind === kinds.command || kind === kinds.noCommand)
      at = applyEntry(body, at + 1, kind === kinds.command, target)
    else if (kind === kinds.hardState) at = applyHardState(body, at + 1, target)
    else malformed(`unknown item ${kind}`)
  }
}

function applyHardState(body: Buffer, start: number, target: RecordTarget): number {
  const head = behind(body, start, 10)
  const length = body.readUInt16LE(start + 8)
  const end = behind(body, head, length)
  target.setHardState({
    term: readNumber(body, start),
    votedFor: length === 0 ? undefined : body.toString('utf8', head, end),
  })
  return end
}

function applyEntry(body: Buffer, start: number, hasCommand: boolean, target: RecordTarget): number {
  const head = behind(body, start, hasCommand ? 20 : 16)
  const end = hasCommand ? behind(body, head, body.readUInt32LE(start + 16)) : head
  const index = readNumber(body, start)
  const term = readNumber(body, start + 8)
  if (!target.isNeeded(index)) target.pass(index, term)
  else {
    const command = hasCommand ? new Uint8Array(body.buffer, body.byteOffset + head, end - head) : undefined
    target.put({ index, term, command })
  }
  return end
}

/** Where `bytes` from `at` on end. */
function behind(body: Buffer, at: number, bytes: number): number {
  if (bytes > body.length - at) malformed('an item is cut short')
  return at + bytes
}

/** A u64 that is a safe number. */
function readNumber(body: Buffer, at: number): number {
  const value = body.readUInt32LE(at + 4) * 2 ** 32 + body.readUInt32LE(at)
  if (value > Number.MAX_SAFE_INTEGER) malformed(`${body.readBigUInt64LE(at)} is no number of this format`)
  return value
}

export interface FoundRecord {
  readonly position: number
  readonly body: Buffer
}

/**
 * `end`: behind the last good record. `torn`: bytes of a record that was never acknowledged. `damagedAt`: the log
 * cannot be trusted.
 */
export interface Scan {
  readonly records: readonly FoundRecord[]
  readonly end: number
  readonly torn: number
  readonly damagedAt: number | undefined
}

/** Reads all records of `file` (the whole file) from `start` on, the first of which has the number `firstSequence`. */
export function scanRecords(file: Buffer, start: number, seed: number, firstSequence = 1): Scan {
  const records: FoundRecord[] = []
  const used = usedBytes(file)
  let end = start
  while (end < used) {
    const sequence = firstSequence + records.length
    const found = readRecord(file, end, sequence, seed)
    if (found === 'damaged' || (found === 'torn' && hasLaterRecord(file, end, sequence, seed))) {
      return { records, end, torn: 0, damagedAt: end }
    }
    if (found === 'torn') return { records, end, torn: used - end, damagedAt: undefined }
    records.push({ position: end, body: found })
    end += recordHeaderBytes + found.length
  }
  return { records, end, torn: 0, damagedAt: undefined }
}

function readRecord(file: Buffer, start: number, sequence: number, seed: number): Buffer | 'torn' | 'damaged' {
  const bodyStart = start + recordHeaderBytes
  if (bodyStart > file.length || lacksSector(file, start, bodyStart)) return 'torn'
  const header = readHeader(file, start, seed)
  if (header === undefined || header.sequence !== sequence) return 'damaged'
  const bodyEnd = bodyStart + header.length
  if (bodyEnd > file.length) return 'torn'
  const body = file.subarray(bodyStart, bodyEnd)
  if (crc32(body, seed) === header.bodyCrc) return body
  return zeroSectors(file, bodyStart, bodyEnd, 0) > header.zeroSectors ? 'torn' : 'damaged'
}

function readHeader(file: Buffer, start: number, seed: number) {
  const header = file.subarray(start, start + recordHeaderBytes)
  if (header.length < recordHeaderBytes || !header.subarray(0, 4).equals(magic)) return undefined
  if (crc32(header.subarray(0, 24), seed) !== header.readUInt32LE(24)) return undefined
  return {
    sequence: Number(header.readBigUInt64LE(4)),
    length: header.readUInt32LE(12),
    zeroSectors: header.readUInt32LE(16),
    bodyCrc: header.readUInt32LE(20),
  }
}

/**
 * The seed keeps this honest: no command, whatever its bytes, and no leftover of another log looks like a record of
 * this one.
 */
function hasLaterRecord(file: Buffer, start: number, sequence: number, seed: number): boolean {
  for (let at = file.indexOf(magic, start + 1); at !== -1; at = file.indexOf(magic, at + 1)) {
    const header = readHeader(file, at, seed)
    if (header !== undefined && header.sequence > sequence) return true
  }
  return false
}

/**
 * True when a sector that the header from `start` to `end` lies in was never written: its share is not zero in any
 * record.
 */
function lacksSector(file: Buffer, start: number, end: number): boolean {
  const border = Math.min(nextBorder(start), file.length)
  if (isZero(file, start, border)) return true
  return border < end && isZero(file, border, Math.min(border + sectorBytes, file.length))
}

/**
 * How many sectors that begin within the body hold nothing but zeros there. `offset`: where `bytes` lie in the file.
 */
function zeroSectors(bytes: Buffer, start: number, end: number, offset: number): number {
  let count = 0
  const first = Math.ceil((start + offset) / sectorBytes) * sectorBytes - offset
  for (let at = first; at < end; at += sectorBytes) {
    if (isZero(bytes, at, Math.min(at + sectorBytes, end))) count++
  }
  return count
}

function nextBorder(position: number): number {
  return (Math.floor(position / sectorBytes) + 1) * sectorBytes
}

/** Of at most one sector. */
function isZero(bytes: Buffer, start: number, end: number): boolean {
  return bytes[start] === 0 && bytes.compare(zeros, 0, end - start, start, end) === 0
}

/** The file's length without the zeros at its end. */
function usedBytes(file: Buffer): number {
  let end = file.length
  while (end >= sectorBytes && isZero(file, end - sectorBytes, end)) end -= sectorBytes
  while (end > 0 && file[end - 1] === 0) end--
  return end
}
