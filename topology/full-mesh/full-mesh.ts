// The simplest overlay: every member is a neighbor, so every message takes one hop. Links grow with the square of the
// cluster; up to some dozens of members that is the cheapest thing there is.
//
// Who dials: of two members the one with the lower id, at once. The other waits a grace period and then dials too, so
// that a pair links even when only one direction can be dialed (a firewall, an address behind translation).

import { invariant } from '../invariant.ts'
import type { Connectivity, Overlay, OverlayDefinition, OverlayEffect, OverlayInput } from '../overlay.ts'
import { type NumberRule, numberProblems } from '../parameters.ts'
import type { MemberId, MemberRecord, MemberState } from '../types.ts'

/** What the full mesh may be tuned by. */
export interface FullMeshOptions {
  /**
   * Milliseconds the member with the higher id leaves to the other before it dials too. Default 500. Range 0 to 60,000.
   * Zero: both dial, and one of two links is closed again. Long: a pair of which only the higher id can dial links
   * late.
   */
  readonly dialGraceMs: number
  /**
   * Links wanted at most. Default 11,000: everyone that membership remembers. Range: 1 to 1,000,000. Members beyond it
   * are left out, those that are down first, so a small number leaves a mesh with holes.
   */
  readonly maxLinks: number
}

const defaults: FullMeshOptions = Object.freeze({ dialGraceMs: 500, maxLinks: 11_000 })

const rules: readonly NumberRule<FullMeshOptions>[] = [
  ['dialGraceMs', 'real', 0, 60_000],
  ['maxLinks', 'whole', 1, 1_000_000],
]

/** Whom to dial first: who surely answers, then who may, then who is re-dialed in hope. */
const dialRanks: Record<Exclude<MemberState, 'left'>, number> = { alive: 0, suspect: 1, down: 2 }

type Effects = OverlayEffect<never, never>[]
type Wanted = MemberRecord & { readonly state: keyof typeof dialRanks }

/** The overlay in which every member is a neighbor. */
export class FullMesh implements Overlay {
  readonly name = 'full-mesh'
  readonly capacity: number
  readonly #self: MemberId
  readonly #options: FullMeshOptions
  /** Others that are alive or only suspected. */
  #alive = 0
  /** In the order of dialing. */
  #wanted = new Set<MemberId>()
  readonly #linked = new Set<MemberId>()

  /** `self` is this member's id. Throws an `InvariantError` when the options are out of range. */
  constructor(self: MemberId, changes: Partial<FullMeshOptions> = {}) {
    this.#self = self
    this.#options = { ...defaults, ...changes }
    const problems = numberProblems('full-mesh', rules, this.#options)
    invariant(problems.length === 0, problems.join('; '))
    this.capacity = this.#options.maxLinks
  }

  step(input: OverlayInput<never>, _now: number): Effects {
    switch (input.type) {
      case 'members':
        return this.#setMembers(input.members)
      case 'connected':
        // Also from a member believed to have left: it may be a new life of it, of which membership is about to hear.
        this.#linked.add(input.peer)
        return []
      case 'disconnected':
        this.#linked.delete(input.peer)
        return this.#wanted.has(input.peer) ? [this.#link(input.peer)] : []
      case 'message':
      case 'timer':
      case 'voters':
      case 'unreachable':
        return []
      default:
        input satisfies never
        return []
    }
  }

  neighbors(): readonly MemberId[] {
    return [...this.#wanted]
  }

  nextHop(to: MemberId): MemberId | undefined {
    return this.#wanted.has(to) && this.#linked.has(to) ? to : undefined
  }

  connectivity(): Connectivity {
    const target = Math.min(this.#alive, this.capacity)
    let linked = 0
    for (const peer of this.#wanted) if (this.#linked.has(peer)) linked++
    return { target, linked, isIsolated: target > 0 && linked === 0 }
  }

  /** Members that are down stay wanted: dialing them again and again is what heals a partition. */
  #setMembers(members: readonly MemberRecord[]): Effects {
    const before = this.#wanted
    const wanted = members
      .filter((member): member is Wanted => member.id !== this.#self && member.state !== 'left')
      .sort((left, right) => dialRanks[left.state] - dialRanks[right.state])
    this.#alive = wanted.filter(({ state }) => state !== 'down').length
    this.#wanted = new Set(wanted.slice(0, this.#options.maxLinks).map((member) => member.id))
    const effects: Effects = []
    for (const peer of before) if (!this.#wanted.has(peer)) effects.push({ type: 'unlink', peer })
    for (const peer of this.#wanted) if (!before.has(peer)) effects.push(this.#link(peer))
    return effects
  }

  #link(peer: MemberId): Effects[number] {
    return { type: 'link', peer, after: this.#self < peer ? 0 : this.#options.dialGraceMs }
  }
}

/** The full mesh as a kind of overlay: no parameter is needed, every set of members can form it. */
export const fullMesh: OverlayDefinition = {
  name: 'full-mesh',
  problems: (parameters) => numberProblems('full-mesh', rules, parameters, defaults),
  refusal: () => undefined,
  estimate: (members) => {
    const others = Math.max(0, members.filter(({ state }) => state !== 'left').length - 1)
    return { links: ((others + 1) * others) / 2, linksPerMember: others, hops: Math.min(1, others) }
  },
  create: ({ self, parameters }) => new FullMesh(self, parameters),
  codec: undefined,
}
