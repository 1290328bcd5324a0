// The driver's part of snapshots in one life of a process: the machine's state as bytes, their way to the disk, and
// chunks read from and written to it. It does what the runtime does, and nothing else.

import { deserialize, serialize } from 'node:v8'
import type { ClusterCommand, ClusterState, Effect, Input, LogIndex } from '../../../consensus/index.ts'
import type { SimulatedDisk, StoredSnapshot } from './disk.ts'
import { hashText, type Prng } from './random.ts'
import type { Schedule } from './schedule.ts'

/** What a disk that is not waited for may take. */
const UNFLUSHED_MS = 200

/** Reading bytes takes up to this long. */
const READ_MS = 2

type Of<Type extends Effect<ClusterCommand>['type']> = Extract<Effect<ClusterCommand>, { type: Type }>

export interface SnapshotsSetup {
  readonly disk: SimulatedDisk
  readonly schedule: Schedule
  readonly random: Prng
  readonly enter: (work: () => void) => void
  readonly input: (input: Input<ClusterCommand>) => void
  /** A planted bug: a received snapshot is called durable before it is. */
  readonly storesUnflushed: boolean
}

export class SimulatedSnapshots {
  readonly #setup: SnapshotsSetup
  /** What arrives: stored, and lost with the process. */
  #arriving: { readonly id: string; readonly bytes: number[] } = { id: '', bytes: [] }

  #unflushed: StoredSnapshot | undefined

  constructor(setup: SnapshotsSetup) {
    this.#setup = setup
  }

  /** `state`: the machine right behind the entry at `index`. */
  capture({ index, term, configuration }: Of<'capture'>, state: ClusterState): void {
    const { disk, input, enter } = this.#setup
    const bytes = serialize(state)
    const id = `${disk.logStoreId}/${index}`
    const stored = { snapshot: { index, term, configuration, id, size: bytes.length }, bytes }
    disk.write([{ type: 'snapshot', stored }], () =>
      enter(() => input({ type: 'captured', index, id, size: bytes.length })),
    )
  }

  compact({ through }: Of<'compact'>): void {
    this.#setup.disk.write([{ type: 'compact', through }], () => {})
  }

  fetch({ to, id, offset, length }: Of<'fetch-chunk'>): void {
    const { disk, schedule, random, enter, input } = this.#setup
    schedule.after(random.next() * READ_MS, () =>
      enter(() => {
        const { stored } = disk
        if (stored?.snapshot.id !== id) return
        input({ type: 'chunk', to, id, offset, bytes: stored.bytes.subarray(offset, offset + length) })
      }),
    )
  }

  store({ snapshot, offset, bytes }: Of<'store-chunk'>): void {
    const { disk, enter, input } = this.#setup
    const { id, size } = snapshot
    if (offset === 0) this.#arriving = { id, bytes: [] }
    const arriving = this.#arriving
    arriving.bytes.length = offset
    arriving.bytes.push(...bytes)
    const stored = arriving.bytes.length
    const records =
      stored === size
        ? [{ type: 'snapshot' as const, stored: { snapshot, bytes: Uint8Array.from(arriving.bytes) } }]
        : []
    const done = (): void => enter(() => input({ type: 'chunk-stored', id, offset: stored }))
    const [last] = records
    if (this.#setup.storesUnflushed && last !== undefined) {
      this.#unflushed = last.stored
      this.#setup.schedule.after(UNFLUSHED_MS, () => enter(() => disk.write(records, () => {})))
      done()
    } else {
      disk.write(records, done)
    }
  }

  /** The machine's state in the latest snapshot; undefined without one. */
  state(): { readonly index: LogIndex; readonly state: ClusterState } | undefined {
    const stored = this.#unflushed ?? this.#setup.disk.stored
    return stored && { index: stored.snapshot.index, state: deserialize(stored.bytes) as ClusterState }
  }
}

/** 32 bits over the whole replicated state; bytes count, as fields named by their places. */
export function digestOf(state: ClusterState): number {
  return hashText(JSON.stringify(state))
}
