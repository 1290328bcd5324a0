// The log as files: `raft.log` says whose it is, the segments beside it hold the records (`segment.ts`). An append is
// one write and one flush, however many tickets it groups. Both run on the thread pool, so that a slow disk does not
// block the event loop, and on a disk that is quick by one call that blocks (`flush-pace.ts`). A segment grows by zeros
// in large steps, so that most flushes need not touch the file's metadata. Bytes and verdicts are `record.ts`,
// `segment.ts` and `log-recovery.ts`.

import { dirname } from 'node:path'
import { ClusterError } from '../errors.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import { diskError } from './disk-error.ts'
import { type FileSystem, nodeFileSystem, type OpenFile, replaceFile } from './file-system.ts'
import { FlushPace } from './flush-pace.ts'
import { readHeaderBytes } from './header-block.ts'
import { extentAfter, type LogExtent } from './log-contents.ts'
import { checkHeader, decodeLogHeader, type ExpectedHeader, encodeLogHeader, logFormat } from './log-header.ts'
import { type Boundary, boundariesAfter, nextSequence, numbersInFolder, replayLog, upgradeLog } from './log-recovery.ts'
import type { LoadedLog, LogHeader, LogPosition, LogStore, LogWrite, StoredHardState } from './log-store.ts'
import type { LogRepair } from './node-storage.ts'
import { encodeRecord, sealRecord } from './record.ts'
import { decodeSegmentHeader, encodeSegmentHeader, firstSegment, segmentPath } from './segment.ts'

/** By how much a segment grows at once. Larger: fewer slow flushes, more idle disk. A guess. */
export const growthBytes = 1024 * 1024

/**
 * A segment that has reached this size is followed by another. Smaller: compaction gives disk back sooner and a start
 * reads less that a snapshot covers, at more flushes.
 */
export const defaultSegmentBytes = 4 * 1024 * 1024

export interface FileLogOptions {
  /** Default: the real one. */
  readonly fs?: FileSystem
  /** Bytes after which the next append begins a new segment. Default {@link defaultSegmentBytes}. */
  readonly segmentBytes?: number
  /** Decides which flushes block the event loop. Default: a disk of which nothing is known yet. */
  readonly pace?: FlushPace
  /** Measures flushes. Default: the machine's, for its disk keeps to no other. */
  readonly clock?: Pick<Clock, 'now'>
}

/** The segment that is written to. */
interface Tail {
  readonly path: string
  readonly number: number
  readonly file: OpenFile
  readonly seed: number
  /** Where the next record goes. */
  end: number
  /** Bytes of the file; all behind `end` are zeros. */
  size: number
  /** Of the next record. */
  sequence: number
}

type Loaded = LoadedLog & { readonly repaired: LogRepair | undefined }

/** `LogStore` on a disk. `ERR_DISK` leaves what was being appended in doubt; a restart finds out. */
export class FileLog implements LogStore {
  readonly header: LogHeader
  readonly path: string
  readonly #fs: FileSystem
  readonly #segmentBytes: number
  /** Undefined before `load`. */
  #tail: Tail | undefined
  #hardState: StoredHardState = { term: 0, votedFor: undefined }
  #extent: LogExtent | undefined
  #boundaries: readonly Boundary[] = []
  #firstSegment = 1
  readonly #pace: FlushPace
  readonly #clock: Pick<Clock, 'now'>
  #failure: { readonly error: unknown } | undefined
  #running: Promise<void> | undefined
  /** Settles when no compaction runs any more. */
  #compacting: Promise<void> = Promise.resolve()
  #closed: Promise<void> | undefined

