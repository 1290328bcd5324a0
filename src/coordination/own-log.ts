// This node's own log: the one its disk holds, the one a founder begins with, or an empty one to learn with.

import { ClusterError } from '../errors.ts'
import type { Self } from '../self.ts'
import type { NodeStorage, RecoveredLog, StoredCluster } from '../storage/node-storage.ts'

export class OwnLog {
  readonly #storage: NodeStorage
  readonly #self: Self
  readonly #cluster: StoredCluster

  constructor(storage: NodeStorage, self: Self, cluster: StoredCluster) {
    this.#storage = storage
    this.#self = self
    this.#cluster = cluster
  }

  /** What the disk holds, or a new one if this node, with this store id, founds the cluster as a voter. */
  async open(): Promise<RecoveredLog | undefined> {
    const { id, storeId } = this.#self
    const { voters } = this.#cluster
    const isVoter = voters.some((voter) => voter.id === id && voter.storeId === storeId)
    return (await this.#kept()) ?? (isVoter ? await this.#create(voters) : undefined)
  }

  /**
   * For a leader that sends this node the log. One that is made for it begins without voters: it has no vote until it
   * is told so.
   */
  async learn(): Promise<RecoveredLog> {
    return (await this.#kept()) ?? (await this.#create([]))
  }

  /**
   * A directory whose making was cut off, of a restored cluster say, has a log and does not know its cluster yet: it
   * becomes no part of another one.
   */
  async #kept(): Promise<RecoveredLog | undefined> {
    const log = await this.#storage.openLog()
    const { clusterId } = this.#cluster
    if (!log || log.header.clusterId === clusterId) return log
    const found = log.header.clusterId
    await log.close()
    const details = { path: 'raft.log', expected: clusterId, found }
    const message = `the log in the data directory belongs to another cluster: expected ${clusterId}, found ${found}`
    throw new ClusterError('ERR_DATA_FOREIGN', message, details)
  }

  #create(voters: StoredCluster['voters']): Promise<RecoveredLog> {
    const { id: nodeId, storeId } = this.#self
    return this.#storage.createLog({ clusterId: this.#cluster.clusterId, nodeId, storeId, voters })
  }
}
