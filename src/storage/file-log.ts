// The log as one append-only file. An append is one write and one flush, however many tickets it groups; both run on the
// thread pool, so a slow disk never blocks the event loop. The file grows by zeros in large steps, so that most flushes
// need not touch the file's metadata. Bytes and verdicts are `record.ts` and `log-header.ts`.

import { ClusterError } from '../errors.ts'
import { corrupt, diskError } from './disk-error.ts'
import { type FileSystem, nodeFileSystem, type OpenFile, readAll, replaceFile } from './file-system.ts'
import { LogContents, lastIndexAfter, Malformed } from './log-contents.ts'
import { checkHeader, decodeLogHeader, type ExpectedHeader, encodeLogHeader } from './log-header.ts'
import type { LogHeader, LogWrite } from './log-store.ts'
import type { LogRepair, RecoveredLog } from './node-storage.ts'
import { applyBody, encodeRecord, type Scan, scanRecords } from './record.ts'

/** By how much the file grows at once. Larger: fewer slow flushes, more idle disk. A guess. */
export const growthBytes = 1024 * 1024

/** A header names at most seven voters; this is far more. */
const maxHeaderBytes = 64 * 1024

type Loaded = Awaited<ReturnType<RecoveredLog['load']>>

/** `LogStore` on a disk. `ERR_DISK` leaves what was being appended in doubt; a restart finds out. */
export class FileLog implements RecoveredLog {
  readonly header: LogHeader
  readonly #path: string
  readonly #file: OpenFile
  readonly #start: number
  readonly #seed: number
  /** Where the next record goes. Undefined before `load`. */
  #end: number | undefined
  /** Bytes of the file; all behind `#end` are zeros. */
  #size = 0
  #sequence = 0
  #lastIndex = 0
  #failure: { readonly error: unknown } | undefined
  #running: Promise<void> | undefined
  #closed: Promise<void> | undefined

  private constructor(path: string, file: OpenFile, decoded: ReturnType<typeof decodeLogHeader>) {
    this.header = decoded.header
    this.#path = path
    this.#file = file
    this.#start = decoded.start
    this.#seed = decoded.seed
  }

  /** Makes an empty log, durable before this resolves. One that is there is replaced: the caller has looked. */
  static async create(path: string, header: LogHeader, fs: FileSystem = nodeFileSystem): Promise<FileLog> {
    try {
      await replaceFile(fs, path, encodeLogHeader(header))
    } catch (error) {
      throw diskError(path, error)
    }
    return FileLog.open(path, header, fs)
  }

  static async open(path: string, expected: ExpectedHeader = {}, fs: FileSystem = nodeFileSystem): Promise<FileLog> {
    let file: OpenFile | undefined
    try {
      file = await fs.open(path, 'update')
      const decoded = decodeLogHeader(await readHeaderOf(file), path)
      checkHeader(path, decoded.header, expected)
      return new FileLog(path, file, decoded)
    } catch (error) {
      await file?.close()
      throw diskError(path, error)
    }
  }

  get closed(): boolean {
    return this.#closed !== undefined
  }

  /** Cuts off a torn tail, durably, before it resolves. Rejects with `ERR_LOG_CORRUPT` when the log cannot be trusted. */
  async load(): Promise<Loaded> {
    this.#refuse()
    if (this.#end !== undefined) throw new Error('the log was loaded already: a bug in the caller')
    try {
      return await this.#recover()
    } catch (error) {
      throw this.#fail(error)
    }
  }

  async #recover(): Promise<Loaded> {
    const bytes = await readAll(this.#file)
    const scan = scanRecords(bytes, this.#start, this.#seed)
    if (scan.damagedAt !== undefined) throw corrupt(this.#path, scan.damagedAt, 'a record has a wrong checksum')
    const { hardState, entries } = replay(scan, this.#path)
    const repaired = await this.#repair(scan)
    this.#end = scan.end
    this.#size = repaired === undefined ? bytes.length : scan.end
    this.#sequence = scan.records.length
    this.#lastIndex = entries.length
    return { hardState, entries, repaired }
  }

  /** Also makes what `load` answers durable: a crashed process may have written it and never flushed. */
  async #repair({ end, torn }: Scan): Promise<LogRepair | undefined> {
    if (torn > 0) await this.#file.truncate(end)
    await this.#file.sync()
    return torn > 0 ? { path: this.#path, offset: end, bytes: torn } : undefined
  }

  async append(writes: readonly LogWrite[]): Promise<void> {
    this.#refuse()
    if (this.#end === undefined) throw new Error('append before load: a bug in the caller')
    if (this.#running !== undefined) throw new Error('two appends at a time: a bug in the caller')
    const lastIndex = lastIndexAfter(writes, this.#lastIndex)
    const record = encodeRecord(writes, this.#sequence + 1, this.#end, this.#seed)
    if (record === undefined) return
    this.#running = this.#write(record, this.#end)
    try {
      await this.#running
    } catch (error) {
      throw this.#fail(error)
    } finally {
      this.#running = undefined
    }
    this.#sequence++
    this.#lastIndex = lastIndex
    this.#end += record.length
  }

  /** One write, one flush: growing adds its zeros to the same write. */
  async #write(record: Buffer, end: number): Promise<void> {
    const after = end + record.length
    if (after <= this.#size) {
      await this.#file.write(record, end)
    } else {
      this.#size = Math.ceil(after / growthBytes) * growthBytes
      await this.#file.write(Buffer.concat([record], this.#size - end), end)
    }
    await this.#file.sync()
  }

  /** Waits for a running append, gives back the zeros at the end, closes the file. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // Whoever called append hears of its failure; here only its end matters.
    await this.#running?.catch(() => undefined)
    try {
      if (this.#end !== undefined && this.#failure === undefined) await this.#file.truncate(this.#end)
    } catch (error) {
      throw this.#fail(error)
    } finally {
      await this.#file.close()
    }
  }

  /** After a failed flush nobody knows what is on the disk, so nothing is answered but that (fsync lies on retry). */
  #fail(cause: unknown): unknown {
    this.#failure ??= { error: diskError(this.#path, cause) }
    return this.#failure.error
  }

  #refuse(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#closed !== undefined) throw new ClusterError('ERR_SHUTTING_DOWN', `${this.#path} is closed`, {})
  }
}

async function readHeaderOf(file: OpenFile): Promise<Buffer> {
  const bytes = Buffer.alloc(maxHeaderBytes)
  return bytes.subarray(0, await file.read(bytes, 0))
}

function replay(scan: Scan, path: string): LogContents {
  const contents = new LogContents()
  for (const { position, body } of scan.records) {
    try {
      applyBody(body, contents)
    } catch (error) {
      if (error instanceof Malformed) throw corrupt(path, position, error.message)
      throw error
    }
  }
  return contents
}
