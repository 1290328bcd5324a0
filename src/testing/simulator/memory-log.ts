// The log of one voter in memory, as its `persist` effects made it, and their way to the disk: what gathered while one
// flush was running goes into the next one, as in the runtime.

import type { ClusterCommand, Effect, Entry, LogEnd, LogIndex } from '../../../consensus/index.ts'
import type { DiskRecord, SimulatedDisk } from './disk.ts'
import { check } from './failure.ts'

export interface MemoryLogSetup {
  readonly disk: SimulatedDisk
  readonly enter: (work: () => void) => void
  readonly wrote: (entry: Entry<ClusterCommand>, previousTerm: number) => void
  readonly persisted: (ticket: number) => void
}

export class MemoryLog {
  readonly #setup: MemoryLogSetup
  /** Behind `base`. */
  #entries: Entry<ClusterCommand>[]
  #base: LogEnd
  #unwritten: { readonly ticket: number; readonly records: readonly DiskRecord[] }[] = []
  #isWriting = false

  constructor(setup: MemoryLogSetup) {
    this.#setup = setup
    this.#entries = [...setup.disk.entries]
    this.#base = setup.disk.base
  }

  /** The last entry that a snapshot stands for. */
  get base(): LogEnd {
    return this.#base
  }

  entryAt(index: LogIndex): Entry<ClusterCommand> | undefined {
    return this.#entries[index - 1 - this.#base.index]
  }

  compact(through: LogEnd): void {
    this.#entries.splice(0, through.index - this.#base.index)
    this.#base = through
  }

  persist(effect: Extract<Effect<ClusterCommand>, { type: 'persist' }>): void {
    const records: DiskRecord[] = []
    if (effect.hardState !== undefined) records.push({ type: 'hard-state', hardState: effect.hardState })
    if (effect.base !== undefined) {
      this.#entries = []
      this.#base = effect.base
      records.push({ type: 'base', base: effect.base })
    }
    for (const entry of effect.entries) {
      this.#put(entry)
      records.push({ type: 'entry', entry })
    }
    this.#unwritten.push({ ticket: effect.ticket, records })
    if (!this.#isWriting) this.#write()
  }

  #put(entry: Entry<ClusterCommand>): void {
    const at = entry.index - 1 - this.#base.index
    check(at >= 0 && at <= this.#entries.length, 'no-crash', () => `entry ${entry.index} leaves a gap in memory`)
    this.#entries.length = at
    this.#setup.wrote(entry, (this.#entries.at(-1) ?? this.#base).term)
    this.#entries.push(entry)
  }

  #write(): void {
    const batch = this.#unwritten
    const last = batch.at(-1)
    if (last === undefined) return
    this.#unwritten = []
    this.#isWriting = true
    const records = batch.flatMap((write) => write.records)
    this.#setup.disk.write(records, () =>
      this.#setup.enter(() => {
        this.#isWriting = false
        this.#setup.persisted(last.ticket)
        if (!this.#isWriting) this.#write()
      }),
    )
  }
}
