// The log together with its snapshots and the id it votes with: `raft.log…`, `raft.snapshot…` and `store.json`. The id
// is durable first, as it is part of a promise made while forming; the log is made with it. If a log was made once and
// is gone, the id goes with it: the node may have voted in it, so it must not vote as that voter again (design rule 7).

import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readChecked, writeChecked } from './checked-json.ts'
import { corrupt, foreign } from './disk-error.ts'
import { FileLog } from './file-log.ts'
import { FileSnapshots } from './file-snapshots.ts'
import { exists, type FileSystem } from './file-system.ts'
import type { ExpectedHeader } from './log-header.ts'
import type { LogHeader } from './log-store.ts'
import { RecoveredFileLog } from './recovered-log.ts'
import { parseStore } from './shape.ts'

/** 32 hexadecimal digits that no other log has. */
export function createStoreId(): string {
  return randomBytes(16).toString('hex')
}

export class LogFiles {
  readonly #fs: FileSystem
  readonly #logPath: string
  readonly #snapshotPath: string
  readonly #storePath: string
  #storeId: string | undefined
  #hasLog: boolean
  #log: RecoveredFileLog | undefined

  private constructor(fs: FileSystem, directory: string, storeId: string | undefined, hasLog: boolean) {
    this.#fs = fs
    this.#logPath = join(directory, 'raft.log')
    this.#snapshotPath = join(directory, 'raft.snapshot')
    this.#storePath = join(directory, 'store.json')
    this.#storeId = storeId
    this.#hasLog = hasLog
  }

  static async open(fs: FileSystem, directory: string): Promise<LogFiles> {
    const storePath = join(directory, 'store.json')
    const store = await readChecked(fs, storePath, parseStore)
    const hasLog = await exists(fs, join(directory, 'raft.log'))
    if (store === undefined && hasLog) throw corrupt(storePath, 0, 'the file is missing, and raft.log is there')
    const wasLost = store?.logMade === true && !hasLog
    const files = new LogFiles(fs, directory, wasLost ? undefined : store?.storeId, hasLog)
    // A crash came between the log and the note that it was made.
    if (store?.logMade === false && hasLog) await files.#write(store.storeId)
    return files
  }

  async storeId(): Promise<string> {
    return this.#storeId ?? (await this.#write(createStoreId()))
  }

  /** `expected` without the store id, which is known here. */
  async openLog(expected: ExpectedHeader): Promise<RecoveredFileLog | undefined> {
    if (!this.#hasLog) return undefined
    if (this.#log !== undefined && !this.#log.closed) throw new Error('the log is open already: a bug in the caller')
    const storeId = await this.storeId()
    const log = await FileLog.open(this.#logPath, { ...expected, storeId }, { fs: this.#fs })
    return this.#withSnapshots(log, storeId)
  }

  async createLog(header: LogHeader): Promise<RecoveredFileLog> {
    const storeId = await this.storeId()
    if (header.storeId !== storeId) throw foreign(this.#logPath, 'store', storeId, header.storeId)
    const found = await this.openLog(header)
    if (found !== undefined) return found
    await FileSnapshots.clear(this.#snapshotPath, this.#fs)
    const log = await FileLog.create(this.#logPath, header, { fs: this.#fs })
    this.#hasLog = true
    await this.#write(storeId)
    return this.#withSnapshots(log, storeId)
  }

  #withSnapshots(log: FileLog, storeId: string): RecoveredFileLog {
    this.#log = new RecoveredFileLog(log, new FileSnapshots(this.#snapshotPath, storeId, this.#fs))
    return this.#log
  }

  async close(): Promise<void> {
    await this.#log?.close()
  }

  async #write(storeId: string): Promise<string> {
    await writeChecked(this.#fs, this.#storePath, { storeId, logMade: this.#hasLog })
    this.#storeId = storeId
    return storeId
  }
}
