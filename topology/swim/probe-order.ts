// Whom to probe next: round-robin over a shuffled list, shuffled anew after each pass (SWIM section 4.3). So every
// neighbor is probed within two passes, where a random choice could leave one out for long.

import type { MemberId, Random } from '../types.ts'

export class ProbeOrder {
  readonly #random: Random
  #neighbors = new Set<MemberId>()
  /** The pass that is running; the next one is at `#position`. */
  #pass: MemberId[] = []
  #position = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Replaces the neighbors. New ones join the running pass at a random place of what is left of it. */
  update(neighbors: Iterable<MemberId>): void {
    const next = new Set(neighbors)
    const rest = this.#pass.slice(this.#position).filter((id) => next.has(id))
    for (const id of next) {
      if (!this.#neighbors.has(id)) rest.splice(Math.floor(this.#random() * (rest.length + 1)), 0, id)
    }
    this.#neighbors = next
    this.#pass = rest
    this.#position = 0
  }

  /** The next neighbor that `isProbeable` accepts; undefined when there is none. */
  next(isProbeable: (id: MemberId) => boolean): MemberId | undefined {
    const next = this.#nextOfPass(isProbeable)
    if (next !== undefined) return next
    this.#shuffle()
    return this.#nextOfPass(isProbeable)
  }

  #nextOfPass(isProbeable: (id: MemberId) => boolean): MemberId | undefined {
    while (this.#position < this.#pass.length) {
      const id = this.#pass[this.#position++]
      if (id !== undefined && isProbeable(id)) return id
    }
    return undefined
  }

  #shuffle(): void {
    this.#pass = [...this.#neighbors]
    this.#position = 0
    for (let last = this.#pass.length - 1; last > 0; last--) {
      const other = Math.floor(this.#random() * (last + 1))
      const id = this.#pass[last] as MemberId
      this.#pass[last] = this.#pass[other] as MemberId
      this.#pass[other] = id
    }
  }
}
