// A log looked at by people: read only, without the lock, so that it can be done beside a running node, a damaged log
// or a copy. It goes on behind what is damaged, so that all of the damage is told. What a start would make of the log
// is `log-recovery.ts`.

import { join } from 'node:path'
import { ClusterError } from '../errors.ts'
import { readChecked } from './checked-json.ts'
import { corrupt, openingError } from './disk-error.ts'
import { snapshotIndexes, snapshotPath } from './file-snapshots.ts'
import { type FileSystem, nodeFileSystem, readFile } from './file-system.ts'
import { LogContents } from './log-contents.ts'
import { decodeLogHeader, logFormat } from './log-header.ts'
import type { LogHeader, LogPosition, StoredEntry, StoredHardState } from './log-store.ts'
import { decodeSegmentHeader, replaySegment, segmentNumbers, segmentPath } from './segment.ts'
import { parseStore } from './shape.ts'
import { SnapshotFile } from './snapshot-file.ts'
import type { StoredSnapshot } from './snapshot-store.ts'

export interface InspectedSegment {
  /** Its name in the directory. */
  readonly file: string
  readonly bytes: number
  /** Of a damaged one: undefined. */
  readonly records: number | undefined
  /** The last entry before it, and the last one once all before and in it is counted. */
  readonly after: LogPosition | undefined
  readonly last: LogPosition | undefined
  /** Bytes of a record at its end that is not whole: a crash cut it, or the node is writing it. */
  readonly unfinished: number
  /** Of a removal that a crash cut short: it says nothing any more. */
  readonly isLeftover: boolean
  /** What is told of it, and of the log up to it, ends where the damage begins. */
  readonly isDamaged: boolean
}

export interface LogInspection {
  readonly directory: string
  readonly header: LogHeader | undefined
  /** Of the files; undefined while there is no log. */
  readonly format: number | undefined
  readonly segments: readonly InspectedSegment[]
  readonly snapshots: readonly (StoredSnapshot & { readonly file: string })[]
  /**
   * Of what can be read: with problems, the log may have gone on. Undefined, like the two below, when damage leaves
   * nothing to read.
   */
  readonly hardState: StoredHardState | undefined
  readonly base: LogPosition | undefined
  readonly last: LogPosition | undefined
  readonly entries: readonly StoredEntry[]
  /** What keeps a node from starting with this log; empty: nothing. */
  readonly problems: readonly ClusterError[]
}

/**
 * Rejects with `ERR_DATA_UNWRITABLE` or `ERR_DISK` when the directory cannot be read at all, `ERR_DATA_FOREIGN` when no
 * node has ever been in it: that of another path is meant.
 */
export async function inspectLog(directory: string, fs: FileSystem = nodeFileSystem): Promise<LogInspection> {
  try {
    const names = await fs.list(directory)
    if (!nodeFiles.some((name) => names.includes(name))) throw noNode(directory)
    return await new Inspection(directory, fs, names).run()
  } catch (error) {
    throw openingError(directory, error)
  }
}

/** A node that was here left at least one of them. */
const nodeFiles = ['node.json', 'store.json', 'raft.log']

function noNode(directory: string): ClusterError {
  const details = { path: directory, expected: 'the data directory of a node', found: 'none' }
  return new ClusterError('ERR_DATA_FOREIGN', `${directory} is no data directory: no node has been in it`, details)
}

class Inspection {
  readonly #directory: string
  readonly #fs: FileSystem
  readonly #names: readonly string[]
  readonly #problems: ClusterError[] = []
  readonly #segments: InspectedSegment[] = []
  readonly #snapshots: (StoredSnapshot & { readonly file: string })[] = []
  /** Undefined until there is a segment to begin with. */
  #contents: LogContents | undefined

  constructor(directory: string, fs: FileSystem, names: readonly string[]) {
    this.#directory = directory
    this.#fs = fs
    this.#names = names
  }

  async run(): Promise<LogInspection> {
    const log = await this.#noted(() => this.#readHeader())
    if (log !== undefined) {
      await this.#noted(() => this.#checkStore(log.header))
      await this.#readSnapshots(log.header)
      await this.#readSegments(log.header, log.format)
      this.#checkGap()
    }
    // A log that was never made says as much as an empty one.
    const read = this.#contents ?? (this.#problems.length === 0 ? new LogContents() : undefined)
    return {
      directory: this.#directory,
      header: log?.header,
      format: log?.format,
      segments: this.#segments,
      snapshots: this.#snapshots,
      hardState: read?.hardState,
      base: read?.base,
      last: read?.last,
      entries: read?.entries ?? [],
      problems: this.#problems,
    }
  }

