// The snapshot of a data directory: `raft.snapshot.N`, the state behind entry N. One that is being written, or that
// arrives, has another name until it is durable as a whole; then it gets its own, and only then does the one before go.
// Bytes are `snapshot-file.ts`.

import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { ClusterError } from '../errors.ts'
import { corrupt, diskError } from './disk-error.ts'
import { errnoOf, exists, type FileSystem, nodeFileSystem } from './file-system.ts'
import { SnapshotFile, snapshotId, unknownYet } from './snapshot-file.ts'
import { checkSize, isRefused, type SnapshotPlace, type SnapshotStore, type StoredSnapshot } from './snapshot-store.ts'

const indexDigits = 16

export class FileSnapshots implements SnapshotStore {
  readonly #path: string
  readonly #storeId: string
  readonly #fs: FileSystem
  #latest: StoredSnapshot | undefined
  #arriving: SnapshotFile | undefined
  #failure: { readonly error: unknown } | undefined
  readonly #running = new Set<Promise<unknown>>()
  /** Settles when no snapshot is taking its place any more. */
  #placing: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  /** `path`: what the files' names begin with. `storeId`: of the log that they belong to. */
  constructor(path: string, storeId: string, fs: FileSystem = nodeFileSystem) {
    this.#path = path
    this.#storeId = storeId
    this.#fs = fs
  }

  /** Removes what is left of another log's snapshots. */
  static async clear(path: string, fs: FileSystem = nodeFileSystem): Promise<void> {
    for (const name of await namesOf(fs, path)) await fs.remove(join(dirname(path), name))
    await fs.syncDirectory(dirname(path))
  }

  get latest(): StoredSnapshot | undefined {
    return this.#latest
  }

  load(): Promise<StoredSnapshot | undefined> {
    return this.#run(async () => {
      const indexes = snapshotIndexes(this.#path, await namesOf(this.#fs, this.#path))
      const last = indexes.at(-1)
      if (last === undefined) return undefined
      const path = snapshotPath(this.#path, last)
      await using file = await this.#open(path)
      if (file.snapshot.index !== last) throw corrupt(path, 0, `it is the state behind entry ${file.snapshot.index}`)
      if (!(await file.isWhole())) throw corrupt(path, 0, 'its state does not fit its checksum')
      // A crash came between the naming of the latest and the end of the one before.
      await this.#fs.syncDirectory(dirname(this.#path))
      for (const index of indexes.slice(0, -1)) await this.#fs.remove(snapshotPath(this.#path, index))
      this.#latest = file.snapshot
      return file.snapshot
    })
  }

