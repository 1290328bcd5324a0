// The candidates in reserve (section 4.1): bounded, none twice, each with the number of shuffles since the member
// itself said that it is there. What is old goes first, and what nobody has vouched for in a long time goes in any
// case.

import { sample } from '../swim/sample.ts'
import type { MemberId, Random } from '../types.ts'
import type { Candidate } from './messages.ts'

export class PassiveView {
  readonly #size: number
  readonly #random: Random
  /** Age by id. */
  readonly #entries = new Map<MemberId, number>()

  constructor(size: number, random: Random) {
    this.#size = size
    this.#random = random
  }

  get size(): number {
    return this.#entries.size
  }

  get isFull(): boolean {
    return this.#entries.size >= this.#size
  }

  has(id: MemberId): boolean {
    return this.#entries.has(id)
  }

  ids(): readonly MemberId[] {
    return [...this.#entries.keys()]
  }

  /**
   * Keeps `id`, or the younger age of it. Full: the first of `replaceable` that is here makes room, else the oldest
   * (section 4.4).
   */
  add(id: MemberId, age: number, replaceable: Set<MemberId> = new Set()): void {
    const known = this.#entries.get(id)
    if (known !== undefined) {
      if (age < known) this.#entries.set(id, age)
      return
    }
    if (this.isFull) this.#entries.delete(this.#leastWorth(replaceable))
    this.#entries.set(id, age)
  }

  delete(id: MemberId): void {
    this.#entries.delete(id)
  }

  /** One more shuffle has passed. */
  grow(maxAge: number): void {
    for (const [id, age] of this.#entries) {
      if (age >= maxAge) this.#entries.delete(id)
      else this.#entries.set(id, age + 1)
    }
  }

  /** Up to `count` entries, each equally likely. */
  sample(count: number): Candidate[] {
    return sample(this.#entries, count, this.#random).map(([id, age]) => ({ id, age }))
  }

  /** One entry that `isWelcome`, each equally likely. */
  pick(isWelcome: (id: MemberId) => boolean): MemberId | undefined {
    return sample([...this.#entries.keys()].filter(isWelcome), 1, this.#random)[0]
  }

  #leastWorth(replaceable: Set<MemberId>): MemberId {
    for (const id of replaceable) {
      replaceable.delete(id)
      if (this.#entries.has(id)) return id
    }
    let oldest: MemberId[] = []
    let most = -1
    for (const [id, age] of this.#entries) {
      if (age > most) oldest = []
      if (age >= most) oldest.push(id)
      most = Math.max(most, age)
    }
    return oldest[Math.floor(this.#random() * oldest.length)] as MemberId
  }
}
