// Shares a turn of the event loop among lanes. Coordination never comes here: it is read and written at once. The work
// of the other channels runs by priority and for a bounded time in each turn; the rest waits for the next turn, which
// begins after the loop has looked at the sockets again. So a flood of bulk delays a small message by one budget, not
// by the flood.

import type { Time } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'

/**
 * Milliseconds of bulk work in one turn: long enough to be worth a turn, short beside what a waiting message may
 * notice.
 */
const BUDGET_MS = 0.25

/** After a pause of so many milliseconds the loop has surely been around, so a new turn has begun. */
const IDLE_MS = 0.1

/**
 * Work of one lane in one direction. Kept by its owner and scheduled again and again, so that scheduling costs no
 * object.
 */
export interface Work {
  /** Its place in {@link PRIORITIES}. */
  readonly priority: number
  /** Set by the scheduler. */
  isScheduled: boolean
  /** Does a small piece; true when more is left. */
  run(): boolean
}

/**
 * By channel, first things first, and how many pieces of each are done before the next has its turn: so that none
 * starves.
 */
export const PRIORITIES = { events: 0, data: 1, gossip: 2 } as const
const SHARES = [8, 8, 2]

export class Scheduler {
  readonly #turn: Turn
  readonly #clock: Time
  readonly #queues: Work[][] = SHARES.map(() => [])
  #waiting = 0
  /** When the work of this turn began, and when the last piece ended. */
  #startedAt = 0
  #endedAt = 0
  #isArmed = false
  #isRunning = false

  constructor(turn: Turn, clock: Time) {
    this.#clock = clock
    this.#turn = turn
  }

  /** Runs `work` now if this turn has time left and nothing waits, else when its time comes. */
  schedule(work: Work): void {
    if (work.isScheduled) return
    if (this.#waiting > 0 || this.#isRunning) return void this.#enqueue(work)
    const now = this.#clock.now()
    if (now - this.#endedAt > IDLE_MS) this.#startedAt = now
    if (now - this.#startedAt >= BUDGET_MS) return void this.#enqueue(work)
    this.#run(() => {
      let hasMore = true
      do hasMore = work.run()
      while (hasMore && this.#hasTime())
      if (hasMore) this.#enqueue(work)
      // What it has woken, such as the grant for what it has read, is not kept for another turn without need.
      else if (this.#waiting > 0 && this.#hasTime()) this.#pull()
    })
  }

  #enqueue(work: Work): void {
    work.isScheduled = true
    this.#queues[work.priority]!.push(work)
    this.#waiting += 1
    this.#arm()
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    this.#clock.setImmediate(this.#nextTurn)
  }

  #hasTime(): boolean {
    return this.#clock.now() - this.#startedAt < BUDGET_MS
  }

  /** The loop has been around once. */
  readonly #nextTurn = (): void => {
    this.#isArmed = false
    if (this.#waiting === 0) return
    this.#startedAt = this.#clock.now()
    this.#run(() => this.#pull())
    if (this.#waiting > 0) this.#arm()
  }

  #run(body: () => void): void {
    this.#isRunning = true
    this.#turn.enter(body)
    this.#isRunning = false
    this.#endedAt = this.#clock.now()
  }

  #pull(): void {
    for (;;) {
      for (const [priority, share] of SHARES.entries()) {
        const queue = this.#queues[priority]!
        for (let pieces = 0; pieces < share && queue.length > 0; pieces++) {
          const work = queue.shift()!
          work.isScheduled = false
          this.#waiting -= 1
          if (work.run() && !work.isScheduled) {
            work.isScheduled = true
            queue.push(work)
            this.#waiting += 1
          }
          if (this.#waiting === 0 || !this.#hasTime()) return
        }
      }
    }
  }
}
