// Virtual time: a binary heap of things to do, run in order of their time, ties in the order they were planned. Nothing
// else in the simulator knows what comes next, so a run has no other source of order.

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

/** The queue of everything that will happen, and the true time of the simulated world in milliseconds. */
export class Schedule {
  readonly #heap: Planned[] = []
  #order = 0
  #now = 0

  /** True time, which no node can read: nodes have clocks of their own. */
  get now(): number {
    return this.#now
  }

  /** How many things are planned. */
  get size(): number {
    return this.#heap.length
  }

  /** Plans `run` for `at`; a time that has passed means now. */
  at(at: number, run: () => void): void {
    this.#push({ at: Math.max(at, this.#now), order: this.#order++, run })
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.#now + delayMs, run)
  }

  /** Runs the earliest thing planned; answers false when nothing is. */
  step(): boolean {
    const next = this.#pop()
    if (next === undefined) return false
    this.#now = next.at
    next.run()
    return true
  }

  #push(planned: Planned): void {
    const heap = this.#heap
    let hole = heap.length
    heap.push(planned)
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = heap[parent] as Planned
      if (isBefore(above, planned)) break
      heap[hole] = above
      hole = parent
    }
    heap[hole] = planned
  }

  #pop(): Planned | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Planned, heap[child] as Planned)) child++
      const below = heap[child] as Planned
      if (isBefore(last, below)) break
      heap[hole] = below
      hole = child
    }
    heap[hole] = last
    return first
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