  private constructor(path: string, header: LogHeader, options: FileLogOptions) {
    this.header = header
    this.path = path
    this.#fs = options.fs ?? nodeFileSystem
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes
    this.#pace = options.pace ?? new FlushPace()
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Makes an empty log, durable before this resolves. What is left of one that was lost is replaced: the caller has
   * looked.
   */
  static async create(path: string, header: LogHeader, options: FileLogOptions = {}): Promise<FileLog> {
    const fs = options.fs ?? nodeFileSystem
    try {
      for (const number of await numbersInFolder(fs, path)) await removeDurably(fs, segmentPath(path, number))
      await replaceFile(fs, segmentPath(path, 1), encodeSegmentHeader(firstSegment(header.storeId)))
      await replaceFile(fs, path, encodeLogHeader(header))
    } catch (error) {
      throw diskError(path, error)
    }
    return FileLog.open(path, header, options)
  }

  /** Upgrades a log of the format before. */
  static async open(path: string, expected: ExpectedHeader = {}, options: FileLogOptions = {}): Promise<FileLog> {
    const fs = options.fs ?? nodeFileSystem
    try {
      const { header, format } = decodeLogHeader(await readHeaderOf(fs, path), path)
      checkHeader(path, header, expected)
      if (format < logFormat) await upgradeLog(fs, path, header)
      return new FileLog(path, header, options)
    } catch (error) {
      throw diskError(path, error)
    }
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /**
   * Cuts off a torn tail, durably, before it resolves. Rejects with `ERR_LOG_CORRUPT` when the log cannot be trusted.
   */
  async load(needless = 0): Promise<Loaded> {
    this.#refuse()
    if (this.#tail !== undefined) throw new Error('the log was loaded already: a bug in the caller')
    try {
      return await this.#recover(needless)
    } catch (error) {
      throw this.#fail(error)
    }
  }

  async #recover(needless: number): Promise<Loaded> {
    const { contents, first, last, boundaries } = await replayLog(this.#fs, this.path, this.header, needless)
    const { path, header, seed, scan, bytes } = last
    const file = await this.#fs.open(path, 'update')
    const size = scan.torn > 0 ? scan.end : bytes
    this.#tail = { path, number: header.number, file, seed, end: scan.end, size, sequence: nextSequence(last) }
    // Also makes what is answered durable: a crashed process may have written it, or named the segment, and never
    // flushed.
    if (scan.torn > 0) await file.truncate(scan.end)
    await file.sync()
    await this.#fs.syncDirectory(dirname(path))
    const { hardState, base, entries } = contents
    this.#hardState = hardState
    this.#extent = { base, last: contents.last }
    this.#boundaries = boundaries
    this.#firstSegment = first
    const repaired: LogRepair | undefined = scan.torn > 0 ? { path, offset: scan.end, bytes: scan.torn } : undefined
    return { hardState, base, entries, repaired }
  }

  async append(writes: readonly LogWrite[]): Promise<void> {
    this.#refuse()
    if (this.#extent === undefined) throw new Error('append before load: a bug in the caller')
    if (this.#running !== undefined) throw new Error('two appends at a time: a bug in the caller')
    extentAfter(writes, this.#extent)
    // Encoded before anything is waited for: the bytes are the caller's.
    const steps = stepsOf(writes)
    for (const step of steps) step.record = encodeRecord(step.records)
    this.#running = this.#write(steps)
    try {
      await this.#running
    } catch (error) {
      throw this.#fail(error)
    } finally {
      this.#running = undefined
    }
  }

  async #write(steps: readonly Step[]): Promise<void> {
    for (const { reset, records, record } of steps) {
      if (reset !== undefined) await this.#begin(reset.hardState ?? this.#hardState, reset.reset, true)
      if (record === undefined) continue
      if (this.#loaded.tail.end >= this.#segmentBytes) {
        await this.#begin(this.#hardState, this.#loaded.extent.last, false)
      }
      // What blocks is done by then.
      const putting = this.#put(record)
      if (putting) await putting
      for (const { hardState, entries } of records) {
        this.#hardState = hardState ?? this.#hardState
        if (entries[0] !== undefined) this.#boundaries = boundariesAfter(this.#boundaries, entries[0].index)
      }
      this.#extent = extentAfter(records, this.#loaded.extent)
    }
  }

  /** Undefined: it is done. */
  #put(record: Buffer): Promise<void> | undefined {
    const { tail } = this.#loaded
    sealRecord(record, tail.sequence, tail.end, tail.seed)
    const isFull = tail.end + record.length > tail.size
    if (isFull || !this.#pace.mayBlock(record.length)) return this.#putLater(tail, record, isFull)
    const from = this.#clock.now()
    tail.file.writeDurably(record, tail.end)
    this.#pace.took(this.#clock.now() - from)
    moveOn(tail, record)
    return undefined
  }

  async #putLater(tail: Tail, record: Buffer, isFull: boolean): Promise<void> {
    if (isFull) await this.#grow(tail, record)
    else await this.#flush(tail, record)
    moveOn(tail, record)
  }

  /** One write, one flush, by way of the thread pool. */
  async #flush({ file, end }: Tail, record: Buffer): Promise<void> {
    const from = this.#clock.now()
    await file.write(record, end)
    await file.sync()
    this.#pace.took(this.#clock.now() - from)
  }

  /** The zeros go with the record. This flush touches the file's metadata: it says nothing of the pace of others. */
  async #grow(tail: Tail, record: Buffer): Promise<void> {
    tail.size = Math.ceil((tail.end + record.length) / growthBytes) * growthBytes
    await tail.file.write(Buffer.concat([record], tail.size - tail.end), tail.end)
    await tail.file.sync()
  }

  /** Goes on in a new segment, durably there before the first record is written to it. */
  async #begin(hardState: StoredHardState, previous: LogPosition, isReset: boolean): Promise<void> {
    const { tail } = this.#loaded
    const { storeId } = this.header
    const { sequence } = tail
    const number = tail.number + 1
    const path = segmentPath(this.path, number)
    const bytes = encodeSegmentHeader({ storeId, number, sequence, previous, hardState, isReset })
    await replaceFile(this.#fs, path, bytes)
    await giveBack(tail)
    await tail.file.close()
    const file = await this.#fs.open(path, 'update')
    const { start, seed } = decodeSegmentHeader(bytes, path, this.header, number)
    this.#tail = { path, number, file, seed, end: start, size: start, sequence }
    this.#hardState = hardState
    this.#extent = { base: isReset ? previous : this.#loaded.extent.base, last: previous }
    this.#boundaries = [...this.#boundaries, { number, previous }]
  }

  /** Removes whole segments. */
  async compact(index: number): Promise<void> {
    this.#refuse()
    const { extent } = this.#loaded
    const boundary = this.#boundaries.findLast(({ previous }) => previous.index <= index)
    if (boundary === undefined) return
    if (boundary.previous.index > extent.base.index) this.#extent = { ...extent, base: boundary.previous }
    this.#compacting = this.#compacting.then(() => this.#removeBefore(boundary.number))
    await this.#compacting
  }

  /** One by one, the oldest first, so that a crash leaves no hole. */
  async #removeBefore(number: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    try {
      while (this.#firstSegment < number) {
        await removeDurably(this.#fs, segmentPath(this.path, this.#firstSegment))
        this.#firstSegment++
      }
    } catch (error) {
      throw this.#fail(error)
    }
    this.#boundaries = this.#boundaries.filter((boundary) => boundary.number >= number)
  }

  /** Waits for what is running, gives back the zeros at the end, closes the file. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // Whoever called append or compact hears of its failure; here only their end matters.
    await Promise.allSettled([this.#running, this.#compacting])
    try {
      if (this.#tail !== undefined && this.#failure === undefined) await giveBack(this.#tail)
    } catch (error) {
      throw this.#fail(error)
    } finally {
      await this.#tail?.file.close()
    }
  }

  get #loaded(): { readonly tail: Tail; readonly extent: LogExtent } {
    if (this.#tail === undefined || this.#extent === undefined) throw new Error('not loaded: a bug in the caller')
    return { tail: this.#tail, extent: this.#extent }
  }

  /** After a failed flush nobody knows what is on the disk, so nothing is answered but that (fsync lies on retry). */
  #fail(cause: unknown): unknown {
    this.#failure ??= { error: diskError(this.path, cause) }
    return this.#failure.error
  }

