// Those who are linked to this node and in its cluster: whom it can ask, whether all of them are known to be admitted,
// and, of a leader, what it knows of who holds a name.

import type { MemberRecord } from '../../topology/index.ts'
import type { Peers } from '../links/peers.ts'
import type { Time } from '../runtime/clock.ts'
import { type HolderState, holderState } from './admission.ts'

/**
 * Those who came together are admitted within some round trips of each other; one that is not must not keep the others
 * from their work.
 */
const GRACE_MS = 1_000

export interface CompanionsOptions {
  readonly clock: Time
  readonly self: string
  readonly peers: Pick<Peers, 'companions' | 'links'>
  /** Ids of those with whom this node founded its cluster. */
  readonly founders: () => readonly string[] | undefined
  /** Undefined for who is not known to be admitted. */
  readonly member: (id: string) => MemberRecord | undefined
}

export class Companions {
  readonly #options: CompanionsOptions
  #enteredAt = 0

  constructor(options: CompanionsOptions) {
    this.#options = options
  }

  /** This node is in its cluster from now on. */
  entered(): void {
    this.#enteredAt = this.#options.clock.now()
  }

  get ids(): string[] {
    return this.#options.peers.companions().map(({ peer }) => peer.id)
  }

  /** False for a moment after this node came, while one of them is not known to be admitted. */
  get areKnown(): boolean {
    const { peers, founders, member } = this.#options
    if (this.#knownForMs >= GRACE_MS) return true
    return peers.companions(founders()).every(({ peer }) => member(peer.id) !== undefined)
  }

  /** What this node, as leader, knows of who holds a name (design rule 8). */
  stateOf(holder: string): HolderState {
    const { self, peers, member } = this.#options
    const isHere = holder === self || peers.links.get(holder) !== undefined
    return holderState(member(holder), isHere, this.#knownForMs)
  }

  get #knownForMs(): number {
    return this.#options.clock.now() - this.#enteredAt
  }
}
