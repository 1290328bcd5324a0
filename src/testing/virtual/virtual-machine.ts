// The machine that one life of a node runs on, in virtual time: its clocks, which all machines share, and its timers,
// which stop when its process is stopped. As after a real SIGCONT, timers that expired meanwhile run first, in the
// order of their time.

import { MAX_DELAY_MS, type Time, type Timer } from '../../runtime/clock.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Around the year 2026; only differences matter. */
const WALL_EPOCH_MS = 1_780_000_000_000
/** The machine was switched on so long before. */
const UPTIME_MS = 60_000

class Armed implements Timer {
  readonly work: () => void
  readonly everyMs: number | undefined
  plan: Timer | undefined
  isOff = false

  constructor(work: () => void, everyMs: number | undefined) {
    this.work = work
    this.everyMs = everyMs
  }

  unref(): this {
    return this
  }

  [Symbol.dispose](): void {
    this.isOff = true
    this.plan?.[Symbol.dispose]()
  }
}

export class VirtualMachine implements Time {
  readonly #time: VirtualTime
  /** What came due while the process was stopped. */
  readonly #held: (() => void)[] = []
  #isPaused = false

  constructor(time: VirtualTime) {
    this.#time = time
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  now(): number {
    return this.#time.now + UPTIME_MS
  }

  wall(): number {
    return this.#time.now + WALL_EPOCH_MS
  }

  boot(): number {
    return this.now()
  }

  setTimeout(work: () => void, ms: number): Timer {
    return this.#arm(new Armed(work, undefined), ms)
  }

  setInterval(work: () => void, ms: number): Timer {
    return this.#arm(new Armed(work, ms), ms)
  }

  setImmediate(work: () => void): void {
    this.#time.plan(0, () => this.#run(work))
  }

  timeout(ms: number): AbortSignal {
    const controller = new AbortController()
    const late = (): void =>
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    this.setTimeout(late, ms)
    return controller.signal
  }

  /** The process stands still; its clocks go on. */
  pause(): void {
    this.#isPaused = true
  }

  /** It goes on: what came due meanwhile, and then `work`, what its sockets have received. */
  resume(work: () => void): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    for (const held of [...this.#held.splice(0), work]) this.setImmediate(held)
  }

  #arm(armed: Armed, ms: number): Armed {
    armed.plan = this.#time.plan(ms >= 1 && ms <= MAX_DELAY_MS ? ms : 1, () => {
      if (this.#isPaused) this.#held.push(() => this.#due(armed))
      else this.#due(armed)
    })
    return armed
  }

  #due(armed: Armed): void {
    if (armed.isOff) return
    if (armed.everyMs !== undefined) this.#arm(armed, armed.everyMs)
    armed.work()
  }

  #run(work: () => void): void {
    if (this.#isPaused) this.#held.push(work)
    else work()
  }
}