  #refuse(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#closed !== undefined) throw new ClusterError('ERR_SHUTTING_DOWN', `${this.path} is closed`, {})
  }
}

/** What one record says, behind a reset that begins a segment. */
interface Step {
  readonly reset: { readonly hardState: StoredHardState | undefined; readonly reset: LogPosition } | undefined
  readonly records: LogWrite[]
  /** The record itself; undefined: they say nothing. */
  record: Buffer | undefined
}

/** One record for all writes, or one more behind each reset. */
function stepsOf(writes: readonly LogWrite[]): Step[] {
  let step: Step = { reset: undefined, records: [], record: undefined }
  const steps = [step]
  for (const write of writes) {
    const { hardState, reset, entries } = write
    if (reset === undefined) {
      step.records.push(write)
      continue
    }
    step = { reset: { hardState, reset }, records: [{ hardState: undefined, entries }], record: undefined }
    steps.push(step)
  }
  return steps
}

/** Behind a record that is durable. */
function moveOn(tail: Tail, record: Buffer): void {
  tail.sequence++
  tail.end += record.length
}

/** Drops the zeros at the end of a segment. */
async function giveBack({ file, end }: Tail): Promise<void> {
  await file.truncate(end)
}

async function removeDurably(fs: FileSystem, path: string): Promise<void> {
  await fs.remove(path)
  await fs.syncDirectory(dirname(path))
}

async function readHeaderOf(fs: FileSystem, path: string): Promise<Buffer> {
  const file = await fs.open(path, 'read')
  try {
    return await readHeaderBytes(file)
  } finally {
    await file.close()
  }
}
