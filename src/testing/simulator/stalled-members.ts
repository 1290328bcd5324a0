// Membership alone, in a full mesh under virtual time, while some of its members stand still again and again and come
// back: how often is one of them called down that was only slow, and how long until everybody knows of one that is
// silent for good? The real SWIM core on every member; messages take a millisecond. What a member does when it stands
// still is what a process does that is stopped or whose event loop is blocked: it sends nothing, and all that arrives
// waits.

import { type MemberId, type MemberRecord, Swim, type SwimInput, type SwimOptions } from '../../../topology/index.ts'
import { Prng } from './random.ts'
import { Schedule } from './schedule.ts'
import { type PlanningClock, VirtualTimers } from './virtual-timers.ts'

export interface StallScenario {
  readonly seed: number
  readonly members: number
  readonly options: SwimOptions
  /** False: nobody notices that it was away, as in plain SWIM. */
  readonly noticesAbsence: boolean
  /** Stalls are blocks of the event loop, for which a liveness worker answers; else the whole process stands still. */
  readonly hasWorkers: boolean
  /** Share of the members that stand still again and again. */
  readonly stalling: number
  /** Each time for a time drawn between these, milliseconds. */
  readonly stallMs: readonly [number, number]
  /** Between two stalls of a member, on average; milliseconds. */
  readonly pauseMs: number
  /** In all, before a member falls silent for good; milliseconds. */
  readonly durationMs: number
  /** Its process has ended: links break, and its port refuses whoever knocks. Default: its machine is silent. */
  readonly isCrash?: boolean
}

export interface StallOutcome {
  /** How often somebody came to believe, by its own verdict or another's, that a member is down which was not. */
  readonly falseVerdicts: number
  /** How many stalls there were. */
  readonly stalls: number
  /**
   * From the silence of a member that never stood still to the last of those that do not stand still now believing it
   * down; milliseconds.
   */
  readonly detectedMs: number | undefined
}

const latencyMs = 1
/** Until the port of a process that ended was knocked at. */
const knockMs = 5
/** So long after the silence nobody is waited for any more. */
const detectionLimitMs = 120_000

export function runStalls(scenario: StallScenario): StallOutcome {
  return new StalledMembers(scenario).run()
}

interface Member {
  readonly id: MemberId
  readonly swim: Swim
  readonly timers: VirtualTimers
  /** What waits while it stands still; undefined while it runs. */
  held: { timers: (() => void)[]; messages: (() => void)[] } | undefined
  since: number
}

class StalledMembers {
  readonly #scenario: StallScenario
  readonly #schedule = new Schedule()
  readonly #random: Prng
  readonly #members = new Map<MemberId, Member>()
  readonly #downAt = new Map<MemberId, number>()
  #silent: MemberId | undefined
  #silentSince = 0
  #falseVerdicts = 0
  #stalls = 0

