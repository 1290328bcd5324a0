// Members of one membership on one clock, wired as the runtime wires them: whom they know they are linked to, messages
// take a millisecond, and everything that happens becomes a line.

import assert from 'node:assert/strict'
import {
  type MemberRecord,
  resolveSwimOptions,
  type Signatures,
  Swim,
  type SwimEffect,
  type SwimInput,
  type SwimMessage,
  type SwimOptions,
} from '../../../topology/index.ts'
import { generator } from '../../topology/generator.ts'
import { eventText, messageText, round } from './swim-text.ts'

const LATENCY_MS = 1
/** Round numbers, so that a scenario can be followed by eye; what the presets say is not its subject. */
const timing = { probeIntervalMs: 1_000, probeTimeoutMs: 500, suspicionMultiplier: 4 }
/** Until the port of a crashed process was knocked at. */
const KNOCK_MS = 5

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

interface Member {
  readonly id: string
  generation: number
  /** Undefined while the process does not run. */
  swim: Swim | undefined
  /** The process stands still: what arrives waits, timers do not fire. */
  isPaused: boolean
  expired: (() => void)[]
  waiting: (() => void)[]
  /** What it will remember when it is started again. */
  known: readonly MemberRecord[]
}

export class SwimCluster {
  readonly #members = new Map<string, Member>()
  readonly #options: SwimOptions
  readonly #signing: { readonly signing?: Signatures }
  readonly #linked = new Set<string>()
  /** The side of each member while the network is parted. */
  #sides = new Map<string, number>()
  #plan: Planned[] = []
  #order = 0
  #lines: string[] = []
  now = 0

