// A log in memory: the first implementation of the store, for nodes without a data directory and for tests. It keeps
// exactly what was appended: a write that is on its way when the log is reopened is lost, as in a crash.

import { ClusterError } from '../errors.ts'
import { LogContents, lastIndexAfter } from './log-contents.ts'
import type { LogHeader, LogWrite } from './log-store.ts'
import type { RecoveredLog } from './node-storage.ts'

export interface MemoryLogOptions {
  /** Runs in place of the disk before an append counts: may take its time, or reject. Default: at once. */
  readonly flush?: () => Promise<void>
}

export class MemoryLog implements RecoveredLog {
  readonly header: LogHeader
  readonly #options: MemoryLogOptions
  readonly #contents = new LogContents()
  #running: Promise<void> | undefined
  #failure: ClusterError | undefined
  #closed = false
  /** Reopened: what this object still has on its way is lost. */
  #crashed = false

  constructor(header: LogHeader, options: MemoryLogOptions = {}) {
    this.header = header
    this.#options = options
  }

  get closed(): boolean {
    return this.#closed
  }

  async load(): ReturnType<RecoveredLog['load']> {
    this.#refuse()
    return { hardState: this.#contents.hardState, entries: [...this.#contents.entries], repaired: undefined }
  }

  async append(writes: readonly LogWrite[]): Promise<void> {
    this.#refuse()
    if (this.#running !== undefined) throw new Error('two appends at a time: a bug in the caller')
    lastIndexAfter(writes, this.#contents.entries.length)
    const copies = writes.map(copyOf)
    this.#running = this.#flush()
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
    this.#contents.apply(copies)
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
    // Whoever called append hears of its failure; here only its end matters.
    await this.#running?.catch(() => undefined)
  }

  /** What a restart finds: everything whose append resolved. This object is dead from now on, as after a crash. */
  reopen(options: MemoryLogOptions = this.#options): MemoryLog {
    this.#closed = true
    this.#crashed = true
    const next = new MemoryLog(this.header, options)
    next.#contents.apply([this.#contents])
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
function copyOf({ hardState, entries }: LogWrite): LogWrite {
  return {
    hardState,
    entries: entries.map(({ index, term, command }) => ({ index, term, command: command?.slice() })),
  }
}
