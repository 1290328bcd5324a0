// What happens to the simulated world while faults last: machines and processes die and come back, stop and go on, clocks
// step, links and directions are cut. Each fault ends by itself after a while or with `stop`.

import type { CutKind, Network } from './network.ts'
import type { Prng } from './random.ts'
import type { FaultKind, Scenario } from './scenario.ts'
import type { Schedule } from './schedule.ts'

/** No machine sleeps and wakes faster; what is shorter than a tick of its boot clock nobody could notice. */
const SHORTEST_SUSPENSION_MS = 50

/** A node as the faults see it. */
export interface Victim {
  readonly id: string
  readonly index: number
  /** The process exists. */
  readonly isUp: boolean
  /** It said goodbye, and its process is about to end. */
  readonly isLeaving: boolean
  /** It leads, or acts as S5: the most interesting one to hit. */
  readonly isLeading: boolean
  start(): void
  /** `kill -9`: the kernel closes its links. */
  kill(): void
  /** Nobody is told, and the clocks begin anew. */
  losePower(): void
  /** Says goodbye, and stops. */
  leave(): void
  /** SIGSTOP and SIGCONT: the process stands still, its clocks do not. */
  stopProcess(): void
  continueProcess(): void
  /** The whole machine stands still, and its monotonic clock with it. */
  suspendMachine(): void
  resumeMachine(): void
  jumpWallClock(byMs: number): void
  setClockRate(rate: number): void
}

export class Faults {
  readonly #victims: readonly Victim[]
  readonly #network: Network
  readonly #schedule: Schedule
  readonly #scenario: Scenario
  readonly #random: Prng
  readonly #note: (fault: string, detail: string) => void
  readonly #totalWeight: number
  #isOver = false

  constructor(
    victims: readonly Victim[],
    world: {
      readonly network: Network
      readonly schedule: Schedule
      readonly scenario: Scenario
      readonly random: Prng
      readonly note: (fault: string, detail: string) => void
    },
  ) {
    this.#victims = victims
    this.#network = world.network
    this.#schedule = world.schedule
    this.#scenario = world.scenario
    this.#random = world.random
    this.#note = world.note
    this.#totalWeight = world.scenario.faultWeights.reduce((sum, [, weight]) => sum + weight, 0)
  }

  start(): void {
    if (this.#scenario.startsDivided) this.#split(this.#drawSides(2))
    if (this.#totalWeight > 0 && Number.isFinite(this.#scenario.faultEveryMs)) this.#planNext()
  }

  /** No fault begins any more, and all that last end now. */
  stop(): void {
    this.#isOver = true
    this.#network.healAll()
    for (const victim of this.#victims) {
      victim.resumeMachine()
      victim.continueProcess()
      if (victim.isLeaving) victim.kill()
      if (!victim.isUp) victim.start()
    }
  }

  #planNext(): void {
    this.#schedule.after(this.#random.exponential(this.#scenario.faultEveryMs), () => {
      if (this.#isOver) return
      this.#inflict(this.#drawKind())
      this.#planNext()
    })
  }

  #drawKind(): FaultKind {
    let left = this.#random.next() * this.#totalWeight
    for (const [kind, weight] of this.#scenario.faultWeights) {
      left -= weight
      if (left < 0) return kind
    }
    return 'heal'
  }

  #inflict(kind: FaultKind): void {
    const victim = this.#drawVictim()
    this.#note(kind, victim.id)
    switch (kind) {
      case 'kill':
        this.#down([victim], (one) => one.kill())
        return
      case 'power-loss':
        this.#down([victim], (one) => one.losePower())
        return
      case 'kill-all':
        this.#down(this.#victims, (one) => (this.#random.chance(0.5) ? one.kill() : one.losePower()))
        return
      case 'leave':
        this.#down([victim], (one) => one.leave())
        return
      case 'stop-process':
        victim.stopProcess()
        this.#later(() => victim.continueProcess())
        return
      case 'suspend-machine':
        victim.suspendMachine()
        this.#later(() => victim.resumeMachine(), SHORTEST_SUSPENSION_MS)
        return
      case 'isolate':
        this.#split((one) => (one === victim ? 1 : 0))
        return
      case 'partition-two':
        this.#split(this.#drawSides(2))
        return
      case 'partition-three':
        this.#split(this.#drawSides(3))
        return
      case 'cut-one-way':
        this.#cutOneWay(victim)
        return
      case 'heal':
        this.#network.healAll()
        return
      case 'break-link':
        this.#network.breakLink(victim.index, this.#random.integer(this.#victims.length))
        return
      case 'jump-wall-clock':
        victim.jumpWallClock(this.#random.between(-30_000, 30_000))
        return
      case 'change-clock-rate':
        victim.setClockRate(this.#random.pick(this.#scenario.clockRates))
        return
      default:
        kind satisfies never
    }
  }

  #drawVictim(): Victim {
    const leading = this.#random.chance(this.#scenario.aimsAtLeader) ? this.#victims.filter((one) => one.isLeading) : []
    return this.#random.pick(leading.length > 0 ? leading : this.#victims)
  }

  #down(victims: readonly Victim[], how: (victim: Victim) => void): void {
    for (const victim of victims) {
      if (!victim.isUp) continue
      how(victim)
      this.#later(() => victim.start())
    }
  }

  #split(sideOf: (victim: Victim) => number): void {
    const kind = this.#drawCut()
    const sides = this.#victims.map(sideOf)
    for (const one of this.#victims) {
      for (const other of this.#victims) {
        if (sides[one.index] !== sides[other.index]) this.#network.cut(one.index, other.index, kind)
      }
    }
    this.#later(() => this.#network.healAll())
  }

  #drawCut(): CutKind {
    return this.#random.chance(this.#scenario.rejectingCuts) ? 'rejects' : 'drops'
  }

  #drawSides(count: number): (victim: Victim) => number {
    return () => this.#random.integer(count)
  }

  /** Half of the time to one other node, else to or from everybody: send-only and receive-only isolation. */
  #cutOneWay(victim: Victim): void {
    const to = this.#random.integer(this.#victims.length)
    const everybody = this.#random.chance(0.5)
    const isInbound = this.#random.chance(0.5)
    const kind = this.#drawCut()
    for (const other of this.#victims) {
      if (other === victim || (!everybody && other.index !== to)) continue
      if (isInbound) this.#network.cut(other.index, victim.index, kind)
      else this.#network.cut(victim.index, other.index, kind)
    }
    this.#later(() => this.#network.healAll())
  }

  /** Sometimes at once, sometimes after a long while. */
  #later(run: () => void, atLeastMs = 0): void {
    const delay = this.#random.chance(0.2)
      ? this.#random.between(0, 20)
      : this.#random.exponential(this.#scenario.faultLastsMs)
    this.#schedule.after(atLeastMs + delay, () => {
      if (!this.#isOver) run()
    })
  }
}
