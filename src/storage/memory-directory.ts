// `NodeStorage` that nothing outlives: for nodes without a data directory, whose restart is a new member with a new
// key, and for tests, where `restart` is the next life of the same node on the same "disk".

import { ClusterError } from '../errors.ts'
import { tooManySingletons } from './data-directory.ts'
import { corrupt, foreign, rolledBack } from './disk-error.ts'
import { createStoreId } from './log-files.ts'
import { checkHeader } from './log-header.ts'
import type { LogHeader } from './log-store.ts'
import { MemoryLog } from './memory.ts'
import { createPrivateKey } from './node-files.ts'
import {
  maxFencedSingletons,
  maxRememberedPeers,
  type NodeStorage,
  type RecoveredLog,
  type StorageOptions,
  type StoredCluster,
  type StoredIdentity,
  type StoredMove,
  type StoredPeer,
  type StoredSeeds,
} from './node-storage.ts'

/** What the lives of one node share. Values are kept as JSON text, so that they come back as from a file. */
interface Disk {
  readonly id: string
  readonly identity: StoredIdentity
  readonly options: StorageOptions
  readonly fencing: Map<string, number>
  /** The generation that the cluster had seen when it refused this one. */
  condemned: number | undefined
  name: string | undefined
  storeId: string | undefined
  log: MemoryLog | undefined
  forming: string | undefined
  cluster: string | undefined
  peers: string
  moving: StoredMove | undefined
  moved: readonly StoredMove[]
}

export class MemoryDirectory implements NodeStorage {
  readonly path: undefined
  readonly generation: number
  readonly #disk: Disk
  #closed = false

  private constructor(disk: Disk, generation: number) {
    this.#disk = disk
    this.generation = generation
  }

  /** A node that has never lived, with a fresh key unless one is given. */
  static open(options: StorageOptions, privateKeyPem = createPrivateKey()): MemoryDirectory {
    const identity = { privateKeyPem }
    const empty = {
      condemned: undefined,
      name: undefined,
      storeId: undefined,
      log: undefined,
      forming: undefined,
      cluster: undefined,
      peers: '[]',
      moving: undefined,
      moved: [],
    }
    const id = options.identify(identity.privateKeyPem)
    return new MemoryDirectory({ id, identity, options, fencing: new Map(), ...empty }, 1)
  }

  /** The same node's next life; this object is dead from now on, as after a crash. What was not durable is lost. */
  restart(): MemoryDirectory {
    this.#closed = true
    const { condemned } = this.#disk
    if (condemned !== undefined) throw rolledBack('memory', this.id, this.generation + 1, condemned)
    this.#disk.log = this.#disk.log?.reopen()
    finishMove(this.#disk)
    return new MemoryDirectory(this.#disk, this.generation + 1)
  }

  get id(): string {
    return this.#disk.id
  }

  get identity(): StoredIdentity {
    return this.#disk.identity
  }

  get cluster(): string {
    return this.#disk.options.cluster
  }

  get name(): string | undefined {
    return this.#disk.name
  }

  /** It belongs to a cluster. */
  get hasCluster(): boolean {
    return this.#disk.cluster !== undefined
  }

  async writeName(name: string): Promise<void> {
    this.#open().name = name
  }

  async storeId(): Promise<string> {
    const disk = this.#open()
    disk.storeId ??= createStoreId()
    return disk.storeId
  }

  async moveTo(move: StoredMove): Promise<void> {
    this.#open().moving = move
  }

  async readMoves(): Promise<readonly StoredMove[]> {
    return [...this.#open().moved]
  }

  async condemn(seen: number): Promise<void> {
    this.#open().condemned = seen
  }

  async openLog(): Promise<RecoveredLog | undefined> {
    return this.#openLog()
  }

  async createLog(header: LogHeader): Promise<RecoveredLog> {
    const disk = this.#open()
    const storeId = await this.storeId()
    if (header.nodeId !== this.id) throw foreign('memory', 'node', this.id, header.nodeId)
    if (header.storeId !== storeId) throw foreign('memory', 'store', storeId, header.storeId)
    this.#checkCluster(header.clusterId)
    if (disk.log !== undefined) checkHeader('memory', disk.log.header, header)
    disk.log ??= new MemoryLog(header)
    return this.#openLog() ?? disk.log
  }

  async readForming<State>(parse: (value: unknown) => State | undefined): Promise<State | undefined> {
    const { forming } = this.#open()
    if (forming === undefined) return undefined
    const state = parse(JSON.parse(forming))
    if (state === undefined) throw corrupt('memory', 0, 'the forming state makes no sense')
    return state
  }

  async writeForming(state: unknown): Promise<void> {
    this.#open().forming = JSON.stringify(state)
  }

  async readCluster(): Promise<StoredCluster | undefined> {
    const { cluster } = this.#open()
    return cluster === undefined ? undefined : JSON.parse(cluster)
  }

  async writeCluster(cluster: StoredCluster): Promise<void> {
    const disk = this.#open()
    this.#checkCluster(cluster.clusterId)
    disk.cluster = JSON.stringify(cluster)
  }

  async readPeers(): Promise<readonly StoredPeer[]> {
    return JSON.parse(this.#open().peers)
  }

  async writePeers(peers: readonly StoredPeer[]): Promise<number> {
    const kept = peers.slice(0, maxRememberedPeers)
    this.#open().peers = JSON.stringify(kept)
    return peers.length - kept.length
  }

  async readFencing(): Promise<ReadonlyMap<string, number>> {
    return new Map(this.#open().fencing)
  }

  async raiseFencing(singleton: string, token: number): Promise<number> {
    const { fencing } = this.#open()
    const known = fencing.get(singleton)
    if (known !== undefined && known >= token) return known
    if (known === undefined && fencing.size >= maxFencedSingletons) throw tooManySingletons()
    fencing.set(singleton, token)
    return token
  }

  async readSecret(): Promise<undefined> {
    this.#open()
  }

  async readSeeds(): Promise<StoredSeeds | undefined> {
    this.#open()
    return undefined
  }

  async close(): Promise<void> {
    // After `restart` the log is the next life's.
    if (this.#closed) return
    this.#closed = true
    await this.#disk.log?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #openLog(): MemoryLog | undefined {
    const disk = this.#open()
    if (disk.log?.closed) disk.log = disk.log.reopen()
    return disk.log
  }

  #checkCluster(clusterId: string): void {
    const stored: StoredCluster | undefined = JSON.parse(this.#disk.cluster ?? 'null') ?? undefined
    if (stored === undefined || stored.clusterId === clusterId) return
    throw foreign('memory', 'cluster', stored.clusterId, clusterId)
  }

  #open(): Disk {
    if (this.#closed) throw new ClusterError('ERR_SHUTTING_DOWN', 'the storage is closed', {})
    return this.#disk
  }
}

/** What its cluster was is gone; see `move.ts`. */
function finishMove(disk: Disk): void {
  const { moving } = disk
  if (moving === undefined) return
  disk.log = undefined
  disk.storeId = undefined
  disk.forming = undefined
  disk.peers = JSON.stringify(moving.peers)
  disk.cluster = JSON.stringify({ clusterId: moving.into, founders: [], voters: [], admitted: false, names: [] })
  disk.moved = [...disk.moved, moving]
  disk.moving = undefined
}
