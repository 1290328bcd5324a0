// Who has whom for neighbors, as the members themselves say: enough to know the next hop to anybody, and to see that a
// part of the overlay cannot be reached. Link state, as in OSPF (RFC 2328), made small: each member's list replaces its
// former one, and a link counts when both its ends say so.

import type { MemberId } from '../types.ts'
import type { Adjacency } from './messages.ts'

export class Adjacencies {
  readonly #known = new Map<MemberId, Adjacency>()
  /** First hop by destination; undefined once something has changed. */
  #hops: ReadonlyMap<MemberId, MemberId> | undefined
  #digest = 0

  /** Of everything known, the same for all who know the same, in whatever order they heard it. */
  get digest(): number {
    return this.#digest >>> 0
  }

  all(): readonly Adjacency[] {
    return [...this.#known.values()]
  }

  get(id: MemberId): Adjacency | undefined {
    return this.#known.get(id)
  }

  /** False: this was known, or something newer. */
  learn(adjacency: Adjacency): boolean {
    const known = this.#known.get(adjacency.id)
    if (known && !isNewer(adjacency, known)) return false
    this.forget(adjacency.id)
    this.#known.set(adjacency.id, adjacency)
    this.#digest ^= digestOf(adjacency)
    this.#hops = undefined
    return true
  }

  forget(id: MemberId): void {
    const known = this.#known.get(id)
    if (!known) return
    this.#known.delete(id)
    this.#digest ^= digestOf(known)
    this.#hops = undefined
  }

  clear(): void {
    for (const id of [...this.#known.keys()]) this.forget(id)
  }

  /** The neighbors of `self` have changed. */
  changed(): void {
    this.#hops = undefined
  }

  /**
   * For everybody that can be reached from `self` over its present neighbors: through which of them, on a shortest way.
   */
  hops(self: MemberId, neighbors: Iterable<MemberId>): ReadonlyMap<MemberId, MemberId> {
    if (this.#hops) return this.#hops
    const hops = new Map<MemberId, MemberId>()
    let border: MemberId[] = []
    for (const neighbor of neighbors) {
      hops.set(neighbor, neighbor)
      border.push(neighbor)
    }
    while (border.length > 0) {
      const beyond: MemberId[] = []
      for (const at of border)
        for (const next of this.#neighborsOf(at)) {
          if (next === self || hops.has(next)) continue
          hops.set(next, hops.get(at) as MemberId)
          beyond.push(next)
        }
      border = beyond
    }
    this.#hops = hops
    return hops
  }

  #neighborsOf(id: MemberId): readonly MemberId[] {
    const claimed = this.#known.get(id)?.neighbors ?? []
    return claimed.filter((other) => this.#known.get(other)?.neighbors.includes(id))
  }
}

function isNewer(one: Adjacency, other: Adjacency): boolean {
  return one.generation === other.generation ? one.sequence > other.sequence : one.generation > other.generation
}

/** 32 bits that depend on the id and on which list of it this is (FNV-1a). */
function digestOf({ id, generation, sequence }: Adjacency): number {
  let value = 0x811c9dc5
  for (let index = 0; index < id.length; index++) value = Math.imul(value ^ id.charCodeAt(index), 0x01000193)
  for (const number of [generation, sequence]) value = Math.imul(value ^ (number % 0x1_0000_0000), 0x01000193)
  return value >>> 0
}
