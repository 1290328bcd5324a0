// Who may link up, once it has proven the secret: no earlier or second copy of a member (design rule 7), no second claimant of a
// name whose holder is here (rule 8). What cannot be known for sure is left to the log, which decides admissions.

import type { MemberRecord } from '../../topology/index.ts'
import type { Refusal } from '../wire/handshake.ts'
import type { Hello } from '../wire/hello.ts'

/** Lives remembered, one per id. Past that the oldest is forgotten: then only the member table protects against its copies. */
const MAX_REMEMBERED_LIVES = 16_384

export interface PeerPolicyOptions {
  readonly self: { readonly id: string; readonly name: () => string }
  /** This node's own name is bound to it, as the log has said in this life. */
  readonly isAdmitted: () => boolean
  readonly isStopping: () => boolean
  readonly member: (id: string) => MemberRecord | undefined
  /** Hellos of the peers that are linked now. */
  readonly linked: () => readonly Hello[]
}

interface Life {
  readonly generation: number
  readonly instance: string
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
    this.#lives.set(peer.id, { generation: peer.generation, instance: instanceOf(peer) })
    for (const oldest of this.#lives.keys()) {
      if (this.#lives.size <= MAX_REMEMBERED_LIVES) break
      this.#lives.delete(oldest)
    }
  }

  #judgeLife(peer: Hello): Refusal | undefined {
    const life = this.#lives.get(peer.id)
    const heard = this.#options.member(peer.id)?.incarnation.generation ?? 0
    const seen = Math.max(life?.generation ?? 0, heard)
    const isOlder = peer.generation < seen
    const isCopy = life?.generation === peer.generation && life.instance !== instanceOf(peer)
    return isOlder || isCopy ? { code: 'rolled-back', detail: String(seen) } : undefined
  }

  #judgeName(peer: Hello): Refusal | undefined {
    const { self, isAdmitted, linked, member } = this.#options
    const taken: Refusal = { code: 'name-taken', detail: '' }
    if (peer.name === self.name()) {
      if (isAdmitted()) return { ...taken, detail: self.id }
      // Two that nobody has admitted yet: the lower id keeps the name, so that exactly one of them gives up.
      return peer.fresh && peer.id > self.id ? { ...taken, detail: self.id } : undefined
    }
    const rival = linked().find(({ id, name }) => name === peer.name && id !== peer.id)
    if (!rival) return undefined
    const isHolder = member(rival.id)?.state === 'alive'
    const isLower = rival.fresh && peer.fresh && rival.id < peer.id
    return isHolder || isLower ? { ...taken, detail: rival.id } : undefined
  }
}

function instanceOf(peer: Hello): string {
  return Buffer.from(peer.instance).toString('hex')
}
