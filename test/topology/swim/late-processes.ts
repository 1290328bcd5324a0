// Membership in a sparse overlay whose members share processes that are late: all members of a process run in the same
// turn, and the next turn comes when the machine has time for it. In a turn timers that are due run first, then what
// has arrived is read, as Node does it. What goes to somebody who is no neighbor passes over others, each in a turn of
// its own process.

import {
  type MemberId,
  resolveSwimOptions,
  Swim,
  type SwimEffect,
  type SwimInput,
  type SwimMessage,
} from '../../../topology/index.ts'
import { generator } from '../generator.ts'
import { recordOf } from './records.ts'

export interface LateScenario {
  readonly seed: number
  readonly members: number
  readonly processes: number
  /** From one turn of a process to the next, drawn between these, milliseconds. */
  readonly turnMs: readonly [number, number]
  readonly durationMs: number
  /** False: a member has always had something to do a moment before, so that no turn passes for an absence. */
  readonly noticesAbsence?: boolean
  /** Falls silent for good in the middle of it. */
  readonly silent?: MemberId
}

export interface LateOutcome {
  /** How often a member accused, by its own probe, another that was there, while nobody was silent. */
  readonly accusations: number
  /** How often somebody believed one down that was there. */
  readonly wrongVerdicts: number
  /** From the silence of `silent` until the last of the others believed it down. */
  readonly detectedMs: number
}

interface Letter {
  readonly from: MemberId
  readonly to: MemberId
  readonly message: SwimMessage
}

interface Member {
  readonly id: MemberId
  readonly swim: Swim
  readonly neighbors: readonly MemberId[]
  readonly due: Map<string, number>
  readonly arrived: Letter[]
}

const NEIGHBORS = 5
const MONITORED = 3
/** As `AWAY_THRESHOLD_MS` and the beat of the runtime. */
const AWAY_MS = 200
const BEAT_MS = 100

/** Runs it; the same scenario gives the same outcome. */
export function runLate(scenario: LateScenario): LateOutcome {
  return new LateProcesses(scenario).run()
}

class LateProcesses {
  readonly #scenario: LateScenario
  readonly #random: () => number
  readonly #members = new Map<MemberId, Member>()
  /** By member: the neighbor that is next on the way to each other. */
  readonly #ways = new Map<MemberId, ReadonlyMap<MemberId, MemberId>>()
  readonly #downAt = new Map<MemberId, number>()
  #now = 0
  #accusations = 0
  #wrongVerdicts = 0

