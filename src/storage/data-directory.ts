// A node's data directory: `NodeStorage` in files, mode 0700, one process at a time. Each file is replaced as a whole
// and durably, so a crash leaves the old or the new one.
//
//   identity.pem node.json generation   whose directory, which life    node-files.ts
//   raft.log raft.log.N raft.snapshot.N store.json    the log, and the id it votes with    log-files.ts
//   forming.json cluster.json peers.json fencing.json    one checked value each    checked-json.ts, shape.ts
//   moving.json moved.json              its cluster was merged into another    move.ts
//   secret seeds.json                   left by `trellis up`    up-files.ts
//   lock.N                              directory-lock.ts

import { join, resolve } from 'node:path'
import { ClusterError } from '../errors.ts'
import { readChecked, writeChecked } from './checked-json.ts'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { diskError, foreign, openingError, rolledBack } from './disk-error.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'
import { LogFiles } from './log-files.ts'
import type { LogHeader } from './log-store.ts'
import { finishMove, readMoves } from './move.ts'
import { type NodeFiles, openNodeFiles, writeNode } from './node-files.ts'
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
import { parseCluster, parseCondemned, parseFencing, parsePeers } from './shape.ts'
import { readSecretFile, readSeedsFile, upFiles } from './up-files.ts'

type ValueFile = 'rolled-back.json' | 'moving.json' | 'forming.json' | 'cluster.json' | 'peers.json' | 'fencing.json'

