// Who waits for an answer, by the id of what was asked. A plain table: ids are counted up and find their place by the
// remainder; whoever finds it taken, by one who has waited for long, stands beside it. A Map does the same, but it is
// made anew every few entries, and each that has been promoted keeps all later ones from the young generation's
// collector: with many short calls that was a quarter of a caller's time.

export interface Identified {
  readonly id: number
}

const FIRST_SIZE = 64

export class WaitingById<Waiting extends Identified> implements Iterable<Waiting> {
  #places: (Waiting | undefined)[] = new Array(FIRST_SIZE).fill(undefined)
  /** Whose place was taken. */
  readonly #beside = new Map<number, Waiting>()
  #count = 0

  /** Ids are whole numbers above zero, counted up; nobody else waits by this one. */
  add(waiting: Waiting): void {
    this.#put(waiting)
    this.#count += 1
    if (this.#count * 2 > this.#places.length) this.#grow()
  }

  get(id: number): Waiting | undefined {
    const waiting = this.#places[id % this.#places.length]
    return waiting?.id === id ? waiting : this.#beside.get(id)
  }

  /** False: it waits no more. */
  delete(id: number): boolean {
    const place = id % this.#places.length
    if (this.#places[place]?.id === id) this.#places[place] = undefined
    else if (!this.#beside.delete(id)) return false
    this.#count -= 1
    return true
  }

  /** All that wait now, whatever is added or deleted meanwhile. */
  [Symbol.iterator](): Iterator<Waiting> {
    const placed = this.#places.filter((waiting) => waiting !== undefined)
    return [...placed, ...this.#beside.values()][Symbol.iterator]()
  }

  #put(waiting: Waiting): void {
    const place = waiting.id % this.#places.length
    if (this.#places[place] === undefined) this.#places[place] = waiting
    else this.#beside.set(waiting.id, waiting)
  }

  #grow(): void {
    const all = [...this]
    this.#places = new Array(this.#places.length * 2).fill(undefined)
    this.#beside.clear()
    for (const waiting of all) this.#put(waiting)
  }
}
