// What a process wakes up for by itself: intervals, on one beat, and the timers of its cores, all on one timer of Node. Each time that an idle process wakes
// up costs it a quarter of a millisecond of a cold processor, whatever there is to do. So
//
//   - intervals are called on a beat of 100 ms, all in step;
//   - the beat comes with a turn that a message or a timer brings anyway, if one does; a follower lives by the heartbeats of its leader;
//   - a timer that is patient waits for the beat that follows its time, so that what it sends leaves with what others send;
//   - the others, and the beat where nothing brings it, are found by one timer, as Node wakes up for a timer that was called off all the same.
//
// Nothing that a turn brings can put Node's timer off, so where turns bring the beats it is set for half as long again: long enough to be needed less often,
// short enough that this process cannot be taken for one that stood still (`away-guard.ts`).

import { AsyncLocalStorage } from 'node:async_hooks'
import { AlarmQueue, QueuedAlarm } from './alarm-queue.ts'
import type { Alarm, Timer } from './clock.ts'

/** Between two beats that nothing else brings. */
export const BEAT_MS = 100
/** A turn brings the next beat so much early. */
const EARLY_MS = 10
/** From one time that Node's timer wakes up to the next, where turns bring the beats. */
const DRIVEN_MS = 150

/** However far away the next thing is: Node cannot sleep for more than some days. */
const LONGEST_MS = 3_600_000

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
  readonly #queue = new AlarmQueue()
  /** Alarms that wait for a beat. */
  readonly #patient = new Set<QueuedAlarm>()
  readonly #intervals = new Set<Interval>()
  /** Alarms that are set and intervals by which the process is kept alive. */
  #refs = 0
  #timer: ReturnType<Machine['sleep']> | undefined
  /** What it sleeps for. */
  #armedFor = Number.POSITIVE_INFINITY
  /** When the next beat comes by itself. */
  #beatDue = 0
  #beatAt = 0
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

  /** A patient one waits for the beat that follows its time. */
  alarm(work: () => void, isPatient = false): Alarm {
    const alarm = new QueuedAlarm(work)
    return {
      set: (at) => {
        if (isPatient) this.#begin()
        if (alarm.at === undefined) this.#refs += 1
        alarm.at = at
        if (isPatient) this.#patient.add(alarm)
        else this.#queue.put(alarm)
        if (isPatient || at < this.#armedFor) this.#arm()
        else this.#hold()
      },
      clear: () => {
        if (alarm.at === undefined) return
        alarm.at = undefined
        this.#patient.delete(alarm)
        this.#refs -= 1
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
    return this.#intervals.size > 0 || this.#patient.size > 0
  }

  #begin(): void {
    if (this.#hasBeat) return
    this.#beatAt = this.#broughtAt = this.#machine.now()
    this.#beatDue = this.#beatAt + BEAT_MS
    this.#lateMs = 0
  }

  #wake(): void {
    const now = this.#machine.now()
    this.#lateMs = Math.max(this.#lateMs, now - this.#armedFor)
    this.#timer = undefined
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#isAwake = true
    const hasRung = this.#ring(now)
    if (this.#hasBeat && (now >= this.#beatDue || now - this.#beatAt >= BEAT_MS - EARLY_MS)) {
      this.#beatDue = now + (this.#isDriven ? DRIVEN_MS : BEAT_MS)
      this.#isDriven = false
      if (hasRung) this.#bring(now)
      else this.#beat()
    }
    this.#isAwake = false
    this.#sleep()
  }

  #ring(now: number): boolean {
    let hasRung = false
    for (let alarm = this.#queue.take(now); alarm !== undefined; alarm = this.#queue.take(now)) {
      hasRung = true
      this.#refs -= 1
      attempt(alarm.work, 0)
    }
    return hasRung
  }

  /** Behind what has been led to by then: that leaves first. */
  #bring(now: number): void {
    this.#broughtAt = now
    if (this.#isPlanned) return
    this.#isPlanned = true
    this.#machine.setImmediate(() => this.#anew(() => this.#brought()))
  }

  #brought(): void {
    this.#isAwake = true
    this.#beat()
    this.#isAwake = false
    this.#sleep()
  }

  #beat(): void {
    const now = this.#machine.now()
    const late = this.#lateMs
    this.#lateMs = 0
    this.#beatAt = now
    this.#isPlanned = false
    // Not those that begin meanwhile.
    for (const interval of [...this.#intervals]) {
      if (!isNearly(interval, now) || !this.#intervals.has(interval)) continue
      interval.at += interval.everyMs
      if (interval.at <= now) interval.at = now + interval.everyMs
      attempt(interval.work, late)
    }
    for (const alarm of [...this.#patient]) {
      if (alarm.at === undefined || alarm.at > now) continue
      alarm.at = undefined
      this.#patient.delete(alarm)
      this.#refs -= 1
      attempt(alarm.work, 0)
    }
  }

  /** Asked for from outside; within a wake-up it is seen at its end. */
  #arm(): void {
    if (!this.#isAwake) this.#anew(() => this.#sleep())
  }

  /** Until the next thing is due; until an alarm that is due a little behind the beat, for both. */
  #sleep(): void {
    const next = this.#queue.next()
    const beat = this.#hasBeat ? this.#beatDue : Number.POSITIVE_INFINITY
    const at = next <= beat + EARLY_MS ? next : beat
    if (at < this.#armedFor) {
      this.#timer?.[Symbol.dispose]()
      const now = this.#machine.now()
      this.#armedFor = Math.max(at, now)
      // Node counts from when the present round of its loop began, in whole milliseconds: it would wake up too early.
      const ms = at <= now ? 0 : Math.min(Math.ceil(at - now) + 1, LONGEST_MS)
      this.#timer = this.#machine.sleep(() => this.#wake(), ms)
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
