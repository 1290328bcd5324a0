// A log looked at by people: read only, without the lock, so that it can be done beside a running node, a damaged log or a copy. It goes
// on behind what is damaged, so that all of the damage is told. What a start would make of the log is `log-recovery.ts`.

import { join } from 'node:path'
import { ClusterError } from '../errors.ts'
import { readChecked } from './checked-json.ts'
import { corrupt, openingError } from './disk-error.ts'
import { snapshotIndexes, snapshotPath } from './file-snapshots.ts'
import { type FileSystem, nodeFileSystem, readFile } from './file-system.ts'
import { LogContents } from './log-contents.ts'
import { decodeLogHeader, logFormat } from './log-header.ts'
import type { LogHeader, LogPosition, StoredEntry, StoredHardState } from './log-store.ts'
import { replaySegment, segmentNumbers, segmentPath } from './segment.ts'
import { parseStore } from './shape.ts'
import { SnapshotFile } from './snapshot-file.ts'
import type { StoredSnapshot } from './snapshot-store.ts'

export interface InspectedSegment {
  /** Its name in the directory. */
  readonly file: string
  readonly bytes: number
  readonly records: number
  /** The last entry before it, and the last one once all before and in it is counted. */
  readonly after: LogPosition | undefined
  readonly last: LogPosition | undefined
  /** Bytes of a record at its end that is not whole: a crash cut it, or the node is writing it. */
  readonly unfinished: number
  /** Of a removal that a crash cut short: it says nothing any more. */
  readonly isLeftover: boolean
}

export interface LogInspection {
  readonly directory: string
  readonly header: LogHeader | undefined
  /** Of the files; undefined while there is no log. */
  readonly format: number | undefined
  readonly segments: readonly InspectedSegment[]
  readonly snapshots: readonly (StoredSnapshot & { readonly file: string })[]
  readonly hardState: StoredHardState
  readonly base: LogPosition
  readonly last: LogPosition
  readonly entries: readonly StoredEntry[]
  /** What keeps a node from starting with this log, in one line each; empty: nothing. */
  readonly problems: readonly string[]
}

/** Rejects with `ERR_DATA_UNWRITABLE` or `ERR_DISK` when the directory cannot be read at all. */
export async function inspectLog(directory: string, fs: FileSystem = nodeFileSystem): Promise<LogInspection> {
  try {
    return await new Inspection(directory, fs, await fs.list(directory)).run()
  } catch (error) {
    throw openingError(directory, error)
  }
}

class Inspection {
  readonly #directory: string
  readonly #fs: FileSystem
  readonly #names: readonly string[]
  readonly #problems: string[] = []
  readonly #segments: InspectedSegment[] = []
  readonly #snapshots: (StoredSnapshot & { readonly file: string })[] = []
  #contents = new LogContents()

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
    const { hardState, base, last, entries } = this.#contents
    return {
      directory: this.#directory,
      header: log?.header,
      format: log?.format,
      segments: this.#segments,
      snapshots: this.#snapshots,
      hardState,
      base,
      last,
      entries,
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
    if (numbers.length === 0) this.#problems.push(corrupt(segmentPath(path, 1), 0, 'the file is missing').message)
    let sequence: number | undefined
    let before: number | undefined
    for (const number of numbers) {
      const own = format < logFormat ? path : segmentPath(path, number)
      if (before !== undefined && number !== before + 1) {
        this.#problems.push(corrupt(segmentPath(path, before + 1), 0, 'the file is missing').message)
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
    if (place.sequence === undefined) this.#contents = new LogContents()
    const { header: own, scan, isLeftover } = replaySegment(bytes, path, header, this.#contents, place)
    this.#segments.push({
      file: path.slice(this.#directory.length + 1),
      bytes: bytes.length,
      records: scan.records.length,
      after: own.previous,
      last: this.#contents.last,
      unfinished: scan.torn,
      isLeftover,
    })
    return isLeftover ? undefined : own.sequence + scan.records.length
  }

  #checkGap(): void {
    const covered = this.#snapshots.at(-1)?.index ?? 0
    const { base } = this.#contents
    if (base.index <= covered || this.#problems.length > 0) return
    const problem = `it begins behind entry ${base.index}, and the snapshot ends at entry ${covered}`
    this.#problems.push(corrupt(join(this.#directory, 'raft.log'), 0, problem).message)
  }

  /** What `read` finds wrong becomes a problem. */
  async #noted<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      this.#problems.push(error.message)
      return undefined
    }
  }
}
