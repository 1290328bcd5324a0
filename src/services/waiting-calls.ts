// Who waits for an answer, by the id of what was asked. A plain table: ids are counted up and find their place by the remainder, and one whose
// place is taken is left out. A Map does the same, but it is made anew every few calls, and each that has been promoted keeps all
// later ones from the young generation's collector: with many short calls that was a quarter of a caller's time.

export interface Identified {
  readonly id: number
}

const FIRST_SIZE = 64

export class WaitingCalls<Waiting extends Identified> implements Iterable<Waiting> {
  #places: (Waiting | undefined)[] = new Array(FIRST_SIZE).fill(undefined)
  #count = 0
  #nextId = 1

  /** An id that is in no use, and was never given before. It stays free until {@link add}. */
  next(): number {
    while (this.#places[this.#nextId % this.#places.length] !== undefined) this.#nextId += 1
    return this.#nextId++
  }

  /** `waiting.id` is the last that {@link next} gave. */
  add(waiting: Waiting): void {
    this.#places[waiting.id % this.#places.length] = waiting
    this.#count += 1
    if (this.#count * 2 > this.#places.length) this.#grow()
  }

  get(id: number): Waiting | undefined {
    const waiting = this.#places[id % this.#places.length]
    return waiting?.id === id ? waiting : undefined
  }

  /** False: it waits no more. */
  delete(id: number): boolean {
    if (this.get(id) === undefined) return false
    this.#places[id % this.#places.length] = undefined
    this.#count -= 1
    return true
  }

  /** All that wait now, whatever is added or deleted meanwhile. */
  [Symbol.iterator](): Iterator<Waiting> {
    return this.#places.filter((waiting) => waiting !== undefined)[Symbol.iterator]()
  }

  /** Ids that differ by their remainder do so with twice as many places, too. */
  #grow(): void {
    const before = this.#places
    this.#places = new Array(before.length * 2).fill(undefined)
    for (const waiting of before) if (waiting) this.#places[waiting.id % this.#places.length] = waiting
  }
}
