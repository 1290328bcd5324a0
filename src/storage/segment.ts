// One file of the log. `raft.log.00000007` follows `raft.log.00000006`; its header repeats what the log was when it
// began, so that everything before it can go once a snapshot holds it. The last segment is the one that is written to.
//
//   segment = header block (`header-block.ts`, magic "TRELLSEG") | records (`record.ts`), their sequence going on
//
// The first segment of a log that was upgraded is the former `raft.log`, in format 1. A later segment proves that all
// before it was durable, so only the last one can end in a torn record; what the header says of the log before it is
// compared with what was found there. A lost, exchanged or shortened segment is therefore noticed.

import { basename } from 'node:path'
import { corrupt, foreign } from './disk-error.ts'
import { decodeHeaderBlock, encodeHeaderBlock } from './header-block.ts'
import { type LogContents, Malformed } from './log-contents.ts'
import { decodeLogHeader, logFormat } from './log-header.ts'
import type { LogHeader, LogPosition, StoredHardState } from './log-store.ts'
import { applyBody, type RecordTarget, type Scan, scanRecords } from './record.ts'
import { parseHardState, parsePosition, recordOf } from './shape.ts'

const magic = 'TRELLSEG'
const numberDigits = 8

export interface SegmentHeader {
  /** Of the log it belongs to. */
  readonly storeId: string
  /** 1 for the first segment of a log. */
  readonly number: number
  /** Of the first record in it; records are numbered through all segments. */
  readonly sequence: number
  /** The last entry before it. */
  readonly previous: LogPosition
  readonly hardState: StoredHardState
  /** The log begins anew behind `previous`: nothing of an earlier segment counts. */
  readonly isReset: boolean
}

/** What the first segment of a log begins with. */
export function firstSegment(storeId: string): SegmentHeader {
  const hardState = { term: 0, votedFor: undefined }
  return { storeId, number: 1, sequence: 1, previous: { index: 0, term: 0 }, hardState, isReset: false }
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  return encodeHeaderBlock(magic, logFormat, header)
}

export interface DecodedSegment {
  readonly header: SegmentHeader
  readonly start: number
  readonly seed: number
}

/** Throws `ERR_LOG_CORRUPT`, `ERR_DATA_VERSION`, or `ERR_DATA_FOREIGN` when it is a segment of another log. */
export function decodeSegmentHeader(file: Buffer, path: string, log: LogHeader, number: number): DecodedSegment {
  const decoded = isFormerLog(file) ? decodeFormerLog(file, path) : decodeOwn(file, path)
  if (decoded.header.number !== number) throw corrupt(path, 0, `it is segment ${decoded.header.number}`)
  const { storeId } = decoded.header
  if (storeId !== log.storeId) throw foreign(path, 'store', log.storeId, storeId)
  return decoded
}

function isFormerLog(file: Buffer): boolean {
  return file.toString('latin1', 0, 8) === 'TRELLLOG'
}

function decodeFormerLog(file: Buffer, path: string): DecodedSegment {
  const { header, start, seed } = decodeLogHeader(file, path)
  return { header: firstSegment(header.storeId), start, seed }
}

function decodeOwn(file: Buffer, path: string): DecodedSegment {
  const { json, start, seed } = decodeHeaderBlock(file, magic, logFormat, path)
  const header = parseSegment(json)
  if (header === undefined) throw corrupt(path, 0, 'its header is incomplete')
  return { header, start, seed }
}

function parseSegment(json: string): SegmentHeader | undefined {
  const { storeId, number, sequence, isReset, ...rest } = recordOf(JSON.parse(json)) ?? {}
  const previous = parsePosition(rest.previous)
  const hardState = parseHardState(rest.hardState)
  if (typeof storeId !== 'string' || typeof number !== 'number' || typeof sequence !== 'number') return undefined
  if (typeof isReset !== 'boolean' || !previous || !hardState) return undefined
  return { storeId, number, sequence, previous, hardState, isReset }
}