  constructor(ids: readonly string[], options: Partial<SwimOptions> = {}, signing?: Signatures) {
    this.#signing = signing ? { signing } : {}
    this.#options = resolveSwimOptions({ ...timing, ...options })
    for (const id of ids)
      this.#members.set(id, {
        id,
        generation: 0,
        swim: undefined,
        isPaused: false,
        expired: [],
        waiting: [],
        known: [],
      })
  }

  /** Lines since the last call. */
  takeLines(): readonly string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  swim(id: string): Swim {
    const { swim } = this.#member(id)
    assert.ok(swim, `${id} runs`)
    return swim
  }

  ids(): readonly string[] {
    return [...this.#members.keys()]
  }

  /** Starts the process in a new generation; it is linked to all that run. */
  start(id: string): void {
    const member = this.#member(id)
    assert.ok(!member.swim, `${id} does not run yet`)
    // Links of a former life that went silently: its machine now says that it knows nothing of them.
    for (const other of this.#members.values())
      if (this.#unlink(member, other)) this.step(other.id, { type: 'disconnected', peer: id, announced: false })
    member.generation++
    member.swim = new Swim({
      self: recordOf(id, member.generation),
      known: member.known,
      options: this.#options,
      random: generator([...this.#members.keys()].indexOf(id) * 1_000 + member.generation),
      ...this.#signing,
    })
    this.#execute(member, member.swim.start(this.now))
    this.#tellNeighbors(member)
    for (const other of this.#members.values()) if (other !== member && other.swim) this.#link(member, other)
  }

  /** The process ends. `isRefused`: its machine says so to whoever knocks; otherwise nothing is heard any more. */
  crash(id: string, isRefused: boolean): void {
    const member = this.#member(id)
    member.known = this.swim(id).members()
    member.swim = undefined
    for (const other of this.#members.values()) {
      if (!isRefused || !this.#unlink(member, other)) continue
      this.step(other.id, { type: 'disconnected', peer: id, announced: false })
      this.#after(KNOCK_MS, () => {
        if (other.swim && !this.#isParted(id, other.id)) this.step(other.id, { type: 'evidence', peer: id })
      })
    }
  }

  /** Says goodbye and ends. */
  leave(id: string): void {
    this.step(id, { type: 'leave' })
    this.run(2 * LATENCY_MS)
    const member = this.#member(id)
    member.swim = undefined
    for (const other of this.#members.values())
      if (this.#unlink(member, other)) this.step(other.id, { type: 'disconnected', peer: id, announced: true })
  }

  /**
   * Nothing passes between the sides, and nobody notices but by silence; without sides all is whole, and links come up.
   */
  part(sides: readonly (readonly string[])[]): void {
    this.#sides = new Map(sides.flatMap((side, index) => side.map((id) => [id, index] as const)))
    if (sides.length > 0) return
    const running = [...this.#members.values()].filter(({ swim }) => swim)
    for (const [index, one] of running.entries())
      for (const other of running.slice(index + 1)) if (!this.#linked.has(pairOf(one, other))) this.#link(one, other)
  }

  /** Links between the sides close, as they do when the keep-alive of either end gives up. */
  closeParted(): void {
    for (const one of this.#members.values())
      for (const other of this.#members.values()) {
        if (!this.#isParted(one.id, other.id) || !this.#unlink(one, other)) continue
        this.step(one.id, { type: 'disconnected', peer: other.id, announced: false })
        this.step(other.id, { type: 'disconnected', peer: one.id, announced: false })
      }
  }

  pause(id: string): void {
    this.#member(id).isPaused = true
  }

  /** It runs on. `isNoticed`: the driver knows that it was away and says so before anything else. */
  resume(id: string, ms: number, isNoticed: boolean): void {
    const member = this.#member(id)
    member.isPaused = false
    if (isNoticed) this.step(id, { type: 'away', ms })
    // As Node does it: timers that expired run before the sockets are read.
    const held = [...member.expired, ...member.waiting]
    member.expired = []
    member.waiting = []
    for (const run of held) run()
  }

  step(id: string, input: SwimInput): void {
    const member = this.#member(id)
    if (!member.swim) return
    if (member.isPaused) {
      const held = input.type === 'timer' ? member.expired : member.waiting
      held.push(() => this.step(id, input))
      return
    }
    this.#execute(member, member.swim.step(input, this.now))
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms
    for (let next = this.#next(end); next; next = this.#next(end)) {
      this.now = next.at
      next.run()
    }
    this.now = end
  }

  #next(end: number): Planned | undefined {
    let first: Planned | undefined
    for (const planned of this.#plan)
      if (!first || planned.at < first.at || (planned.at === first.at && planned.order < first.order)) first = planned
    if (!first || first.at > end) return undefined
    this.#plan.splice(this.#plan.indexOf(first), 1)
    return first
  }

  #execute(member: Member, effects: readonly SwimEffect[]): void {
    let hasChanged = false
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#deliver(member, effect.to, effect.message)
          break
        case 'set-timer':
          this.#line(`${member.id}: set ${effect.timer} at ${round(effect.at)}`)
          this.#planTimer(member, effect.timer, effect.at)
          break
        case 'clear-timer':
          this.#line(`${member.id}: clear ${effect.timer}`)
          break
        case 'emit':
          this.#line(`${member.id}: ${eventText(effect.event)}`)
          hasChanged = hasChanged || effect.event.type === 'member'
          break
        default:
          effect satisfies never
      }
    }
    if (hasChanged) this.#tellNeighbors(member)
  }

  #deliver(from: Member, to: string, message: SwimMessage): void {
    const target = this.#member(to)
    const isLinked = this.#linked.has(pairOf(from, target))
    const isLost = !isLinked || this.#isParted(from.id, to) || !target.swim
    this.#line(`${from.id} -> ${to}  ${messageText(message)}${isLost ? '  (lost)' : ''}`)
    if (isLost) return
    const { swim } = target
    this.#after(LATENCY_MS, () => {
      if (target.swim === swim && !this.#isParted(from.id, to))
        this.step(to, { type: 'message', from: from.id, message })
    })
  }

  /** Timers that were moved or cleared fire all the same: the core must ignore them. */
  #planTimer(member: Member, timer: string, at: number): void {
    const { swim } = member
    this.#after(at - this.now, () => {
      if (member.swim === swim) this.step(member.id, { type: 'timer', timer })
    })
  }

  #tellNeighbors(member: Member): void {
    const peers = this.swim(member.id)
      .members()
      .filter(({ id, state }) => id !== member.id && state !== 'left')
    this.step(member.id, { type: 'neighbors', peers: peers.map(({ id }) => id) })
  }

  #link(one: Member, other: Member): void {
    if (this.#isParted(one.id, other.id)) return
    this.#linked.add(pairOf(one, other))
    this.step(one.id, { type: 'connected', peer: other.id })
    this.step(other.id, { type: 'connected', peer: one.id })
  }

  #unlink(one: Member, other: Member): boolean {
    return this.#linked.delete(pairOf(one, other))
  }

  #isParted(one: string, other: string): boolean {
    return this.#sides.get(one) !== this.#sides.get(other)
  }

  #after(ms: number, run: () => void): void {
    this.#plan.push({ at: this.now + Math.max(0, ms), order: this.#order++, run })
  }

  #line(text: string): void {
    this.#lines.push(`${String(round(this.now)).padStart(7)}  ${text}`)
  }

  #member(id: string): Member {
    const member = this.#members.get(id)
    assert.ok(member, `${id} is a member`)
    return member
  }
}

function pairOf(one: Member, other: Member): string {
  return one.id < other.id ? `${one.id} ${other.id}` : `${other.id} ${one.id}`
}

function recordOf(id: string, generation: number): MemberRecord {
  return {
    id,
    name: `node-${id}`,
    address: `${id}:7400`,
    roles: [],
    zone: '',
    livenessPort: 0,
    incarnation: { generation, refutation: 0 },
    state: 'alive',
    condition: 'ok',
  }
}
