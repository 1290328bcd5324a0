// Writes down whom this node knows, so that a restart finds its cluster without seeds (design rule 15). Whoever an
// earlier life knew stays written down until this one learns better: they may be away now, and the only ones left
// later. Changes come in bursts: the first is written as soon as its turn is over, for the process may be killed the
// next moment, and then at most two a second. Those with whom this node forms its cluster, or by whom it joins one, do
// not wait even for that: a node that remembers its cluster and nobody in it would never find it again.

import type { MemberRecord, SwimEvent } from '../../topology/index.ts'
import type { Time, Timer } from '../runtime/clock.ts'
import type { NodeStorage, StoredPeer } from '../storage/node-storage.ts'

const WRITE_INTERVAL_MS = 500

export interface RememberedPeersOptions {
  readonly clock: Time
  readonly self: string
  readonly storage: NodeStorage
  readonly members: () => readonly MemberRecord[]
  readonly isVoter: (id: string) => boolean
  readonly onFailure: (error: unknown) => void
}

export class RememberedPeers {
  readonly #options: RememberedPeersOptions
  readonly #known = new Map<string, StoredPeer>()
  /** Runs while a write is due, or was a moment ago. */
  #timer: Timer | undefined
  #isDue = false
  #isClosed = false

  constructor(options: RememberedPeersOptions) {
    this.#options = options
  }

  /** Takes up what an earlier life wrote down. */
  async recall(): Promise<readonly StoredPeer[]> {
    const peers = await this.#options.storage.readPeers()
    for (const peer of peers) this.#known.set(peer.id, peer)
    return peers
  }

  /** For those that have not been heard of in this life. */
  name(id: string): string | undefined {
    return this.#known.get(id)?.name
  }

  /** Where it was last known to be. */
  address(id: string): string | undefined {
    return this.#known.get(id)?.address
  }

  /** Resolves when those at the other ends of `links` are on the disk with all the others. */
  async meet(links: readonly { readonly peer: StoredPeer }[]): Promise<void> {
    for (const { peer } of links) this.#know(peer)
    await this.#write()
  }

  /** A member of the cluster is linked; the table may not know it yet. */
  note(peer: StoredPeer): void {
    this.#know(peer)
    this.#touch()
  }

  /** The member table changed. */
  follow(event: Extract<SwimEvent, { type: 'member' | 'forgotten' }>): void {
    if (event.type === 'forgotten') this.forget(event.member.id)
    else this.#touch()
  }

  /** It is to be found no more at the address that was written down. */
  forget(id: string): void {
    this.#known.delete(id)
    this.#touch()
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.[Symbol.dispose]()
  }

  #know({ id, name, address }: StoredPeer): void {
    this.#known.set(id, { id, name, address })
  }

  #touch(): void {
    if (this.#isDue || this.#isClosed) return
    this.#isDue = true
    // All that one message tells is told in one turn: it makes one write.
    if (this.#timer === undefined) queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    this.#timer = undefined
    if (!this.#isDue || this.#isClosed) return
    this.#isDue = false
    this.#timer = this.#options.clock.setTimeout(() => this.#flush(), WRITE_INTERVAL_MS)
    this.#write().catch(this.#options.onFailure)
  }

  async #write(): Promise<void> {
    const { self, storage, members, isVoter } = this.#options
    for (const record of members()) {
      const { id, state } = record
      if (id === self || (state === 'left' && !isVoter(id))) this.#known.delete(id)
      else this.#know(record)
    }
    await storage.writePeers(this.#votersFirst())
  }

  /** A list that is cut must still hold the voters. */
  #votersFirst(): StoredPeer[] {
    const { isVoter } = this.#options
    const peers = [...this.#known.values()]
    return [...peers.filter(({ id }) => isVoter(id)), ...peers.filter(({ id }) => !isVoter(id))]
  }
}
