// Writes down whom this node knows, so that a restart finds its cluster without seeds (design rule 15). Changes come in
// bursts; the disk sees at most two a second.

import type { MemberRecord } from '../../topology/index.ts'
import type { NodeStorage } from '../storage/node-storage.ts'

const WRITE_DELAY_MS = 500

export interface RememberedPeersOptions {
  readonly self: string
  readonly storage: NodeStorage
  readonly members: () => readonly MemberRecord[]
  readonly isVoter: (id: string) => boolean
  readonly onFailure: (error: unknown) => void
}

export class RememberedPeers {
  readonly #options: RememberedPeersOptions
  #timer: NodeJS.Timeout | undefined

  constructor(options: RememberedPeersOptions) {
    this.#options = options
  }

  /** Something changed. */
  touch(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#options.storage.writePeers(this.#peers()).catch(this.#options.onFailure)
    }, WRITE_DELAY_MS)
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  /** Voters first: they are what a cut list must still hold. */
  #peers(): { id: string; name: string; address: string }[] {
    const { self, members, isVoter } = this.#options
    const others = members().filter(({ id, state }) => id !== self && state !== 'left')
    const sorted = [...others.filter(({ id }) => isVoter(id)), ...others.filter(({ id }) => !isVoter(id))]
    return sorted.map(({ id, name, address }) => ({ id, name, address }))
  }
}
