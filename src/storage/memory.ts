// A log in memory: the first implementation of the store, for nodes without a data directory and for tests. It keeps
// exactly what was appended: a write that is on its way when the log is reopened is lost, as in a crash.

import { ClusterError } from '../errors.ts'
import { extentAfter, LogContents } from './log-contents.ts'
import type { LogHeader, LogWrite } from './log-store.ts'
import { MemorySnapshots } from './memory-snapshots.ts'
import type { RecoveredLog } from './node-storage.ts'

export interface MemoryLogOptions {
  /** Runs in place of the disk before an append counts: may take its time, or reject. Default: at once. */
  readonly flush?: () => Promise<void>
}

export class MemoryLog implements RecoveredLog {
  readonly header: LogHeader
  readonly snapshots: MemorySnapshots
  readonly #options: MemoryLogOptions
  readonly #contents = new LogContents()
  #running: Promise<void> | undefined
  #failure: ClusterError | undefined
  #closed = false
  /** Reopened: what this object still has on its way is lost. */
  #crashed = false

  constructor(header: LogHeader, options: MemoryLogOptions = {}, snapshots = new MemorySnapshots()) {
    this.header = header
    this.snapshots = snapshots
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed
  }

  async load(): ReturnType<RecoveredLog['load']> {
    this.#refuse()
    const { hardState, base, entries } = this.#contents
    return { hardState, base, entries: [...entries], snapshot: await this.snapshots.load(), repaired: undefined }
  }

  async append(writes: readonly LogWrite[]): Promise<void> {
    this.#refuse()
    if (this.#running !== undefined) throw new Error('two appends at a time: a bug in the caller')
    extentAfter(writes, this.#contents)
    const copies = writes.map(copyOf)
    this.#running = this.#flush()
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
    this.#contents.apply(copies)
  }

  async compact(index: number): Promise<void> {
    this.#refuse()
    this.#contents.compact(index)
  }

  async #flush(): Promise<void> {
    try {
      await this.#options.flush?.()
    } catch (error) {
      this.#failure ??= inDoubt(error)
      throw this.#failure
    }
    if (this.#crashed) throw inDoubt(new Error('the process crashed'))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.snapshots.close()
    // Whoever called append hears of its failure; here only its end matters.
    await this.#running?.catch(() => undefined)
  }

  /** What a restart finds: everything whose append resolved. This object is dead from now on, as after a crash. */
  reopen(options: MemoryLogOptions = this.#options): MemoryLog {
    this.#closed = true
    this.#crashed = true
    const next = new MemoryLog(this.header, options, this.snapshots.reopen())
    const { hardState, base, entries } = this.#contents
    next.#contents.apply([{ hardState, reset: base, entries }])
    return next
  }

  #refuse(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closed) throw new ClusterError('ERR_SHUTTING_DOWN', 'the log is closed', {})
  }
}

function inDoubt(cause: unknown): ClusterError<'ERR_DISK'> {
  const options = { cause, mayHaveHappened: true }
  return new ClusterError('ERR_DISK', 'the log in memory failed', { path: 'memory' }, options)
}

/** The caller may reuse its bytes; what is stored must not change with them. */
function copyOf({ hardState, reset, entries }: LogWrite): LogWrite {
  return {
    hardState,
    reset,
    entries: entries.map(({ index, term, command }) => ({ index, term, command: command && new Uint8Array(command) })),
  }
}
