// What happens to the simulated world while faults last: machines and processes die and come back, stop and go on,
// clocks step, links and directions are cut. Each fault ends by itself after a while or with `stop`.

import type { Voter } from '../../../consensus/index.ts'
import { ALL_LEVELS, LATEST_LEVEL } from './levels.ts'
import type { CutKind, Network } from './network.ts'
import type { Prng } from './random.ts'
import type { FaultKind, Scenario } from './scenario.ts'
import type { Schedule } from './schedule.ts'
import type { Victim } from './victim.ts'

/** No machine sleeps and wakes faster; what is shorter than a tick of its boot clock nobody could notice. */
const SHORTEST_SUSPENSION_MS = 50

/** Around the election timeouts of the faster profiles. */
const SLOWNESS_MS = [300, 1_300] as const

/** How long a way that dies is dead: time for an election and for a lease to run out. */
const DEAD_FOR_MS = 2_500

/** How soon a fresh host of S5 is struck: before the others know that its entry is committed, or a little later. */
const STRIKE_WITHIN_MS = [0.5, 50] as const

/** Chance that a bridge is struck when it has promised itself, and how soon, counted in the time of one message. */
const STRIKES_BRIDGE = 0.7
const STRIKE_WITHIN_LATENCIES = 4

export class Faults {
  readonly #victims: readonly Victim[]
  readonly #network: Network
  readonly #schedule: Schedule
  readonly #scenario: Scenario
  readonly #random: Prng
  readonly #note: (fault: string, detail: string) => void
  readonly #totalWeight: number
  #isOver = false
  #hasWiped = false

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
    if (this.#swings) this.#swingBridge()
    else if (this.#scenario.startsDivided) this.#split(this.#drawSides(2))
    if (this.#totalWeight > 0 && Number.isFinite(this.#scenario.faultEveryMs)) this.#planNext()
  }

  /** `index` has begun to act as S5: sometimes it is cut off before the others know, or gets only old answers. */
  hostBegan(index: number): void {
    const isStruck = this.#network.isSlowTo(index)
    if (this.#isOver || isStruck || !this.#random.chance(this.#scenario.strikesFreshHost)) return
    this.#schedule.after(this.#random.between(0, this.#random.pick(STRIKE_WITHIN_MS)), () => {
      if (this.#isOver) return
      const host = this.#victims[index] as Victim
      this.#note('strike', host.id)
      if (this.#random.chance(0.5)) this.#split((one) => (one === host ? 1 : 0))
      else this.#slowOneWay(host, true, true)
    })
  }

  /** `index` was elected: sometimes it is cut off, or dies, while its first entry is on its way. */
  leaderBegan(index: number): void {
    if (this.#isOver || !this.#random.chance(this.#scenario.strikesFreshLeader)) return
    const { latencyMs, jitterMs } = this.#scenario.network
    const { flushMs, flushJitterMs } = this.#scenario.disk
    const soonMs = STRIKE_WITHIN_LATENCIES * (latencyMs + jitterMs) + flushMs + flushJitterMs
    this.#schedule.after(this.#random.between(0, soonMs), () => {
      if (this.#isOver) return
      const leader = this.#victims[index] as Victim
      this.#note('strike', leader.id)
      if (this.#random.chance(0.5)) this.#split((one) => (one === leader ? 1 : 0))
      else this.#down([leader], (one) => one.kill())
    })
  }

  /**
   * `index` made durable with whom it founds a cluster. In a run with a bridge, it is often struck in just that moment:
   * it goes deaf, or loses power, and soon comes to the other side.
   */
  intentBegan(index: number): void {
    const bridge = this.#victims[index]
    if (bridge === undefined || this.#isOver || !this.#swings || bridge !== this.#middle) return
    if (!this.#random.chance(STRIKES_BRIDGE)) return
    const { latencyMs, jitterMs } = this.#scenario.network
    this.#schedule.after(this.#random.between(0, STRIKE_WITHIN_LATENCIES * (latencyMs + jitterMs)), () => {
      if (this.#isOver) return
      this.#note('strike', bridge.id)
      for (const other of this.#victims) this.#network.cut(other.index, index, 'drops')
      if (this.#random.chance(0.5)) this.#down([bridge], (one) => one.losePower())
      this.#later(() => this.#swingBridge())
    })
  }

  /** No fault begins any more, and all that last end now. */
  stop(): void {
    this.#isOver = true
    this.#network.hurry()
    this.#network.healAll()
    for (const victim of this.#victims) {
      victim.resumeMachine()
      victim.continueProcess()
      if (victim.isLeaving) victim.kill()
      if (!victim.isUp) victim.start()
      victim.upgrade(LATEST_LEVEL)
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
      case 'swing-bridge':
        this.#swingBridge()
        return
      case 'slow-one-way':
        this.#slowOneWay(victim, this.#random.chance(0.5), this.#random.chance(0.5))
        return
      case 'heal':
        this.#network.hurry()
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
      case 'change-voters':
        this.#changeVoters()
        return
      case 'upgrade':
        victim.upgrade(this.#random.pick(ALL_LEVELS))
        return
      case 'transfer':
        this.#leader()?.transfer(this.#random.chance(0.5) ? undefined : victim.id)
        return
      case 'wipe-log':
        if (this.#mayWipe(victim)) this.#down([victim], (one) => one.wipe())
        return
      default:
        kind satisfies never
    }
  }

  #leader(): Victim | undefined {
    const leaders = this.#victims.filter((victim) => victim.leadsTerm() !== undefined)
    return leaders.length === 0 ? undefined : this.#random.pick(leaders)
  }

  /**
   * Somebody takes one of the leaders for an operator's tool: any voters, any learners. The core must refuse what is
   * not safe.
   */
  #changeVoters(): void {
    const leader = this.#leader()
    const configuration = leader?.configuration
    if (leader === undefined || configuration === undefined) return
    const all = this.#victims.map(({ id, storeId }) => ({ id, storeId }))
    // Nobody names a log that is lost: with it in a set of two nobody could be promised anything.
    const isThere = ({ storeId }: Voter): boolean => all.some((each) => each.storeId === storeId)
    const known = [...configuration.voters, ...configuration.learners].filter(isThere)
    const some = <T>(list: readonly T[]): T[] => list.filter(() => this.#random.chance(0.6))
    if (this.#random.chance(0.4)) {
      const learners = some(all).filter(({ id }) => !configuration.voters.some((voter) => voter.id === id))
      leader.reconfigure({ voters: configuration.voters, learners })
      return
    }
    const voters = some(known)
    const learners = some(all).filter(({ id }) => !voters.some((voter) => voter.id === id))
    leader.reconfigure({ voters, learners })
  }

  /** One log a run, and never one that its voters cannot spare: what a majority loses nobody can promise. */
  #mayWipe(victim: Victim): boolean {
    if (this.#hasWiped || !this.#sparesOne(victim)) return false
    this.#hasWiped = true
    return true
  }

  #sparesOne(victim: Victim): boolean {
    const { storeId } = victim
    if (victim.durableConfiguration() === undefined) return false
    // Who leaves makes the set smaller, too.
    const least = this.#scenario.faultWeights.some(([kind]) => kind === 'leave') ? 5 : 3
    // A founder that has given the set up for the time being holds no log, and needs a leader to get one.
    const holds = (voter: Voter): boolean =>
      this.#victims.some((each) => each.storeId === voter.storeId && each.durableConfiguration() !== undefined)
    return this.#victims.every((each) =>
      [each.configuration, each.durableConfiguration()].every((configuration) => {
        if (configuration === undefined) return true
        return [configuration.voters, configuration.outgoing].every((list) => {
          if (!list.some((voter) => voter.storeId === storeId)) return true
          const others = list.filter((voter) => voter.storeId !== storeId && holds(voter)).length
          return list.length >= least && others * 2 > list.length
        })
      }),
    )
  }

  #drawVictim(): Victim {
    if (this.#swings && this.#random.chance(0.5)) return this.#middle
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

  /**
   * What reaches the victim from all others, or them from it, takes longer than a lease. If it `dies`, the other
   * direction is lost a little later, so that old answers still come when no new question does.
   */
  #slowOneWay(victim: Victim, isInbound: boolean, dies: boolean): void {
    const ms = this.#random.between(...SLOWNESS_MS)
    for (const other of this.#victims) this.#network.slow(...directed(victim, other, isInbound), ms)
    const diesAfterMs = this.#random.between(2, 5) * ms
    if (dies) {
      this.#schedule.after(diesAfterMs, () => {
        if (this.#isOver) return
        for (const other of this.#victims) this.#network.cut(...directed(victim, other, !isInbound), 'drops')
      })
    }
    this.#later(
      () => {
        this.#network.hurry()
        this.#network.healAll()
      },
      diesAfterMs + (dies ? DEAD_FOR_MS : 0),
    )
  }

  /** The middle node is linked to the nodes below it, or to those above, and neither of these to the other. */
  #swingBridge(): void {
    this.#network.healAll()
    const bridge = this.#middle
    const isWithLower = this.#random.chance(0.5)
    const isDeaf = this.#random.chance(0.3)
    const sideOf = (one: Victim): boolean => (one === bridge ? isWithLower : one.index < bridge.index)
    for (const one of this.#victims) {
      for (const other of this.#victims) {
        const isLost = sideOf(one) !== sideOf(other) || (isDeaf && other === bridge)
        if (isLost) this.#network.cut(one.index, other.index, 'drops')
      }
    }
  }

  get #swings(): boolean {
    return this.#scenario.faultWeights.some(([kind]) => kind === 'swing-bridge')
  }

  get #middle(): Victim {
    return this.#victims[this.#victims.length >> 1] as Victim
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

function directed(victim: Victim, other: Victim, isInbound: boolean): [from: number, to: number] {
  return isInbound ? [other.index, victim.index] : [victim.index, other.index]
}
