// A world for forming alone: nodes with a disk that takes its time, links that lose, delay and reorder, crashes. It
// knows no Raft; a set counts as alive once a majority of its voters started with it.

import { strict as assert } from 'node:assert'
import {
  Forming,
  type FormingEffect,
  type FormingEvent,
  type FormingInput,
  type FormingMessage,
  type FormingRules,
  type FormingState,
  formingRules,
  type MemberId,
  type Random,
  resolveFormingOptions,
  votersOf,
} from '../../../topology/index.ts'
import { generator } from '../generator.ts'

export interface World {
  readonly nodes: number
  readonly expect: number
  readonly seed: number
  readonly rules?: Partial<FormingRules>
  /** Chance that a message is lost, and the longest time one travels. */
  readonly loss: number
  readonly maxDelayMs: number
  /** Chance that a message arrives a second time. */
  readonly duplication: number
  readonly maxWriteMs: number
  /** Mean time between two crashes or cuts while faults last. */
  readonly faultEveryMs: number
  readonly faultsUntilMs: number
  /** Fresh nodes call the first of them, and one another only after so long. Default: at once. */
  readonly patienceMs?: number
}

interface Node {
  readonly id: MemberId
  forming: Forming | undefined
  /** Survives a crash. */
  durable: FormingState
  /** Since when it holds what it holds, and until when it held each other set, durably. */
  heldSince: number
  readonly heldUntil: Map<string, number>
  /** The life of the process; what belongs to another is ignored. */
  life: number
  timers: Map<string, number>
  formed: readonly MemberId[] | undefined
  isOutside: boolean
}

interface Planned {
  readonly at: number
  readonly order: number
  readonly run: () => void
}

export class FormingWorld {
  readonly world: World
  readonly nodes: readonly Node[]
  readonly #random: Random
  readonly #rules: FormingRules
  #plan: Planned[] = []
  #order = 0
  #isFaulty = true
  /** Pairs whose link is down. */
  readonly #cut = new Set<string>()
  readonly events: FormingEvent[] = []
  /** Starts that rest on a word which may not count. */
  readonly unasked: string[] = []
  now = 0
  /** Messages. */
  sent = 0

  constructor(world: World) {
    this.world = world
    this.#random = generator(world.seed)
    this.#rules = { ...formingRules, ...world.rules }
    this.nodes = Array.from({ length: world.nodes }, (_, index) => ({
      id: `n${index}`,
      forming: undefined,
      durable: { type: 'none' } as const,
      heldSince: 0,
      heldUntil: new Map<string, number>(),
      life: 0,
      timers: new Map<string, number>(),
      formed: undefined,
      isOutside: false,
    }))
    for (const node of this.nodes) this.after(this.#random() * 100, () => this.#boot(node))
    this.#planFault()
    this.after(world.faultsUntilMs, () => this.#heal())
  }

  /** Runs until `until` or until `isDone`. Returns whether it was done. */
  run(until: number, isDone: () => boolean = () => false): boolean {
    while (this.#plan.length > 0) {
      const next = this.#pop()
      if (next.at > until) break
      this.now = next.at
      next.run()
      this.#checkSafety()
      if (isDone()) return true
    }
    return isDone()
  }

  /** Sets of which a majority of the voters started. */
  alive(): readonly (readonly MemberId[])[] {
    const sets = new Map<string, readonly MemberId[]>()
    for (const { formed } of this.nodes) if (formed) sets.set(formed.join(), formed)
    return [...sets.values()].filter((set) => {
      const voters = votersOf(set)
      const started = voters.filter((id) =>
        this.nodes.some((node) => node.id === id && node.formed?.join() === set.join()),
      )
      return started.length > voters.length / 2
    })
  }

  after(ms: number, run: () => void): void {
    this.#plan.push({ at: this.now + ms, order: this.#order++, run })
  }

  #pop(): Planned {
    let first = 0
    for (let index = 1; index < this.#plan.length; index++) {
      const [left, right] = [this.#plan[index] as Planned, this.#plan[first] as Planned]
      if (left.at < right.at || (left.at === right.at && left.order < right.order)) first = index
    }
    return this.#plan.splice(first, 1)[0] as Planned
  }

  /** Two sets that came alive share no node. */
  #checkSafety(): void {
    const alive = this.alive()
    const ids = alive.flat()
    assert.equal(
      new Set(ids).size,
      ids.length,
      `seed ${this.world.seed}: two clusters share a node: ${alive.join(' | ')}`,
    )
    for (const node of this.nodes)
      if (node.durable.type === 'started') assert.ok(node.durable.set.includes(node.id), 'a founder is in its set')
  }

  /** What safety rests on: who starts a set before it is alive does so upon words that were said after it took it. */
  #checkWords(node: Node, state: FormingState): void {
    if (state.type !== 'started' || this.alive().some((set) => set.join() === state.set.join())) return
    for (const other of this.nodes) {
      if (!state.set.includes(other.id)) continue
      const isHeld = holds(other.durable) && other.durable.set.join() === state.set.join()
      const until = isHeld ? this.now : (other.heldUntil.get(state.set.join()) ?? -1)
      if (until < node.heldSince) this.unasked.push(`${node.id} starts upon what ${other.id} said before it was asked`)
    }
  }

