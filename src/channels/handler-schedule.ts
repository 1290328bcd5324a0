// When the messages of one channel are handled: one at a time of each key, at most `concurrency` at once. What waits
// here has not given its room in the lane back, so a slow handler slows its senders and nothing here grows without
// bound.
//
//   take ──▶ same key runs: behind it ──▶ all places taken: in line ──▶ handle ──▶ done(arrival, error)

import type { Arrival } from './arrival.ts'

export interface HandlerScheduleOptions {
  readonly concurrency: number
  /** Handles one arrival; a promise when that takes longer than the call. */
  readonly handle: (arrival: Arrival) => void | Promise<void>
  /** Called once for each arrival that was taken; `error`: handling it failed. */
  readonly done: (arrival: Arrival, error: unknown) => void
  readonly count: (reason: string) => void
}

export class HandlerSchedule {
  readonly #options: HandlerScheduleOptions
  readonly #concurrency: number
  /** Of each key that runs or stands in line, what waits behind it. */
  readonly #keys = new Map<string, Arrival[]>()
  #line: Arrival[] = []
  #taken = 0
  #running = 0
  #behindKeys = 0
  #isWalking = false
  #isClosed = false

  constructor(options: HandlerScheduleOptions) {
    this.#options = options
    this.#concurrency = options.concurrency
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#line.length - this.#taken + this.#behindKeys
  }

  take(arrival: Arrival): void {
    const { key } = arrival
    const behind = key === undefined ? undefined : this.#keys.get(key)
    if (behind) {
      if (arrival.isMonotonic) this.#supersede(behind, arrival)
      behind.push(arrival)
      this.#behindKeys += 1
      return
    }
    if (key !== undefined) this.#keys.set(key, [])
    if (this.#running < this.#concurrency) this.#run(arrival)
    else this.#line.push(arrival)
  }

  /** Nothing more is begun; what runs ends by itself and is told to nobody. */
  close(): void {
    this.#isClosed = true
    this.#keys.clear()
    this.#line = []
    this.#taken = 0
    this.#behindKeys = 0
  }

  /** An older one of the same source that has not begun is left out for the newer. */
  #supersede(behind: Arrival[], { envelope: { source } }: Arrival): void {
    const index = behind.findIndex((older) => older.isMonotonic && older.envelope.source === source)
    if (index < 0) return
    const [older] = behind.splice(index, 1)
    this.#behindKeys -= 1
    this.#options.count('superseded')
    if (older) this.#options.done(older, undefined)
  }

  #run(arrival: Arrival): void {
    this.#running += 1
    let handled: void | Promise<void>
    try {
      handled = this.#options.handle(arrival)
    } catch (error) {
      this.#ended(arrival, asFailure(error))
      return
    }
    if (handled === undefined) this.#ended(arrival, undefined)
    else
      handled.then(
        () => this.#ended(arrival, undefined),
        (error: unknown) => this.#ended(arrival, asFailure(error)),
      )
  }

  #ended(arrival: Arrival, error: unknown): void {
    this.#running -= 1
    if (this.#isClosed) {
      arrival.release()
      return
    }
    const { key } = arrival
    const next = key === undefined ? undefined : this.#keys.get(key)?.shift()
    if (next) {
      this.#behindKeys -= 1
      this.#line.push(next)
    } else if (key !== undefined) this.#keys.delete(key)
    this.#options.done(arrival, error)
    this.#walk()
  }

  /** A loop, for handlers that end at once would nest without end. */
  #walk(): void {
    if (this.#isWalking) return
    this.#isWalking = true
    while (this.#running < this.#concurrency && this.#taken < this.#line.length) {
      const next = this.#line[this.#taken] as Arrival
      this.#taken += 1
      if (this.#taken === this.#line.length || this.#taken === 1_024) {
        this.#line = this.#line.slice(this.#taken)
        this.#taken = 0
      }
      this.#run(next)
    }
    this.#isWalking = false
  }
}

/** Handlers may throw anything, and `undefined` would say that nothing went wrong. */
function asFailure(thrown: unknown): unknown {
  return thrown === undefined ? new Error('undefined') : thrown
}
