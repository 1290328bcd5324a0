import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BEAT_MS, type Machine, WakeUps } from '../../../src/runtime/wake-ups.ts'

interface Sleeping {
  readonly at: number
  readonly work: () => void
}

/**
 * A process in time that is not real. As Node it sleeps in whole milliseconds, counted from a time that is past
 * already.
 */
class SleepingMachine implements Machine {
  #now = 1_000.4
  #sleeping: Sleeping | undefined
  #soon: (() => void)[] = []
  /** How often a timer woke it up. */
  wakeUps = 0
  isRef = false
  /** It is so much late for each timer. */
  lateMs = 0

  now(): number {
    return this.#now
  }

  sleep(work: () => void, ms: number) {
    const sleeping = { at: Math.floor(this.#now) + Math.max(1, ms), work }
    this.#sleeping = sleeping
    this.isRef = true
    return {
      ref: () => {
        this.isRef = true
      },
      unref: () => {
        this.isRef = false
      },
      [Symbol.dispose]: () => {
        if (this.#sleeping === sleeping) this.#sleeping = undefined
        this.isRef = false
      },
    }
  }

  setImmediate(work: () => void): void {
    this.#soon.push(work)
  }

  get isAsleep(): boolean {
    return this.#sleeping !== undefined
  }

  /** Time passes until then, and what is due meanwhile happens. */
  until(at: number): void {
    for (let next = this.#sleeping; next !== undefined && next.at + this.lateMs <= at; next = this.#sleeping) {
      this.#now = Math.max(this.#now, next.at + this.lateMs)
      this.#sleeping = undefined
      this.wakeUps += 1
      this.turn(next.work)
    }
    this.#now = Math.max(this.#now, at)
  }

  pass(ms: number): void {
    this.until(this.#now + ms)
  }

  /** One round of the event loop. */
  turn(work: () => void): void {
    work()
    while (this.#soon.length > 0) for (const each of this.#soon.splice(0)) each()
  }
}

/** A message comes every so often, for so long. */
function hear(machine: SleepingMachine, wakeUps: WakeUps, everyMs: number, forMs: number, work = () => {}): void {
  for (let passed = 0; passed < forMs; passed += everyMs) {
    machine.pass(everyMs)
    machine.turn(() => {
      work()
      wakeUps.turned()
    })
  }
}

describe('what a process wakes up for by itself', () => {
  it('is ten beats a second, however many intervals there are', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    const calls = { often: 0, seldom: 0 }
    wakeUps.every(BEAT_MS, () => calls.often++)
    wakeUps.every(1_000, () => calls.seldom++)
    machine.pass(10_000)
    assert.ok(machine.wakeUps >= 95 && machine.wakeUps <= 100, String(machine.wakeUps))
    assert.equal(calls.often, machine.wakeUps)
    assert.ok(calls.seldom >= 9 && calls.seldom <= 10, String(calls.seldom))
  })

  it('is less where messages bring the beats, which come as often', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    let looks = 0
    wakeUps.every(200, () => looks++)
    hear(machine, wakeUps, 100.6, 10_000)
    assert.ok(machine.wakeUps <= 67, String(machine.wakeUps))
    assert.ok(looks >= 48 && looks <= 51, String(looks))
  })

  it('comes soon enough after the last message, whenever that was', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1, max: 120, noNaN: true }), { minLength: 1, maxLength: 60 }), (gaps) => {
        const machine = new SleepingMachine()
        const wakeUps = new WakeUps(machine)
        let last = machine.now()
        let longest = 0
        const note = (): void => {
          longest = Math.max(longest, machine.now() - last)
          last = machine.now()
        }
        wakeUps.every(BEAT_MS, note)
        for (const gap of gaps) hear(machine, wakeUps, gap, gap, note)
        machine.pass(1_000)
        // Two for whole milliseconds.
        return longest <= 152
      }),
    )
  })

  it('tells the beat how late it was', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    const told: number[] = []
    wakeUps.every(BEAT_MS, (lateMs) => told.push(lateMs))
    machine.pass(1_000)
    assert.ok(Math.max(...told) < 2, String(told))
    machine.lateMs = 400
    machine.pass(600)
    assert.ok((told.at(-1) ?? 0) >= 400, String(told))
  })

  it('keeps the process alive for an interval that shall, and no longer', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    const interval = wakeUps.every(BEAT_MS, () => {})
    assert.equal(machine.isRef, true)
    interval.unref()
    assert.equal(machine.isRef, false)
    interval[Symbol.dispose]()
    interval[Symbol.dispose]()
    assert.equal(machine.isAsleep, false)
  })
})