  constructor(scenario: LateScenario) {
    this.#scenario = scenario
    this.#random = generator(scenario.seed)
    const ids = Array.from({ length: scenario.members }, (_, index) => `m${index}`)
    const graph = this.#graphOf(ids)
    for (const id of ids) {
      const known = ids.map((other) => recordOf(other))
      const swim = new Swim({ self: recordOf(id), known, options: resolveSwimOptions(), random: this.#random })
      const member: Member = { id, swim, neighbors: [...graph.get(id)!], due: new Map(), arrived: [] }
      this.#members.set(id, member)
      this.#ways.set(id, waysFrom(id, graph))
    }
    for (const member of this.#members.values()) {
      this.#execute(member, member.swim.start(0))
      this.#give(member, { type: 'neighbors', peers: member.neighbors })
      this.#give(member, { type: 'monitored', peers: this.#drawn(ids, MONITORED, [member.id, ...member.neighbors]) })
      for (const peer of member.neighbors) this.#give(member, { type: 'connected', peer })
    }
  }

  run(): LateOutcome {
    const { processes, durationMs, silent } = this.#scenario
    const turns = Array.from({ length: processes }, (_, process) => ({ process, last: 0, at: this.#between() }))
    while (this.#now < durationMs) {
      const turn = turns.reduce((first, other) => (other.at < first.at ? other : first))
      this.#now = turn.at
      this.#turn(turn.process, turn.at - turn.last)
      turn.last = turn.at
      turn.at += this.#between()
    }
    const watchers = [...this.#members.keys()].filter((id) => id !== silent)
    const detectedMs = Math.max(...watchers.map((id) => this.#downAt.get(id) ?? Number.POSITIVE_INFINITY))
    return {
      accusations: this.#accusations,
      wrongVerdicts: this.#wrongVerdicts,
      detectedMs: detectedMs - durationMs / 2,
    }
  }

  #turn(process: number, gap: number): void {
    const own = [...this.#members.values()].filter((_, index) => index % this.#scenario.processes === process)
    const running = own.filter(({ id }) => !this.#isSilent(id))
    // What arrives from now on is read in the next turn.
    const waiting = running.map(({ arrived }) => arrived.splice(0))
    for (const member of running) {
      if (gap > AWAY_MS && this.#scenario.noticesAbsence !== false) this.#give(member, { type: 'away', ms: gap })
      this.#give(member, { type: 'loop-delay', ms: Math.max(0, gap - BEAT_MS) })
      for (const [timer, at] of [...member.due])
        if (at <= this.#now && member.due.delete(timer)) this.#give(member, { type: 'timer', timer })
    }
    for (const [index, member] of running.entries()) for (const letter of waiting[index]!) this.#pass(member, letter)
  }

  #pass(at: Member, letter: Letter): void {
    if (letter.to === at.id) this.#give(at, { type: 'message', from: letter.from, message: letter.message })
    else this.#members.get(this.#ways.get(at.id)!.get(letter.to)!)!.arrived.push(letter)
  }

  #give(member: Member, input: SwimInput): void {
    this.#execute(member, member.swim.step(input, this.#now))
  }

  #execute(member: Member, effects: readonly SwimEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'set-timer') member.due.set(effect.timer, effect.at)
      else if (effect.type === 'clear-timer') member.due.delete(effect.timer)
      else if (effect.type === 'send') this.#pass(member, { from: member.id, to: effect.to, message: effect.message })
      else if (effect.event.type === 'member') this.#judge(member.id, effect.event)
    }
  }

  #judge(
    by: MemberId,
    { after, accusers }: { after: { id: MemberId; state: string }; accusers: readonly MemberId[] },
  ): void {
    const isRight = this.#isSilent(after.id)
    // A member that is silent also passes nothing on, and here nobody finds another way.
    const mayBeLost = this.#isSilent(this.#scenario.silent)
    if (after.state === 'suspect' && accusers.length === 1 && accusers[0] === by && !mayBeLost) this.#accusations++
    if (after.state !== 'down') return
    if (isRight) this.#downAt.set(by, this.#now)
    else this.#wrongVerdicts++
  }

  #isSilent(id: MemberId | undefined): boolean {
    return id !== undefined && id === this.#scenario.silent && this.#now >= this.#scenario.durationMs / 2
  }

  #between(): number {
    const [least, most] = this.#scenario.turnMs
    return least + this.#random() * (most - least)
  }

  /** Connected, for each is linked to the one before it. */
  #graphOf(ids: readonly MemberId[]): Map<MemberId, Set<MemberId>> {
    const graph = new Map(ids.map((id) => [id, new Set<MemberId>()]))
    const link = (one: MemberId, other: MemberId): void => {
      graph.get(one)!.add(other)
      graph.get(other)!.add(one)
    }
    for (let index = 1; index < ids.length; index++) link(ids[index - 1]!, ids[index]!)
    for (const id of ids)
      for (const other of this.#drawn(ids, NEIGHBORS, [id]))
        if (graph.get(id)!.size < NEIGHBORS && graph.get(other)!.size < NEIGHBORS) link(id, other)
    return graph
  }

  #drawn(ids: readonly MemberId[], count: number, without: readonly MemberId[]): MemberId[] {
    const others = ids.filter((id) => !without.includes(id))
    return Array.from({ length: count }, () => others.splice(Math.floor(this.#random() * others.length), 1)[0]!)
  }
}

function waysFrom(
  self: MemberId,
  graph: ReadonlyMap<MemberId, ReadonlySet<MemberId>>,
): ReadonlyMap<MemberId, MemberId> {
  const ways = new Map<MemberId, MemberId>([...graph.get(self)!].map((id) => [id, id]))
  for (const [at, hop] of ways)
    for (const next of graph.get(at)!) if (next !== self && !ways.has(next)) ways.set(next, hop)
  return ways
}
