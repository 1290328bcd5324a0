// Carries out what the core asks for about snapshots: captures the machine, reads and stores pieces, puts a state that
// arrived in the machine's place. The machine is copied at once and written step by step, and one that arrived is read
// step by step before the core hears that it is whole, so that neither takes the event loop for long.

import type { ClusterMachine, ClusterState, Effect, Input } from '../../consensus/index.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import type { RecoveredLog } from '../storage/node-storage.ts'
import type { SnapshotStore, StoredSnapshot } from '../storage/snapshot-store.ts'
import { decodeState, encodeState } from '../wire/machine-state.ts'

type Of<Type extends Effect<unknown>['type']> = Extract<Effect<unknown>, { type: Type }>
type Answer = Extract<Input<never>, { type: 'captured' | 'chunk' | 'chunk-stored' }>

export interface SnapshotDriverOptions {
  readonly log: RecoveredLog
  readonly machine: ClusterMachine
  readonly logger: Logger
  readonly clock: Pick<Time, 'now'>
  /** Gives the core its answer, in a turn of its own. */
  readonly answer: (input: Answer) => void
  /** The disk failed, or what it holds cannot be used: the node must stop. */
  readonly onFailure: (error: unknown) => void
}

/** How much of a snapshot is read from the store at once. */
const readBytes = 1024 * 1024

export class SnapshotDriver {
  readonly #options: SnapshotDriverOptions
  readonly #running = new Set<Promise<void>>()
  /** A state that arrived whole, until the core says that it counts. */
  #arrived: { readonly id: string; readonly state: ClusterState } | undefined
  #isClosed = false
  #capturedBytes = 0

  constructor(options: SnapshotDriverOptions) {
    this.#options = options
  }

  /** Of the last capture; 0 before the first. */
  get capturedBytes(): number {
    return this.#capturedBytes
  }

  capture({ index, term, configuration }: Of<'capture'>): void {
    const { log, machine, logger, clock, answer } = this.#options
    const began = clock.now()
    const state = machine.snapshot()
    this.#run(async () => {
      const { id, size } = await log.snapshots.store({ index, term, configuration }, encodeState(state))
      logger.debug('the machine was captured', { index, bytes: size, capturedMs: clock.now() - began })
      this.#capturedBytes = size
      answer({ type: 'captured', index, id, size })
    })
  }

  compact({ through }: Of<'compact'>): void {
    this.#run(() => this.#options.log.compact(through.index))
  }

  fetch({ to, id, offset, length }: Of<'fetch-chunk'>): void {
    this.#run(async () => {
      const bytes = await this.#options.log.snapshots.read(id, offset, length)
      if (bytes !== undefined) this.#options.answer({ type: 'chunk', to, id, offset, bytes })
    })
  }

  store({ snapshot, offset, bytes }: Of<'store-chunk'>): void {
    this.#run(async () => {
      const { snapshots } = this.#options.log
      const stored = await snapshots.receive(snapshot, offset, bytes)
      if (stored === snapshot.size) {
        this.#arrived = { id: snapshot.id, state: await readState(snapshots, snapshot) }
        this.#options.logger.info('a snapshot has arrived', { index: snapshot.index, bytes: snapshot.size })
      }
      this.#options.answer({ type: 'chunk-stored', id: snapshot.id, offset: stored })
    })
  }

  restore({ snapshot }: Of<'restore'>): void {
    if (this.#arrived?.id !== snapshot.id) throw new Error(`snapshot ${snapshot.id} has not arrived: a bug in the core`)
    this.#options.machine.restore(this.#arrived.state)
    this.#arrived = undefined
  }

  /** Resolves when nothing is read or written any more; what comes then is not answered. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#running)
  }

  #run(work: () => Promise<void>): void {
    const running = work().catch((error: unknown) => {
      // The store may have been closed under what still ran.
      if (!this.#isClosed) this.#options.onFailure(error)
    })
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }
}

/** The machine's state in the latest snapshot. */
export async function readState(store: SnapshotStore, { id, size }: StoredSnapshot): Promise<ClusterState> {
  const bytes = Buffer.alloc(size)
  for (let offset = 0; offset < size; offset += readBytes) {
    const part = await store.read(id, offset, readBytes)
    if (part === undefined) throw new Error(`snapshot ${id} is gone: a bug in the caller`)
    bytes.set(part, offset)
  }
  const steps = decodeState(bytes)
  for (;;) {
    const { done, value } = steps.next()
    // Whoever wrote it was a machine of this release or an earlier one; what it lacks `restore` has to bear.
    if (done) return value as ClusterState
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