  store(place: SnapshotPlace, pieces: Iterable<Uint8Array>): Promise<StoredSnapshot> {
    return this.#run(async () => {
      await using file = await SnapshotFile.create(this.#fs, `${this.#path}.new`, unknownYet(place), this.#storeId)
      const hash = createHash('sha256')
      for (const piece of pieces) {
        hash.update(piece)
        await file.add(piece)
        checkSize(file.added)
        // Between two pieces others have their turn.
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      const snapshot = { ...place, id: snapshotId(place, hash.digest('hex')), size: file.added }
      await file.finish(snapshot, this.#storeId)
      await this.#place(file.path, snapshot)
      return snapshot
    })
  }

  read(id: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    return this.#run(async () => {
      if (this.#latest?.id !== id) return undefined
      try {
        await using file = await this.#open(snapshotPath(this.#path, this.#latest.index))
        return await file.read(offset, length)
      } catch (error) {
        // Another one took its place meanwhile.
        if (errnoOf(error) === 'ENOENT' && this.#latest.id !== id) return undefined
        throw error
      }
    })
  }

  receive(snapshot: StoredSnapshot, offset: number, bytes: Uint8Array): Promise<number> {
    return this.#run(async () => {
      if (this.#latest?.id === snapshot.id) return snapshot.size
      if (isRefused(snapshot, this.#latest)) return 0
      const file = await this.#arrival(snapshot)
      if (offset <= file.added) {
        await file.add(bytes.subarray(file.added - offset, snapshot.size - offset))
        await file.writeWhole()
      }
      return file.added < snapshot.size ? file.added : await this.#complete(file)
    })
  }

  /** The file of what arrives: the one that is open, the one that a crash left behind, or a new one. */
  async #arrival(snapshot: StoredSnapshot): Promise<SnapshotFile> {
    if (this.#arriving?.snapshot.id === snapshot.id) return this.#arriving
    await this.#arriving?.close()
    this.#arriving = undefined
    const path = `${this.#path}.arriving`
    const left = (await exists(this.#fs, path)) ? await this.#leftOver(path, snapshot) : undefined
    this.#arriving = left ?? (await SnapshotFile.create(this.#fs, path, snapshot, this.#storeId))
    return this.#arriving
  }

  async #leftOver(path: string, { id }: StoredSnapshot): Promise<SnapshotFile | undefined> {
    let file: SnapshotFile
    try {
      file = await SnapshotFile.open(this.#fs, path, this.#storeId, 'update')
    } catch (error) {
      // It never had a name, so it may be half written.
      if (error instanceof ClusterError) return undefined
      throw error
    }
    if (file.snapshot.id !== id) return void (await file.close())
    await file.resume()
    return file
  }

  /** All bytes have arrived. */
  async #complete(file: SnapshotFile): Promise<number> {
    const { snapshot, path } = file
    await file.finish(snapshot, this.#storeId)
    const isWhole = await file.isWhole()
    this.#arriving = undefined
    await file.close()
    if (isWhole) await this.#place(path, snapshot)
    else await this.#fs.remove(path)
    return isWhole ? snapshot.size : 0
  }

  /** Makes the finished file at `path` the latest snapshot, unless a later one is. */
  #place(path: string, snapshot: StoredSnapshot): Promise<void> {
    const placed = this.#placing.then(async () => {
      const before = this.#latest
      if (before !== undefined && before.index > snapshot.index) return await this.#fs.remove(path)
      await this.#fs.rename(path, snapshotPath(this.#path, snapshot.index))
      await this.#fs.syncDirectory(dirname(path))
      this.#latest = snapshot
      if (before === undefined || before.index === snapshot.index) return
      await this.#fs.remove(snapshotPath(this.#path, before.index))
      await this.#fs.syncDirectory(dirname(path))
    })
    this.#placing = placed.catch(() => undefined)
    return placed
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    // Whoever called hears of a failure; here only the end matters.
    await Promise.allSettled(this.#running)
    await this.#arriving?.close()
  }

  #open(path: string): Promise<SnapshotFile> {
    return SnapshotFile.open(this.#fs, path, this.#storeId, 'read')
  }

  /** After a failed flush nobody knows what is on the disk, so nothing is answered but that. */
  async #run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#closed !== undefined) throw new ClusterError('ERR_SHUTTING_DOWN', `${this.#path} is closed`, {})
    const running = work()
    this.#running.add(running)
    try {
      return await running
    } catch (error) {
      this.#failure ??= { error: diskError(this.#path, error) }
      throw this.#failure.error
    } finally {
      this.#running.delete(running)
    }
  }
}

/** The path of the snapshot behind entry `index`. */
export function snapshotPath(path: string, index: number): string {
  return `${path}.${String(index).padStart(indexDigits, '0')}`
}

async function namesOf(fs: FileSystem, path: string): Promise<readonly string[]> {
  const names = await fs.list(dirname(path))
  return names.filter((name) => name.startsWith(`${basename(path)}.`))
}

/** Of the snapshots among `names`, in order. */
export function snapshotIndexes(path: string, names: readonly string[]): number[] {
  const ends = names.map((name) => name.slice(basename(path).length + 1))
  return ends
    .filter((end) => /^\d{16}$/.test(end))
    .map(Number)
    .sort((a, b) => a - b)
}
