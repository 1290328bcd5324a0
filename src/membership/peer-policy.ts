// Who may link up, once it has proven the secret: no earlier or second copy of a member (design rule 7), and of two
// fresh nodes with one name only one. Once there is a cluster its log decides who holds a name (rule 8): peers may be
// out of date.

import type { MemberRecord } from '../../topology/index.ts'
import type { Refusal } from '../wire/handshake.ts'
import type { Hello } from '../wire/hello.ts'
import { evidenceOf } from '../wire/signed-record.ts'
import { SIGNED_VERSION } from '../wire/versions.ts'

/**
 * Lives remembered, one per id. Past that the oldest is forgotten: then only the member table protects against its
 * copies.
 */
const MAX_REMEMBERED_LIVES = 16_384

export interface PeerPolicyOptions {
  readonly self: { readonly id: string; readonly name: () => string }
  /** This node knows its cluster. */
  readonly isInCluster: () => boolean
  readonly isStopping: () => boolean
  readonly member: (id: string) => MemberRecord | undefined
  /** Hellos of the peers that are linked now, and were heard of late. */
  readonly linked: () => readonly Hello[]
}

interface Life {
  readonly generation: number
  readonly instance: string
  /** That it has begun: its own word, as it came in its hello. */
  readonly evidence: Uint8Array | undefined
}

export class PeerPolicy {
  readonly #options: PeerPolicyOptions
  readonly #lives = new Map<string, Life>()

  constructor(options: PeerPolicyOptions) {
    this.#options = options
  }

  /** Undefined: welcome. */
  judge(peer: Hello): Refusal | undefined {
    if (this.#options.isStopping()) return { code: 'going-down', detail: '' }
    return this.#judgeLife(peer) ?? this.#judgeName(peer)
  }

  /** A link to this life of `peer` is up. */
  remember(peer: Hello): void {
    this.#lives.delete(peer.id)
    const { id, generation, evidence } = peer
    this.#lives.set(id, { generation, instance: instanceOf(peer), evidence: evidence && new Uint8Array(evidence) })
    for (const oldest of this.#lives.keys()) {
      if (this.#lives.size <= MAX_REMEMBERED_LIVES) break
      this.#lives.delete(oldest)
    }
  }

  #judgeLife(peer: Hello): Refusal | undefined {
    const life = this.#lives.get(peer.id)
    const record = this.#options.member(peer.id)
    // Of who signs, what others say without its signature may be a lie.
    const isItsWord = record?.signature !== undefined || peer.versionMax < SIGNED_VERSION
    const heard = record && isItsWord ? record.incarnation.generation : 0
    const seen = Math.max(life?.generation ?? 0, heard)
    const isOlder = peer.generation < seen
    const isCopy = life?.generation === peer.generation && life.instance !== instanceOf(peer)
    if (!isOlder && !isCopy) return undefined
    // That life may have ended before its record came, and the record of one life proves nothing to it.
    const isOfLink = isCopy || life?.generation === seen
    const evidence = (isOfLink ? life?.evidence : undefined) ?? (record && evidenceOf(record))
    return { code: 'rolled-back', detail: String(seen), ...(evidence ? { evidence } : {}) }
  }

  /**
   * Two fresh nodes with one name: the lower id keeps it, so that exactly one gives up. As soon as there is a cluster
   * its log decides who holds a name, and tells the other.
   */
  #judgeName(peer: Hello): Refusal | undefined {
    const { self, isInCluster, linked } = this.#options
    if (isInCluster() || !peer.fresh) return undefined
    const claimants = [{ id: self.id, name: self.name() }, ...linked().filter(({ fresh }) => fresh)]
    const rival = claimants.find(({ id, name }) => name === peer.name && id < peer.id)
    return rival && { code: 'name-taken', detail: rival.id }
  }
}

function instanceOf(peer: Hello): string {
  return Buffer.from(peer.instance).toString('hex')
}
