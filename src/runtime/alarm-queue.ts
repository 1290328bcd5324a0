// What is to happen at a time, the earliest first: a binary heap. Most of it is moved to a later time or called off before it is due, so that costs
// nothing here: an entry stays where it was first put, and whoever takes it looks at what is asked for by then.

interface Entry {
  readonly at: number
  readonly alarm: QueuedAlarm
}

/** One thing that may be planned. */
export class QueuedAlarm {
  readonly work: () => void
  /** When it is to happen; undefined: not at all. */
  at: number | undefined
  /** Time of its earliest entry in the queue. */
  plannedFor = Number.POSITIVE_INFINITY

  constructor(work: () => void) {
    this.work = work
  }
}

export class AlarmQueue {
  readonly #heap: Entry[] = []

  /** What is asked for by `alarm.at` is found in time. */
  put(alarm: QueuedAlarm): void {
    if (alarm.at === undefined || alarm.at >= alarm.plannedFor) return
    alarm.plannedFor = alarm.at
    this.#push({ at: alarm.at, alarm })
  }

  /** When the next is due; `Infinity` when none is. */
  next(): number {
    for (;;) {
      const first = this.#heap[0]
      if (first === undefined) return Number.POSITIVE_INFINITY
      const { at, alarm } = first
      if (alarm.plannedFor === at && alarm.at === at) return at
      this.#pop()
      if (alarm.plannedFor !== at) continue
      alarm.plannedFor = Number.POSITIVE_INFINITY
      this.put(alarm)
    }
  }

  /** Takes the next that is due; it is asked for no more. */
  take(now: number): QueuedAlarm | undefined {
    if (this.next() > now) return undefined
    const alarm = this.#pop()?.alarm
    if (alarm === undefined) return undefined
    alarm.plannedFor = Number.POSITIVE_INFINITY
    alarm.at = undefined
    return alarm
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let hole = heap.length
    heap.push(entry)
    while (hole > 0) {
      const parent = (hole - 1) >> 1
      const above = heap[parent] as Entry
      if (above.at <= entry.at) break
      heap[hole] = above
      hole = parent
    }
    heap[hole] = entry
  }

  #pop(): Entry | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let hole = 0
    for (;;) {
      let child = 2 * hole + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && (heap[child + 1] as Entry).at < (heap[child] as Entry).at) child++
      const below = heap[child] as Entry
      if (last.at <= below.at) break
      heap[hole] = below
      hole = child
    }
    heap[hole] = last
    return first
  }
}