  constructor(scenario: StallScenario) {
    this.#scenario = scenario
    this.#random = new Prng(scenario.seed, 'stalls')
    for (let index = 0; index < scenario.members; index++) this.#add(`member-${index}`, index)
    const all = [...this.#members.keys()]
    for (const member of this.#members.values()) {
      this.#execute(member, member.swim.start(0))
      this.#step(member, { type: 'neighbors', peers: all })
      for (const peer of all) if (peer !== member.id) this.#step(member, { type: 'connected', peer })
    }
  }

  run(): StallOutcome {
    const { members, stalling, durationMs } = this.#scenario
    const all = [...this.#members.values()]
    const slow = all.slice(0, Math.round(members * stalling))
    for (const member of slow) this.#planStall(member)
    this.#runUntil(durationMs, () => false)
    const victim = all.at(-1)!
    this.#silent = victim.id
    this.#silentSince = this.#schedule.now
    victim.held = { timers: [], messages: [] }
    if (this.#scenario.isCrash) for (const observer of all.slice(0, -1)) this.#breakLink(observer, victim.id)
    const watchers = all.slice(slow.length, -1)
    const isKnown = (): boolean => watchers.every(({ id }) => this.#downAt.has(id))
    this.#runUntil(durationMs + detectionLimitMs, isKnown)
    const detectedMs = isKnown() ? Math.max(...watchers.map(({ id }) => this.#downAt.get(id)!)) : undefined
    return { falseVerdicts: this.#falseVerdicts, stalls: this.#stalls, detectedMs }
  }

  #breakLink(observer: Member, peer: MemberId): void {
    const tell = (afterMs: number, input: SwimInput): void =>
      this.#schedule.after(afterMs, () => {
        const work = (): void => this.#step(observer, input)
        if (observer.held) observer.held.messages.push(work)
        else work()
      })
    tell(latencyMs, { type: 'disconnected', peer, announced: false })
    tell(latencyMs + knockMs, { type: 'evidence', peer, generation: 1 })
  }

  #add(id: MemberId, index: number): void {
    const { seed, members, options } = this.#scenario
    const random = new Prng(seed, `swim ${index}`)
    const port = this.#scenario.hasWorkers ? 1 : 0
    const known = Array.from({ length: members }, (_, other) => recordOf(`member-${other}`, port))
    const swim = new Swim({ self: recordOf(id, port), known, options, random: random.next })
    const clock = trueClock(this.#schedule)
    const timers = new VirtualTimers(
      { clock, schedule: this.#schedule, random },
      (work) => (member.held ? member.held.timers.push(work) : work()),
      (timer) => this.#step(member, { type: 'timer', timer }),
    )
    const member: Member = { id, swim, timers, held: undefined, since: 0 }
    this.#members.set(id, member)
  }

  #planStall(member: Member): void {
    this.#schedule.after(this.#random.exponential(this.#scenario.pauseMs), () => this.#stall(member))
  }

  #stall(member: Member): void {
    this.#stalls++
    member.held = { timers: [], messages: [] }
    member.since = this.#schedule.now
    this.#schedule.after(this.#random.between(...this.#scenario.stallMs), () => this.#resume(member))
  }

  #resume(member: Member): void {
    const held = member.held!
    member.held = undefined
    const ms = this.#schedule.now - member.since
    if (this.#scenario.noticesAbsence) this.#step(member, { type: 'away', ms })
    // As Node does it: timers that expired run before the sockets are read.
    for (const work of [...held.timers, ...held.messages]) work()
    this.#planStall(member)
  }

  #step(member: Member, input: SwimInput): void {
    this.#execute(member, member.swim.step(input, this.#schedule.now))
  }

  #execute(member: Member, effects: ReturnType<Swim['step']>): void {
    for (const effect of effects) {
      if (effect.type === 'set-timer') member.timers.set(effect.timer, effect.at)
      else if (effect.type === 'clear-timer') member.timers.clear(effect.timer)
      else if (effect.type === 'send') this.#send(member.id, effect.to, effect.message)
      else if (effect.event.type === 'member') this.#judge(member.id, effect.event.after)
      else if (effect.event.type === 'unanswered') this.#askWorker(member, effect.event.member.id)
    }
  }

  #send(from: MemberId, to: MemberId, message: Extract<SwimInput, { type: 'message' }>['message']): void {
    const target = this.#members.get(to)!
    const arrive = (): void => this.#step(target, { type: 'message', from, message })
    this.#schedule.after(latencyMs, () => (target.held ? target.held.messages.push(arrive) : arrive()))
  }

  /** Who is silent for good has no worker either. */
  #askWorker(observer: Member, peer: MemberId): void {
    const target = this.#members.get(peer)!
    if (peer === this.#silent) return
    this.#schedule.after(2 * latencyMs, () => {
      const ageMs = target.held ? this.#schedule.now - target.since : 0
      const report = (): void => this.#step(observer, { type: 'liveness', peer, generation: 1, ageMs })
      if (observer.held) observer.held.messages.push(report)
      else report()
    })
  }

  #judge(observer: MemberId, { id, state }: MemberRecord): void {
    if (state !== 'down') return
    if (id === this.#silent) this.#downAt.set(observer, this.#schedule.now - this.#silentSince)
    else this.#falseVerdicts++
  }

  #runUntil(at: number, isDone: () => boolean): void {
    while (this.#schedule.now < at && !isDone() && this.#schedule.step());
  }
}

function trueClock(schedule: Schedule): PlanningClock {
  const now = (): number => schedule.now
  return { now, wall: now, boot: now, trueTimeOf: (local) => local }
}

function recordOf(id: MemberId, livenessPort: number): MemberRecord {
  return {
    id,
    name: id,
    address: `${id}:7400`,
    roles: [],
    zone: '',
    livenessPort,
    incarnation: { generation: 1, refutation: 0 },
    state: 'alive',
    condition: 'ok',
  }
}
