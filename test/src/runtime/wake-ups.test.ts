import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { BEAT_MS, type Machine, WakeUps } from '../../../src/runtime/wake-ups.ts'

interface Sleeping {
  readonly at: number
  readonly work: () => void
}

/** A process in time that is not real. As Node it sleeps in whole milliseconds, counted from a time that is past already. */
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
  it('is ten beats a second, however many intervals and patient alarms there are', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    const calls = { often: 0, seldom: 0, patient: 0 }
    wakeUps.every(BEAT_MS, () => calls.often++)
    wakeUps.every(1_000, () => calls.seldom++)
    const probe = wakeUps.alarm(() => {
      calls.patient++
      probe.set(machine.now() + 500)
    }, true)
    probe.set(machine.now() + 250)
    machine.pass(10_000)
    assert.ok(machine.wakeUps >= 95 && machine.wakeUps <= 100, String(machine.wakeUps))
    assert.equal(calls.often, machine.wakeUps)
    assert.ok(calls.seldom >= 9 && calls.seldom <= 10, String(calls.seldom))
    assert.ok(calls.patient >= 18, String(calls.patient))
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

  it('is nothing besides where a timer comes as often as the beat, and is answered by messages', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    const calls = { beats: 0, heartbeats: 0 }
    wakeUps.every(BEAT_MS, () => calls.beats++)
    const heartbeat = wakeUps.alarm(() => {
      calls.heartbeats++
      // What it does takes a moment, and an answer comes.
      heartbeat.set(machine.now() + 100.05)
      machine.setImmediate(() => wakeUps.turned())
    })
    heartbeat.set(machine.now() + 100)
    machine.pass(10_000)
    assert.ok(calls.heartbeats >= 98, String(calls.heartbeats))
    assert.equal(machine.wakeUps, calls.heartbeats)
    assert.equal(calls.beats, calls.heartbeats)
  })

  it('is nothing for alarms that are moved before they are due, or called off', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    wakeUps.every(BEAT_MS, () => {})
    const rung: string[] = []
    const election = wakeUps.alarm(() => rung.push('election'))
    const timeout = wakeUps.alarm(() => rung.push('timeout'))
    hear(machine, wakeUps, 100.6, 10_000, () => {
      election.set(machine.now() + 600)
      timeout.set(machine.now() + 250)
      timeout.clear()
    })
    assert.deepEqual(rung, [])
    assert.ok(machine.wakeUps <= 67, String(machine.wakeUps))
    machine.pass(603)
    assert.deepEqual(rung, ['election'])
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

  it('rings an alarm never before its time, a hurried one at it, a patient one with the next beat', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ inMs: fc.double({ min: 0, max: 700, noNaN: true }), isPatient: fc.boolean() }), {
          minLength: 1,
          maxLength: 20,
        }),
        fc.double({ min: 5, max: 200, noNaN: true }),
        (asked, everyMs) => {
          const machine = new SleepingMachine()
          const wakeUps = new WakeUps(machine)
          const late: { readonly ms: number; readonly isPatient: boolean }[] = []
          for (const { inMs, isPatient } of asked) {
            const at = machine.now() + inMs
            wakeUps.alarm(() => late.push({ ms: machine.now() - at, isPatient }), isPatient).set(at)
          }
          hear(machine, wakeUps, everyMs, 1_000)
          assert.equal(late.length, asked.length)
          for (const { ms, isPatient } of late) assert.ok(ms >= 0 && ms <= (isPatient ? 152 : 2), String(ms))
        },
      ),
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

  it('keeps the process alive for an alarm and for an interval that shall, and no longer', () => {
    const machine = new SleepingMachine()
    const wakeUps = new WakeUps(machine)
    const interval = wakeUps.every(BEAT_MS, () => {})
    interval.unref()
    assert.equal(machine.isRef, false)
    const alarm = wakeUps.alarm(() => {})
    alarm.set(machine.now() + 50)
    assert.equal(machine.isRef, true)
    machine.pass(60)
    assert.equal(machine.isRef, false)
    alarm.set(machine.now() + 5_000)
    assert.equal(machine.isRef, true)
    alarm.clear()
    alarm.clear()
    assert.equal(machine.isRef, false)
    interval[Symbol.dispose]()
    interval[Symbol.dispose]()
    assert.equal(machine.isAsleep, false)
  })
})
