// What a process wakes up for by itself, besides the timers of its cores: intervals, all in step on one beat of 100 ms.
// Each time that an idle process wakes up costs it a quarter of a millisecond of a cold processor, whatever there is to
// do; so the beat comes with a turn that a message or a timer brings anyway, if one does: a follower lives by the
// heartbeats of its leader. Where nothing brings it, one timer does.
//
// Nothing that a turn brings can put Node's timer off, so where turns bring the beats it is set for half as long again:
// long enough to be needed less often, short enough that this process cannot be taken for one that stood still
// (`away-guard.ts`). The timers of cores are each one of Node's: rung one after the other on a timer that all share,
// those of many late members in a process found each other silent.

import { AsyncLocalStorage } from 'node:async_hooks'
import type { Timer } from './clock.ts'

/** Between two beats that nothing else brings. */
export const BEAT_MS = 100
/** A turn brings the next beat so much early. */
const EARLY_MS = 10
/** From one time that Node's timer wakes up to the next, where turns bring the beats. */
const DRIVEN_MS = 150

/** Node's timers, or what stands for them in a test. */
export interface Machine {
  now(): number
  sleep(work: () => void, ms: number): Timer & { ref(): unknown }
  setImmediate(work: () => void): void
}

/** Called with how late the process was since the beat before, in milliseconds. */
type BeatWork = (lateMs: number) => void

interface Interval {
  readonly work: BeatWork
  readonly everyMs: number
  at: number
  isRef: boolean
}

export class WakeUps {
  readonly #machine: Machine
  readonly #intervals = new Set<Interval>()
  /** Those by which the process is kept alive. */
  #refs = 0
  #timer: ReturnType<Machine['sleep']> | undefined
  /** What it sleeps for. */
  #armedFor = Number.POSITIVE_INFINITY
  /** When the next beat comes by itself. */
  #beatDue = 0
  /** When something else last brought one. */
  #broughtAt = 0
  /** A turn has brought one since the timer last woke up. */
  #isDriven = false
  #isPlanned = false
  /** Within a wake-up or a beat: at its end it is seen when the next one is due. */
  #isAwake = false
  #lateMs = 0
  /** Nothing that is current where something is asked for is current when it is due. */
  readonly #anew: (work: () => void) => void = AsyncLocalStorage.snapshot()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** Calls `work` every `ms` milliseconds, on the beat that is nearest, until disposed. */
  every(ms: number, work: BeatWork): Timer {
    const interval = { work, everyMs: ms, at: this.#machine.now() + ms, isRef: true }
    this.#begin()
    this.#intervals.add(interval)
    this.#refs += 1
    this.#arm()
    const unref = (): void => {
      if (!interval.isRef) return
      interval.isRef = false
      this.#refs -= 1
      this.#hold()
    }
    return {
      unref,
      [Symbol.dispose]: () => {
        if (!this.#intervals.delete(interval)) return
        unref()
        this.#hold()
      },
    }
  }

  /** A turn is over that something else brought: what is nearly due need not wake up the process again. */
  turned(): void {
    if (this.#isPlanned || this.#isAwake || !this.#hasBeat) return
    const now = this.#machine.now()
    if (now - this.#broughtAt < BEAT_MS - EARLY_MS) return
    this.#isDriven = true
    this.#bring(now)
  }

  get #hasBeat(): boolean {
    return this.#intervals.size > 0
  }

  #begin(): void {
    if (this.#hasBeat) return
    this.#broughtAt = this.#machine.now()
    this.#beatDue = this.#broughtAt + BEAT_MS
    this.#lateMs = 0
  }

  #wake(): void {
    const now = this.#machine.now()
    this.#lateMs = Math.max(this.#lateMs, now - this.#armedFor)
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#beatDue = now + (this.#isDriven ? DRIVEN_MS : BEAT_MS)
    this.#isDriven = false
    this.#awake()
  }

  #awake(): void {
    this.#isAwake = true
    this.#beat()
    this.#isAwake = false
    this.#sleep()
  }

  /** Behind what has been led to by then: that leaves first. */
  #bring(now: number): void {
    this.#broughtAt = now
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#machine.setImmediate(() => this.#anew(() => this.#awake()))
  }

  #beat(): void {
    const now = this.#machine.now()
    const late = this.#lateMs
    this.#lateMs = 0
    this.#isPlanned = false
    // Not those that begin meanwhile.
    for (const interval of [...this.#intervals]) {
      if (!isNearly(interval, now) || !this.#intervals.has(interval)) continue
      interval.at += interval.everyMs
      if (interval.at <= now) interval.at = now + interval.everyMs
      attempt(interval.work, late)
    }
  }

  /** Asked for from outside; within a wake-up it is seen at its end. */
  #arm(): void {
    if (!this.#isAwake) this.#anew(() => this.#sleep())
  }

  /** Until the next beat is due. */
  #sleep(): void {
    if (this.#hasBeat && this.#beatDue < this.#armedFor) {
      this.#timer?.[Symbol.dispose]()
      const now = this.#machine.now()
      this.#armedFor = Math.max(this.#beatDue, now)
      // Node counts from when the present round of its loop began, in whole milliseconds: it would wake up too early.
      this.#timer = this.#machine.sleep(() => this.#wake(), Math.max(0, Math.ceil(this.#beatDue - now) + 1))
    }
    this.#hold()
  }

  /** The process lives as long as somebody whom it is kept alive by. */
  #hold(): void {
    if (this.#refs > 0) this.#timer?.ref()
    else if (this.#hasBeat) this.#timer?.unref()
    else {
      this.#timer?.[Symbol.dispose]()
      this.#timer = undefined
      this.#armedFor = Number.POSITIVE_INFINITY
    }
  }
}

/** Those of each beat come with whatever beat there is, the others with the one that is nearest to their time. */
function isNearly({ everyMs, at }: Interval, now: number): boolean {
  return everyMs <= BEAT_MS || at - now <= BEAT_MS / 2
}

/** One that fails is told as from a timer of its own: the others are called all the same. */
function attempt(work: BeatWork, lateMs: number): void {
  try {
    work(lateMs)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