  async #readHeader() {
    const path = join(this.#directory, 'raft.log')
    const bytes = await readFile(this.#fs, path)
    if (bytes !== undefined) return decodeLogHeader(bytes, path)
    const store = await readChecked(this.#fs, join(this.#directory, 'store.json'), parseStore)
    if (store?.logMade) throw corrupt(path, 0, 'the file is missing; the node will not vote as its old self')
    return undefined
  }

  async #checkStore({ storeId }: LogHeader): Promise<void> {
    const path = join(this.#directory, 'store.json')
    const store = await readChecked(this.#fs, path, parseStore)
    if (store === undefined) throw corrupt(path, 0, 'the file is missing, and raft.log is there')
    if (store.storeId !== storeId) throw corrupt(path, 0, 'it belongs to another log')
  }

  async #readSnapshots(header: LogHeader): Promise<void> {
    const path = join(this.#directory, 'raft.snapshot')
    for (const index of snapshotIndexes(path, this.#names))
      await this.#noted(() => this.#readSnapshot(path, index, header))
  }

  async #readSnapshot(path: string, index: number, { storeId }: LogHeader): Promise<void> {
    const own = snapshotPath(path, index)
    await using file = await SnapshotFile.open(this.#fs, own, storeId, 'read')
    if (!(await file.isWhole())) throw corrupt(own, 0, 'its state does not fit its checksum')
    this.#snapshots.push({ ...file.snapshot, file: own.slice(this.#directory.length + 1) })
  }

  async #readSegments(header: LogHeader, format: number): Promise<void> {
    const path = join(this.#directory, 'raft.log')
    const numbers = format < logFormat ? [1] : segmentNumbers(path, this.#names)
    if (numbers.length === 0) this.#problems.push(corrupt(segmentPath(path, 1), 0, 'the file is missing'))
    let sequence: number | undefined
    let before: number | undefined
    for (const number of numbers) {
      const own = format < logFormat ? path : segmentPath(path, number)
      if (before !== undefined && number !== before + 1) {
        this.#problems.push(corrupt(segmentPath(path, before + 1), 0, 'the file is missing'))
        sequence = undefined
      }
      before = number
      sequence = await this.#noted(() =>
        this.#readSegment(own, header, { number, sequence, isLast: number === numbers.at(-1) }),
      )
    }
  }

  /** Resolves to the sequence of the next record; undefined: the next segment is read as if it were the first. */
  async #readSegment(
    path: string,
    header: LogHeader,
    place: { readonly number: number; readonly sequence: number | undefined; readonly isLast: boolean },
  ): Promise<number | undefined> {
    const bytes = await readFile(this.#fs, path)
    // A running node lets old segments go.
    if (bytes === undefined) return undefined
    const file = path.slice(this.#directory.length + 1)
    const unread = { after: undefined, unfinished: 0, isLeftover: false, isDamaged: true }
    let segment: Omit<InspectedSegment, 'last'> = { file, bytes: bytes.length, records: undefined, ...unread }
    try {
      const { header: own } = decodeSegmentHeader(bytes, path, header, place.number)
      if (place.sequence === undefined || this.#contents === undefined) this.#contents = new LogContents()
      const { scan, isLeftover } = replaySegment(bytes, path, header, this.#contents, place)
      const { length: records } = scan.records
      segment = { ...segment, records, after: own.previous, unfinished: scan.torn, isLeftover, isDamaged: false }
      return isLeftover ? undefined : own.sequence + records
    } finally {
      this.#segments.push({ ...segment, last: this.#contents?.last })
    }
  }

  #checkGap(): void {
    const covered = this.#snapshots.at(-1)?.index ?? 0
    if (this.#contents === undefined || this.#problems.length > 0) return
    const { base } = this.#contents
    if (base.index <= covered) return
    const problem = `it begins behind entry ${base.index}, and the snapshot ends at entry ${covered}`
    this.#problems.push(corrupt(join(this.#directory, 'raft.log'), 0, problem))
  }

  /** What `read` finds wrong becomes a problem. */
  async #noted<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      this.#problems.push(error)
      return undefined
    }
  }
}
