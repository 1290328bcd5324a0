// What the segments of a log add up to when it is opened, and the upgrade of a log of the format before. It changes
// nothing that counts: a torn tail is found here and cut off by whoever goes on writing.

import { dirname } from 'node:path'
import { corrupt } from './disk-error.ts'
import { type FileSystem, readFile, replaceFile } from './file-system.ts'
import { LogContents } from './log-contents.ts'
import { encodeLogHeader } from './log-header.ts'
import type { LogHeader, LogPosition } from './log-store.ts'
import { type ReplayedSegment, replaySegment, type SegmentPlace, segmentNumbers, segmentPath } from './segment.ts'

/** One segment as it was read. `bytes`: of its file. */
export interface FoundSegment extends ReplayedSegment {
  readonly path: string
  readonly bytes: number
}

/** A segment with which the log could begin: nothing in it or behind it rewrites what is before it. */
export interface Boundary {
  readonly number: number
  /** The last entry before it. */
  readonly previous: LogPosition
}

export interface Replay {
  readonly contents: LogContents
  readonly last: FoundSegment
  /** Number of the first segment that is left. */
  readonly first: number
  readonly boundaries: readonly Boundary[]
}

/**
 * Reads all segments of the log at `path`, without keeping the entries up to `needless`. Throws `ERR_LOG_CORRUPT` and
 * the place when they cannot be trusted.
 */
export async function replayLog(fs: FileSystem, path: string, log: LogHeader, needless = 0): Promise<Replay> {
  const numbers = await numbersInFolder(fs, path)
  const contents = new LogContents(needless)
  let boundaries: readonly Boundary[] = []
  let last: FoundSegment | undefined
  for (const number of numbers) {
    const expected = last === undefined ? number : last.header.number + 1
    if (number !== expected) throw corrupt(segmentPath(path, expected), 0, 'the file is missing')
    const sequence = last === undefined || last.isLeftover ? undefined : nextSequence(last)
    const place = { number, sequence, isLast: number === numbers.at(-1) }
    last = await readSegment(fs, segmentPath(path, number), log, contents, place)
    boundaries = boundariesAfter([...boundaries, { number, previous: last.header.previous }], last.lowestIndex)
  }
  if (last === undefined) throw corrupt(segmentPath(path, 1), 0, 'the file is missing')
  return { contents, last, first: numbers[0] ?? 1, boundaries }
}

async function readSegment(
  fs: FileSystem,
  path: string,
  log: LogHeader,
  contents: LogContents,
  place: SegmentPlace,
): Promise<FoundSegment> {
  const file = await readFile(fs, path)
  if (file === undefined) throw corrupt(path, 0, 'the file is missing')
  return { ...replaySegment(file, path, log, contents, place), path, bytes: file.length }
}

/** Of the first record behind this segment. */
export function nextSequence({ header, scan }: FoundSegment): number {
  return header.sequence + scan.records.length
}

/** What is left of `boundaries` once entries from `index` on were written. */
export function boundariesAfter(boundaries: readonly Boundary[], index: number): readonly Boundary[] {
  return boundaries.filter(({ previous }) => previous.index < index)
}

/** The numbers of the segments there are, in order. */
export async function numbersInFolder(fs: FileSystem, path: string): Promise<number[]> {
  return segmentNumbers(path, await fs.list(dirname(path)))
}

/**
 * Makes a log of format 1 one of this format, durably: the file becomes its first segment as it is, under a second
 * name, and then `raft.log` is replaced. An older release meets the one or the other, and an upgrade that a crash cut
 * short begins again.
 */
export async function upgradeLog(fs: FileSystem, path: string, header: LogHeader): Promise<void> {
  const first = segmentPath(path, 1)
  const numbers = await numbersInFolder(fs, path)
  if (numbers.some((number) => number > 1)) throw corrupt(path, 0, 'it is older than the segments beside it')
  if (numbers.length > 0) await fs.remove(first)
  await fs.link(path, first)
  await fs.syncDirectory(dirname(path))
  await replaceFile(fs, path, encodeLogHeader(header))
}
