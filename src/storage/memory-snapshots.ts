// A snapshot in memory: for nodes without a data directory and for tests.

import { createHash } from 'node:crypto'
import { ClusterError } from '../errors.ts'
import { snapshotId } from './snapshot-file.ts'
import { checkSize, isRefused, type SnapshotPlace, type SnapshotStore, type StoredSnapshot } from './snapshot-store.ts'

interface Held {
  readonly snapshot: StoredSnapshot
  readonly bytes: Uint8Array
}

interface Arriving {
  readonly snapshot: StoredSnapshot
  readonly pieces: Uint8Array[]
  added: number
}

export class MemorySnapshots implements SnapshotStore {
  #held: Held | undefined
  #arriving: Arriving | undefined
  #closed = false

  async load(): Promise<StoredSnapshot | undefined> {
    this.#refuse()
    return this.#held?.snapshot
  }

  get latest(): StoredSnapshot | undefined {
    return this.#held?.snapshot
  }

  async store(place: SnapshotPlace, pieces: Iterable<Uint8Array>): Promise<StoredSnapshot> {
    this.#refuse()
    const all: Uint8Array[] = []
    let size = 0
    for (const piece of pieces) {
      all.push(new Uint8Array(piece))
      size += piece.length
      checkSize(size)
      // Between two pieces others have their turn, as with a disk.
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    const bytes = Buffer.concat(all)
    const snapshot = { ...place, id: idOf(place, bytes), size }
    this.#place({ snapshot, bytes })
    return snapshot
  }

  async read(id: string, offset: number, length: number): Promise<Uint8Array | undefined> {
    this.#refuse()
    return this.#held?.snapshot.id === id ? this.#held.bytes.slice(offset, offset + length) : undefined
  }

  async receive(snapshot: StoredSnapshot, offset: number, bytes: Uint8Array): Promise<number> {
    this.#refuse()
    if (this.#held?.snapshot.id === snapshot.id) return snapshot.size
    if (isRefused(snapshot, this.#held?.snapshot)) return 0
    if (this.#arriving?.snapshot.id !== snapshot.id) this.#arriving = { snapshot, pieces: [], added: 0 }
    const arriving = this.#arriving
    if (offset <= arriving.added) {
      const news = bytes.slice(arriving.added - offset, snapshot.size - offset)
      arriving.pieces.push(news)
      arriving.added += news.length
    }
    if (arriving.added < snapshot.size) return arriving.added
    this.#arriving = undefined
    const whole = Buffer.concat(arriving.pieces)
    if (idOf(snapshot, whole) !== snapshot.id) return 0
    this.#place({ snapshot, bytes: whole })
    return snapshot.size
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  /** What a restart finds. This object is dead from now on, as after a crash. */
  reopen(): MemorySnapshots {
    this.#closed = true
    const next = new MemorySnapshots()
    next.#held = this.#held
    return next
  }

  #place(held: Held): void {
    if (this.#held === undefined || this.#held.snapshot.index <= held.snapshot.index) this.#held = held
  }

  #refuse(): void {
    if (this.#closed) throw new ClusterError('ERR_SHUTTING_DOWN', 'the snapshots are closed', {})
  }
}

function idOf(place: SnapshotPlace, bytes: Uint8Array): string {
  return snapshotId(place, createHash('sha256').update(bytes).digest('hex'))
}
