// A sign of life of one node, under a lease: it says which cluster of members uses the prefix. Two clusters in one
// place would share their locks and have one S5 between them, so the second to come is refused, loudly, for as long as
// a member of the first one lives.

import { ClusterError } from '../../errors.ts'
import type { Timer } from '../../runtime/clock.ts'
import { pause } from '../../wait.ts'
import type { EngineSetup } from '../store.ts'
import type { EtcdClient } from './client.ts'
import type { Keys } from './keys.ts'

const LEASE_MS = 6_000
const RENEW_MS = LEASE_MS / 3
const RENEW_TIMEOUT_MS = 2_000
/** Members of a cluster that was killed as a whole are seen for as long as their leases last. */
const PATIENCE_MS = LEASE_MS + 2_000
const LOOK_AGAIN_MS = 500

export class Presence {
  readonly #client: EtcdClient
  readonly #keys: Keys
  readonly #setup: EngineSetup
  #lease: string | undefined
  #clusterId = ''
  #renewing: Timer | undefined
  #isLeft = false

  constructor(client: EtcdClient, keys: Keys, setup: EngineSetup) {
    this.#client = client
    this.#keys = keys
    this.#setup = setup
  }

  /** From now on, until {@link leave}. */
  async show(): Promise<void> {
    this.#lease = (await this.#client.grant('etcd.open', LEASE_MS)).ID
    await this.#write()
    this.#plan()
  }

  /** Rejects with `ERR_FOREIGN_CLUSTER` while members of another cluster live here. */
  async enter(clusterId: string, signal: AbortSignal): Promise<void> {
    this.#clusterId = clusterId
    await this.#write()
    const deadline = this.#setup.clock.now() + PATIENCE_MS
    while (!signal.aborted) {
      const { kvs } = await this.#client.range('etcd.open', this.#keys.members)
      const others = kvs.map(({ value }) => value.toString('utf8')).filter((id) => id !== '' && id !== clusterId)
      const [theirs] = others
      if (theirs === undefined) return
      if (this.#setup.clock.now() >= deadline) {
        const message = `members of another cluster, ${theirs}, live under '${this.#keys.prefix}' in etcd`
        const details = { address: this.#client.hosts.join(), ours: clusterId, theirs }
        throw new ClusterError('ERR_FOREIGN_CLUSTER', message, details)
      }
      await pause(this.#setup.clock, LOOK_AGAIN_MS, signal)
    }
  }

  async leave(): Promise<void> {
    this.#isLeft = true
    this.#renewing?.[Symbol.dispose]()
    if (this.#lease !== undefined) await this.#client.revoke(this.#lease)
  }

  async #write(): Promise<void> {
    const put = { key: this.#keys.member(this.#setup.nodeId), value: Buffer.from(this.#clusterId), lease: this.#lease! }
    await this.#client.txn('etcd.open', { success: [{ request_put: put }] })
  }

  #plan(): void {
    if (this.#isLeft) return
    this.#renewing = this.#setup.clock.setTimeout(() => void this.#renew(), RENEW_MS)
  }

  async #renew(): Promise<void> {
    try {
      const isThere = await this.#client.keepAlive(this.#lease!, RENEW_TIMEOUT_MS)
      // The process was stopped for longer than its lease.
      if (!isThere && !this.#isLeft) {
        this.#lease = (await this.#client.grant('etcd.open', LEASE_MS)).ID
        await this.#write()
      }
    } catch {
      // etcd is out of reach; the next time, perhaps.
    }
    this.#plan()
  }
}
