// A log file together with the snapshots beside it. One without the other says nothing: the log may begin behind
// entries that only the snapshot stands for.

import { corrupt } from './disk-error.ts'
import type { FileLog } from './file-log.ts'
import type { LogHeader, LogWrite } from './log-store.ts'
import type { RecoveredLog, RecoveredState } from './node-storage.ts'
import type { SnapshotStore } from './snapshot-store.ts'

export class RecoveredFileLog implements RecoveredLog {
  readonly snapshots: SnapshotStore
  readonly #log: FileLog

  constructor(log: FileLog, snapshots: SnapshotStore) {
    this.#log = log
    this.snapshots = snapshots
  }

  get header(): LogHeader {
    return this.#log.header
  }

  get closed(): boolean {
    return this.#log.closed
  }

  async load(trailing = Number.POSITIVE_INFINITY): Promise<RecoveredState> {
    const snapshot = await this.snapshots.load()
    const covered = snapshot?.index ?? 0
    const loaded = await this.#log.load(covered - trailing)
    if (loaded.base.index > covered) {
      const problem = `it begins behind entry ${loaded.base.index}, and the snapshot ends at entry ${covered}`
      throw corrupt(this.#log.path, 0, problem)
    }
    return { ...loaded, snapshot }
  }

  append(writes: readonly LogWrite[]): Promise<void> {
    return this.#log.append(writes)
  }

  compact(index: number): Promise<void> {
    return this.#log.compact(index)
  }

  async close(): Promise<void> {
    await Promise.all([this.snapshots.close(), this.#log.close()])
  }
}
