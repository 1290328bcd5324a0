// One simulated disk. What was flushed survives anything; what was not is lost at a crash, except that a flush in flight
// may have written some of its records, in order: a torn write. Nothing waits for a torn write, so it promises nothing.

import type { ClusterCommand, Entry, HardState } from '../../../consensus/index.ts'
import type { FormingState } from '../../../topology/index.ts'
import { check } from './failure.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'

export type DiskRecord =
  | { readonly type: 'generation'; readonly generation: number }
  | { readonly type: 'hard-state'; readonly hardState: HardState }
  /** Replaces everything from its index on. */
  | { readonly type: 'entry'; readonly entry: Entry<ClusterCommand> }
  | { readonly type: 'forming'; readonly state: FormingState }
  /** The largest fencing token accepted. */
  | { readonly type: 'fence'; readonly token: number }

export interface DiskFaults {
  flushMs: number
  flushJitterMs: number
  /** Chance that a flush hangs for up to `hangMs`. */
  hang: number
  hangMs: number
}

interface Write {
  readonly records: readonly DiskRecord[]
  readonly done: () => void
}

/** A planted bug: what the disk really writes of a record. */
export type RecordFilter = (record: DiskRecord) => DiskRecord | undefined

export class SimulatedDisk {
  hardState: HardState = { term: 0, votedFor: undefined }
  readonly entries: Entry<ClusterCommand>[] = []
  generation = 0
  forming: FormingState = { type: 'none' }
  fence = 0
  readonly storeId: string
  readonly #schedule: Schedule
  readonly #random: Prng
  readonly #faults: DiskFaults
  readonly #filter: RecordFilter | undefined
  #waiting: Write[] = []
  #flushing: Write[] = []
  /** Which life of the process a flush belongs to: one that died gets no answer. */
  #life = 0

  constructor(storeId: string, schedule: Schedule, random: Prng, faults: DiskFaults, filter: RecordFilter | undefined) {
    this.storeId = storeId
    this.#schedule = schedule
    this.#random = random
    this.#faults = faults
    this.#filter = filter
  }

  /** Writes `records` in order; `done` runs once they, and all before them, survive a crash. Waiting writes share a flush. */
  write(records: readonly DiskRecord[], done: () => void): void {
    this.#waiting.push({ records, done })
    if (this.#flushing.length === 0) this.#flush()
  }

  /** Before the process does anything else: the start waits for it. */
  writeNow(record: DiskRecord): void {
    this.#apply(record)
  }

  /** Loses what was not flushed; of a flush in flight the first records may have been written. */
  crash(): void {
    const torn = this.#flushing.flatMap((write) => write.records)
    const written = this.#random.integer(torn.length + 1)
    for (const record of torn.slice(0, written)) this.#apply(record)
    this.#waiting = []
    this.#flushing = []
    this.#life++
  }

  /** The entry that would survive a crash now. */
  entryAt(index: number): Entry<ClusterCommand> | undefined {
    return this.entries[index - 1]
  }

  #flush(): void {
    const { flushMs, flushJitterMs, hang, hangMs } = this.#faults
    const hanging = this.#random.chance(hang) ? this.#random.next() * hangMs : 0
    const life = this.#life
    this.#flushing = this.#waiting
    this.#waiting = []
    this.#schedule.after(flushMs + this.#random.next() * flushJitterMs + hanging, () => {
      if (life === this.#life) this.#flushed()
    })
  }

  #flushed(): void {
    const done = this.#flushing
    for (const write of done) for (const record of write.records) this.#apply(record)
    this.#flushing = []
    for (const write of done) write.done()
    if (this.#waiting.length > 0 && this.#flushing.length === 0) this.#flush()
  }

  #apply(given: DiskRecord): void {
    const record = this.#filter === undefined ? given : this.#filter(given)
    if (record === undefined) return
    switch (record.type) {
      case 'generation':
        this.generation = record.generation
        return
      case 'hard-state':
        this.hardState = record.hardState
        return
      case 'entry':
        this.#append(record.entry)
        return
      case 'forming':
        this.forming = record.state
        return
      case 'fence':
        this.fence = Math.max(this.fence, record.token)
        return
      default:
        record satisfies never
    }
  }

  #append(entry: Entry<ClusterCommand>): void {
    check(entry.index <= this.entries.length + 1, 'no-crash', () => `entry ${entry.index} leaves a gap in the log`)
    this.entries.length = entry.index - 1
    this.entries.push(entry)
  }
}
