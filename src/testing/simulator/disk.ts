// One simulated disk. What was flushed survives anything; what was not is lost at a crash, except that a flush in
// flight may have written some of its records, in order: a torn write. Nothing waits for a torn write, so it promises
// nothing.

import type { ClusterCommand, Configuration, Entry, HardState, LogEnd, Snapshot } from '../../../consensus/index.ts'
import type { FormingState } from '../../../topology/index.ts'
import { check } from './failure.ts'
import { clusterIdOf } from './founding.ts'
import type { Prng } from './random.ts'
import type { Schedule } from './schedule.ts'

export type DiskRecord =
  | { readonly type: 'generation'; readonly generation: number }
  | { readonly type: 'hard-state'; readonly hardState: HardState }
  /** A log was made, which begins with this configuration. */
  | { readonly type: 'log'; readonly configuration: Configuration }
  /** Replaces everything from its index on. */
  | { readonly type: 'entry'; readonly entry: Entry<ClusterCommand> }
  /** All entries go; the next one stands behind this place. */
  | { readonly type: 'base'; readonly base: LogEnd }
  /** The entries up to this place go. */
  | { readonly type: 'compact'; readonly through: LogEnd }
  /** The latest snapshot, written beside the log and put in the place of the one before at once. */
  | { readonly type: 'snapshot'; readonly stored: StoredSnapshot }
  | { readonly type: 'forming'; readonly state: FormingState }
  /** The cluster that this node found and did not found. */
  | { readonly type: 'joined'; readonly clusterId: string }
  /** The largest fencing token accepted. */
  | { readonly type: 'fence'; readonly token: number }

/** A snapshot and the bytes of the machine. */
export interface StoredSnapshot {
  readonly snapshot: Snapshot
  readonly bytes: Uint8Array
}

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
  /** Behind `base`. */
  entries: Entry<ClusterCommand>[] = []
  base: LogEnd = { index: 0, term: 0 }
  /** The entries among them, or before them, that change voters. */
  #configured: Entry<ClusterCommand>[] = []
  /** What the log began with; undefined while there is no log. */
  header: Configuration | undefined
  stored: StoredSnapshot | undefined
  /** The log this machine votes with: another one since its log was lost. */
  logStoreId: string
  wipes = 0
  /** What was lost: what it acknowledged in its last moments may still be on its way. */
  lost:
    | { readonly storeId: string; readonly base: LogEnd; readonly entries: readonly Entry<ClusterCommand>[] }
    | undefined
  generation = 0
  forming: FormingState = { type: 'none' }
  joined: string | undefined
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
    this.logStoreId = storeId
    this.#schedule = schedule
    this.#random = random
    this.#faults = faults
    this.#filter = filter
  }

  /** The cluster that its node belongs to for good. */
  get clusterId(): string | undefined {
    return this.forming.type === 'started' ? clusterIdOf(this.forming.set) : this.joined
  }

  /**
   * Writes `records` in order; `done` runs once they, and all before them, survive a crash. Waiting writes share a
   * flush.
   */
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

  /** The log is lost, with term, vote and snapshot: what is made in its place has another name. */
  wipe(): void {
    this.lost = { storeId: this.logStoreId, base: this.base, entries: this.entries }
    this.wipes++
    this.logStoreId = `${this.storeId}.${this.wipes}`
    this.header = undefined
    this.hardState = { term: 0, votedFor: undefined }
    this.entries = []
    this.#configured = []
    this.base = { index: 0, term: 0 }
    this.stored = undefined
  }

  /** The entry that would survive a crash now. */
  entryAt(index: number): Entry<ClusterCommand> | undefined {
    return this.entries[index - 1 - this.base.index]
  }

  /** Where the log ends that would survive a crash now. */
  end(): LogEnd {
    const last = this.entries.at(-1) ?? this.base
    const snapshot = this.stored?.snapshot
    return snapshot !== undefined && snapshot.index > last.index ? snapshot : last
  }

  /** The configuration that a start now would find in force. */
  configuration(): Configuration | undefined {
    const { header, stored, base } = this
    if (header === undefined) return undefined
    const isAhead = stored !== undefined && stored.snapshot.index > base.index + this.entries.length
    const found = isAhead ? undefined : this.#configured.at(-1)
    return found?.configuration ?? stored?.snapshot.configuration ?? header
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
      case 'log':
        this.header = record.configuration
        return
      case 'entry':
        this.#append(record.entry)
        return
      case 'base':
        this.base = record.base
        this.entries = []
        this.#configured = []
        return
      case 'compact':
        this.#compact(record.through)
        return
      case 'snapshot':
        this.stored = record.stored
        return
      case 'forming':
        this.forming = record.state
        return
      case 'joined':
        this.joined = record.clusterId
        return
      case 'fence':
        this.fence = Math.max(this.fence, record.token)
        return
      default:
        record satisfies never
    }
  }

  #append(entry: Entry<ClusterCommand>): void {
    const at = entry.index - 1 - this.base.index
    check(at >= 0 && at <= this.entries.length, 'no-crash', () => `entry ${entry.index} leaves a gap in the log`)
    this.entries.length = at
    this.entries.push(entry)
    this.#configured = this.#configured.filter(({ index }) => index < entry.index)
    if (entry.configuration !== undefined) this.#configured.push(entry)
  }

  #compact(through: LogEnd): void {
    if (through.index <= this.base.index) return
    this.entries.splice(0, through.index - this.base.index)
    this.base = through
  }
}
