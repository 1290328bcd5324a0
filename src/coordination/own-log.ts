// This node's own log: the one its disk holds, the one a founder begins with, or an empty one to learn with.

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
    return (await this.#storage.openLog()) ?? (isVoter ? await this.#create(voters) : undefined)
  }

  /** For a leader that sends this node the log. One that is made for it begins without voters: it has no vote until it is told so. */
  async learn(): Promise<RecoveredLog> {
    return (await this.#storage.openLog()) ?? (await this.#create([]))
  }

  #create(voters: StoredCluster['voters']): Promise<RecoveredLog> {
    const { id: nodeId, storeId } = this.#self
    return this.#storage.createLog({ clusterId: this.#cluster.clusterId, nodeId, storeId, voters })
  }
}