export class DataDirectory implements NodeStorage {
  readonly path: string
  readonly id: string
  readonly identity: StoredIdentity
  readonly generation: number
  readonly cluster: string
  readonly #fs: FileSystem
  readonly #lock: DirectoryLock
  readonly #log: LogFiles
  #name: string | undefined
  /** Settles when all calls made so far have; none starts before. */
  #last: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  private constructor(
    path: string,
    cluster: string,
    fs: FileSystem,
    lock: DirectoryLock,
    node: NodeFiles,
    log: LogFiles,
  ) {
    this.path = path
    this.cluster = cluster
    this.id = node.id
    this.identity = { privateKeyPem: node.privateKeyPem }
    this.generation = node.generation
    this.#name = node.name
    this.#fs = fs
    this.#lock = lock
    this.#log = log
  }

  /**
   * Opens the directory, makes it if there is none. Rejects with `ERR_DATA_IN_USE` (another process is in it),
   * `ERR_DATA_UNWRITABLE` (rights, space, something else in its place), `ERR_DATA_FOREIGN` (another cluster's, or the
   * key does not fit), `ERR_DATA_VERSION` (a newer release wrote it), `ERR_LOG_CORRUPT` (a file is damaged),
   * `ERR_DISK`.
   */
  static async open(path: string, options: StorageOptions, fs: FileSystem = nodeFileSystem): Promise<DataDirectory> {
    const directory = resolve(path)
    let lock: DirectoryLock | undefined
    try {
      await fs.makeDirectory(directory)
      lock = await lockDirectory(fs, directory)
      const node = await openNodeFiles(fs, directory, options)
      await refuseCondemned(fs, directory, node)
      await finishMove(fs, directory)
      return new DataDirectory(directory, options.cluster, fs, lock, node, await LogFiles.open(fs, directory))
    } catch (error) {
      // Why the directory cannot be used tells more than why, after that, its lock could not be emptied.
      await lock?.release().catch(() => undefined)
      throw openingError(directory, error)
    }
  }

  get name(): string | undefined {
    return this.#name
  }

  writeName(name: string): Promise<void> {
    return this.#inTurn('node.json', async () => {
      if (name !== this.#name) await writeNode(this.#fs, this.path, this.id, this.cluster, name)
      this.#name = name
    })
  }

  storeId(): Promise<string> {
    return this.#inTurn('store.json', () => this.#log.storeId())
  }

  openLog(): Promise<RecoveredLog | undefined> {
    return this.#inTurn('raft.log', async () => {
      const clusterId = (await this.#read('cluster.json', parseCluster))?.clusterId
      return await this.#log.openLog({ nodeId: this.id, ...(clusterId === undefined ? {} : { clusterId }) })
    })
  }

  createLog(header: LogHeader): Promise<RecoveredLog> {
    return this.#inTurn('raft.log', async () => {
      const path = join(this.path, 'raft.log')
      if (header.nodeId !== this.id) throw foreign(path, 'node', this.id, header.nodeId)
      await this.#checkCluster(header.clusterId)
      return await this.#log.createLog(header)
    })
  }

  readForming<State>(parse: (value: unknown) => State | undefined): Promise<State | undefined> {
    return this.#inTurn('forming.json', () => this.#read('forming.json', parse))
  }

  writeForming(state: unknown): Promise<void> {
    return this.#inTurn('forming.json', () => this.#write('forming.json', state))
  }

  readCluster(): Promise<StoredCluster | undefined> {
    return this.#inTurn('cluster.json', () => this.#read('cluster.json', parseCluster))
  }

  writeCluster(cluster: StoredCluster): Promise<void> {
    return this.#inTurn('cluster.json', async () => {
      await this.#checkCluster(cluster.clusterId)
      await this.#write('cluster.json', cluster)
    })
  }

  moveTo(move: StoredMove): Promise<void> {
    return this.#inTurn('moving.json', () => this.#write('moving.json', move))
  }

  readMoves(): Promise<readonly StoredMove[]> {
    return this.#inTurn('moved.json', () => readMoves(this.#fs, this.path))
  }

  condemn(seen: number): Promise<void> {
    return this.#inTurn('rolled-back.json', () => this.#write('rolled-back.json', { seen }))
  }

  readPeers(): Promise<readonly StoredPeer[]> {
    return this.#inTurn('peers.json', async () => (await this.#read('peers.json', parsePeers)) ?? [])
  }

  writePeers(peers: readonly StoredPeer[]): Promise<number> {
    const kept = peers.slice(0, maxRememberedPeers)
    return this.#inTurn('peers.json', async () => {
      await this.#write('peers.json', kept)
      return peers.length - kept.length
    })
  }

  readFencing(): Promise<ReadonlyMap<string, number>> {
    return this.#inTurn('fencing.json', () => this.#fencing())
  }

  raiseFencing(singleton: string, token: number): Promise<number> {
    return this.#inTurn('fencing.json', async () => {
      const tokens = new Map(await this.#fencing())
      const known = tokens.get(singleton)
      if (known !== undefined && known >= token) return known
      tokens.set(singleton, token)
      if (tokens.size > maxFencedSingletons) throw tooManySingletons()
      await this.#write('fencing.json', fencingValue(tokens))
      return token
    })
  }

  readSecret(): Promise<string | undefined> {
    return this.#inTurn('secret', () => readSecretFile(upFiles(this.path).secret, this.#fs))
  }

  readSeeds(): Promise<StoredSeeds | undefined> {
    return this.#inTurn('seeds.json', () => readSeedsFile(upFiles(this.path).seeds, this.#fs))
  }

  close(): Promise<void> {
    this.#closed ??= this.#last.then(() => this.#close())
    return this.#closed
  }

  async #close(): Promise<void> {
    try {
      await this.#log.close()
    } finally {
      await this.#lock.release()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #fencing(): Promise<ReadonlyMap<string, number>> {
    return (await this.#read('fencing.json', parseFencing)) ?? new Map()
  }

  async #checkCluster(clusterId: string): Promise<void> {
    const stored = await this.#read('cluster.json', parseCluster)
    if (stored === undefined || stored.clusterId === clusterId) return
    throw foreign(join(this.path, 'cluster.json'), 'cluster', stored.clusterId, clusterId)
  }

  #read<Value>(file: ValueFile, parse: (value: unknown) => Value | undefined): Promise<Value | undefined> {
    return readChecked(this.#fs, join(this.path, file), parse)
  }

  #write(file: ValueFile, value: unknown): Promise<void> {
    return writeChecked(this.#fs, join(this.path, file), value)
  }

  /** Runs `work` when all calls before it are done, so that two writes never share a temporary file. */
  async #inTurn<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
    if (this.#closed !== undefined) throw new ClusterError('ERR_SHUTTING_DOWN', `${this.path} is closed`, {})
    const result = this.#last.then(work).catch((error: unknown) => {
      throw diskError(join(this.path, file), error)
    })
    // The caller hears of a failure; the next call only waits for its end.
    this.#last = result.catch(() => undefined)
    return await result
  }
}

async function refuseCondemned(fs: FileSystem, directory: string, { id, generation }: NodeFiles): Promise<void> {
  const condemned = await readChecked(fs, join(directory, 'rolled-back.json'), parseCondemned)
  if (condemned !== undefined) throw rolledBack(directory, id, generation, condemned.seen)
}

export function tooManySingletons(): ClusterError<'ERR_BUFFER_FULL'> {
  const message = `fencing tokens of more than ${maxFencedSingletons} singletons`
  return new ClusterError('ERR_BUFFER_FULL', message, { queue: 'fencing', limit: maxFencedSingletons })
}

function fencingValue(tokens: ReadonlyMap<string, number>): unknown {
  return [...tokens].map(([singleton, token]) => ({ singleton, token }))
}