/** The path of segment `number` of the log at `logPath`. */
export function segmentPath(logPath: string, number: number): string {
  return `${logPath}.${String(number).padStart(numberDigits, '0')}`
}

/** The numbers of the segments of `logPath` among the `names` of its folder, in order. */
export function segmentNumbers(logPath: string, names: readonly string[]): number[] {
  const prefix = `${basename(logPath)}.`
  const ends = names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  return ends
    .filter((end) => /^\d{8,15}$/.test(end))
    .map(Number)
    .sort((a, b) => a - b)
}

export interface ReplayedSegment extends DecodedSegment {
  readonly scan: Scan
  /** The lowest index that an entry in it has; infinite when there is none. */
  readonly lowestIndex: number
  /**
   * It would be the first, and rewrites what is before it, so no log begins with it: a crash came while it and those
   * before it were being removed. It says nothing any more.
   */
  readonly isLeftover: boolean
}

export interface SegmentPlace {
  readonly number: number
  /** The sequence of the first record behind the segment before it; undefined: this is the first one that is left. */
  readonly sequence: number | undefined
  readonly isLast: boolean
}

/**
 * Adds what the segment in `file` says to `contents`, the log before it; the first one that is left begins them. Throws
 * `ERR_LOG_CORRUPT` when it does not follow (as when a record before it is torn) or is damaged; `contents` say what
 * comes before the damage.
 */
export function replaySegment(
  file: Buffer,
  path: string,
  log: LogHeader,
  contents: LogContents,
  { number, sequence, isLast }: SegmentPlace,
): ReplayedSegment {
  const decoded = decodeSegmentHeader(file, path, log, number)
  const { header, start, seed } = decoded
  if (sequence !== undefined) checkFollows(header, sequence, contents, path)
  if (sequence === undefined || header.isReset) contents.beginBehind(header.previous)
  contents.setHardState(header.hardState)
  const scan = scanRecords(file, start, seed, header.sequence)
  if (scan.damagedAt !== undefined) {
    // Who only looks is told what comes before the damage.
    tell(scan, path, contents)
    throw corrupt(path, scan.damagedAt, 'a record has a wrong checksum')
  }
  // The others are read once.
  const mayBeLeftover = sequence === undefined && !isLast
  const isLeftover = mayBeLeftover && tell(scan, path) <= header.previous.index
  const lowestIndex = tell(scan, path, isLeftover ? undefined : contents)
  return { ...decoded, scan, lowestIndex, isLeftover }
}

/** The lowest index that an entry has; infinite when there is none. */
function tell({ records }: Scan, path: string, target?: RecordTarget): number {
  let lowest = Number.POSITIVE_INFINITY
  const listener: RecordTarget = {
    setHardState: (hardState) => target?.setHardState(hardState),
    isNeeded: (index) => {
      if (index < lowest) lowest = index
      return target?.isNeeded(index) ?? false
    },
    pass: (index, term) => target?.pass(index, term),
    put: (entry) => target?.put(entry),
  }
  for (const { position, body } of records) {
    try {
      applyBody(body, listener)
    } catch (error) {
      if (error instanceof Malformed) throw corrupt(path, position, error.message)
      throw error
    }
  }
  return lowest
}

/** `sequence`: of the next record after those found so far. */
function checkFollows(header: SegmentHeader, sequence: number, { last, hardState }: LogContents, path: string): void {
  if (header.sequence !== sequence) {
    throw corrupt(path, 0, `it begins with record ${header.sequence}, and ${sequence} is the next one`)
  }
  if (header.isReset) return
  const { previous } = header
  const isSameEnd = previous.index === last.index && previous.term === last.term
  const isSameVote = header.hardState.term === hardState.term && header.hardState.votedFor === hardState.votedFor
  if (!isSameEnd || !isSameVote) throw corrupt(path, 0, 'it does not follow the segment before it')
}