  #boot(node: Node): void {
    node.life++
    node.timers = new Map()
    node.isOutside = false
    node.forming = new Forming({
      self: { id: node.id, storeId: `log of ${node.id}` },
      expect: this.world.expect,
      durable: node.durable,
      // Clocks differ, and so do the times at which nodes give up.
      options: resolveFormingOptions({
        stableMs: 50,
        candidateIntervalMs: 20,
        formTimeoutMs: 100 + 300 * this.#random(),
      }),
      clusterIdOf: (set) => set.join('+'),
      random: this.#random,
      rules: this.#rules,
    })
    this.#execute(node, node.forming.start(this.now))
    for (const peer of this.nodes) if (peer !== node && peer.forming) this.#call(node, peer)
  }

  #call(node: Node, peer: Node): void {
    const { patienceMs = 0 } = this.world
    const hub = this.nodes[this.world.seed % this.nodes.length]
    const wait = node === hub || peer === hub ? 0 : patienceMs
    this.#later(node, wait, () => {
      if (peer.forming) this.#link(node, peer)
    })
  }

  #crash(node: Node): void {
    node.life++
    node.forming = undefined
    for (const peer of this.nodes) this.#step(peer, { type: 'disconnected', peer: node.id, announced: false })
    const { life } = node
    this.after(this.#random() * 600, () => {
      if (node.life === life) this.#boot(node)
    })
  }

  #link(left: Node, right: Node): void {
    if (this.#cut.has(pair(left, right))) return
    this.#later(left, 0, () => this.#step(left, { type: 'connected', peer: right.id }))
    this.#later(right, 0, () => this.#step(right, { type: 'connected', peer: left.id }))
  }

  #planFault(): void {
    this.after(this.#random() * 2 * this.world.faultEveryMs, () => {
      if (!this.#isFaulty) return
      const victim = this.#pick()
      if (this.#random() < 0.3 && victim.forming) this.#crash(victim)
      else this.#regroup()
      this.#planFault()
    })
  }

  /** The network falls apart into two groups, drawn anew each time, so that every set gets its chance. */
  #regroup(): void {
    const isLeft = new Set(this.nodes.filter(() => this.#random() < 0.5))
    for (const [index, one] of this.nodes.entries())
      for (const other of this.nodes.slice(index + 1)) this.#setLink(one, other, isLeft.has(one) === isLeft.has(other))
  }

  #setLink(one: Node, other: Node, isUp: boolean): void {
    const key = pair(one, other)
    if (isUp === !this.#cut.has(key)) return
    if (isUp) {
      this.#cut.delete(key)
      if (one.forming && other.forming) this.#link(one, other)
      return
    }
    this.#cut.add(key)
    this.#step(one, { type: 'disconnected', peer: other.id, announced: false })
    this.#step(other, { type: 'disconnected', peer: one.id, announced: false })
  }

  #heal(): void {
    this.#isFaulty = false
    this.#cut.clear()
    for (const node of this.nodes) {
      if (!node.forming) this.#boot(node)
      else for (const peer of this.nodes) if (peer !== node && peer.forming) this.#link(node, peer)
    }
  }

  #step(node: Node, input: FormingInput): void {
    if (node.forming) this.#execute(node, node.forming.step(input, this.now))
  }

  #execute(node: Node, effects: readonly FormingEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'send') this.#deliver(node, effect.to, effect.message)
      else if (effect.type === 'set-timer') this.#setTimer(node, effect.timer, effect.at)
      else if (effect.type === 'clear-timer') node.timers.delete(effect.timer)
      else if (effect.type === 'persist') this.#write(node, effect.ticket, effect.state)
      else this.#emitted(node, effect.event)
    }
  }

  #deliver(from: Node, to: MemberId, message: FormingMessage): void {
    this.sent++
    const target = this.nodes.find((node) => node.id === to) as Node
    if (this.#isFaulty && this.#random() < this.world.loss) return
    const delay = this.#random() * (this.#isFaulty ? this.world.maxDelayMs : 5)
    if (this.#isFaulty && this.#random() < this.world.duplication)
      this.#arrive(from, target, message, this.#random() * 3_000)
    this.#arrive(from, target, message, delay)
  }

  #arrive(from: Node, target: Node, message: FormingMessage, delay: number): void {
    // Neither order nor the life of either end is kept: the proof needs neither.
    this.after(delay, () => {
      if (!this.#cut.has(pair(from, target))) this.#step(target, { type: 'message', from: from.id, message })
    })
  }

  #setTimer(node: Node, timer: string, at: number): void {
    node.timers.set(timer, at)
    this.#later(node, Math.max(0, at - this.now), () => {
      if (node.timers.get(timer) === at) this.#step(node, { type: 'timer', timer })
    })
  }

  #write(node: Node, ticket: number, state: FormingState): void {
    this.#later(node, this.#random() * this.world.maxWriteMs, () => {
      this.#checkWords(node, state)
      if (holds(node.durable)) node.heldUntil.set(node.durable.set.join(), this.now)
      if (!holds(node.durable)) node.heldSince = this.now
      node.durable = state
      this.#step(node, { type: 'persisted', ticket })
    })
  }

  /** Tells founders whether a majority of their set's voters runs, as a leader would. */
  #emitted(node: Node, event: FormingEvent): void {
    this.events.push(event)
    if (event.type === 'outside') node.isOutside = true
    if (event.type !== 'formed') return
    node.formed = event.set
    for (const set of this.alive())
      for (const founder of this.nodes)
        if (founder.formed?.join() === set.join())
          this.#later(founder, 10, () => this.#step(founder, { type: 'alive', alive: true }))
  }

  #later(node: Node, ms: number, run: () => void): void {
    const { life } = node
    this.after(ms, () => {
      if (node.life === life) run()
    })
  }

  #pick(): Node {
    return this.nodes[Math.floor(this.#random() * this.nodes.length)] as Node
  }
}

function holds(state: FormingState): state is Extract<FormingState, { type: 'intent' | 'started' }> {
  return state.type === 'intent' || state.type === 'started'
}

function pair(one: Node, other: Node): string {
  return one.id < other.id ? `${one.id} ${other.id}` : `${other.id} ${one.id}`
}
