// Many members with nothing but an overlay, and Plumtree above it when asked for, over a network of links under virtual
// time: small enough per member that ten thousand of them fit. Membership is given, not simulated: who is told what of
// whom is the caller's to say.
//
// A link is a pair of ends with messages in order each way. Dialing takes a round trip, or fails after one when nobody
// answers. An end that is closed says goodbye behind what it sent. What was under way on a former link may still
// arrive after the next one is up: overlays must stand that.

import {
  type MemberId,
  type MemberRecord,
  type OverlayEffect,
  type OverlayInput,
  Plumtree,
  type PlumtreeEffect,
  type PlumtreeInput,
  type PlumtreeRules,
  type Random,
  resolvePlumtreeOptions,
} from '../../../../topology/index.ts'
import type { AnyOverlay } from '../../compliance/overlay.ts'
import { Prng } from '../random.ts'
import { Schedule } from '../schedule.ts'

export interface OverlayWorldOptions {
  readonly seed: number
  readonly create: (self: MemberId, random: Random) => AnyOverlay
  /** Milliseconds one way, drawn evenly between the two for each message. Default 0.2 to 1: one data center. */
  readonly latencyMs?: readonly [number, number]
  /** Milliseconds by which what was under way on a closed link may come later than the rest. Default 0. */
  readonly lateMs?: number
  /** Plumtree above the overlay, with these rules. Default: none. */
  readonly plumtree?: { readonly rules?: PlumtreeRules } | undefined
  /** Told of every message that is sent. */
  readonly onSend?: (from: MemberId, message: unknown, layer: 'overlay' | 'plumtree', to: MemberId) => void
  /** Around each message that an overlay takes: calls `step` once. */
  readonly aroundMessage?: (at: OverlayNode, from: MemberId, message: unknown, step: () => void) => void
  readonly onDeliver?: (at: MemberId, event: Delivery) => void
}

export interface Delivery {
  readonly origin: MemberId
  readonly sequence: number
  readonly hops: number
  readonly at: number
}

/** Between two dials of a link that is wanted and not to be had. */
const REDIAL_MS = 1_000

interface SimulatedLink {
  readonly ends: readonly [MemberId, MemberId]
  /** What was under way is lost; after a goodbye it is not. */
  isBroken: boolean
  /** When the last message arrives at each end: none overtakes it. */
  readonly arrival: [number, number]
}

/** One member. */
export interface OverlayNode {
  readonly id: MemberId
  readonly overlay: AnyOverlay
  readonly plumtree: Plumtree | undefined
  readonly links: Map<MemberId, SimulatedLink>
  /** Wanted by the overlay. */
  readonly held: Set<MemberId>
  readonly timers: Map<string, number>
  isAlive: boolean
}

export class OverlayWorld {
  readonly nodes = new Map<MemberId, OverlayNode>()
  /** Timers of this name wait until they are let go: rounds happen when the caller says so. */
  readonly heldTimers = new Set<string>()
  readonly #options: OverlayWorldOptions
  readonly #schedule = new Schedule()
  readonly #random: Prng
  readonly #waiting: (() => void)[] = []
  /** Whether these two cannot reach each other. */
  #isParted: (one: MemberId, other: MemberId) => boolean = () => false

  constructor(options: OverlayWorldOptions) {
    this.#options = options
    this.#random = new Prng(options.seed, 'overlay world')
  }

  get now(): number {
    return this.#schedule.now
  }

  get random(): Prng {
    return this.#random
  }

  add(id: MemberId): OverlayNode {
    const { seed, create, plumtree } = this.#options
    const random = new Prng(seed, `overlay ${id}`).next
    const tree =
      plumtree &&
      new Plumtree({
        self: id,
        generation: 1,
        options: resolvePlumtreeOptions(),
        random: new Prng(seed, `plumtree ${id}`).next,
        ...(plumtree.rules && { rules: plumtree.rules }),
      })
    const node: OverlayNode = {
      id,
      overlay: create(id, random),
      plumtree: tree,
      links: new Map(),
      held: new Set(),
      timers: new Map(),
      isAlive: true,
    }
    this.nodes.set(id, node)
    return node
  }

  alive(): OverlayNode[] {
    return [...this.nodes.values()].filter(({ isAlive }) => isAlive)
  }

  node(id: MemberId): OverlayNode {
    const node = this.nodes.get(id)
    if (!node) throw new RangeError(`${id} is not in this world`)
    return node
  }

  /** Tells one member of its cluster. */
  tell(id: MemberId, members: readonly MemberRecord[]): void {
    this.step(this.node(id), { type: 'members', members })
  }

  step(node: OverlayNode, input: OverlayInput<unknown>): void {
    if (!node.isAlive) return
    for (const effect of node.overlay.step(input, this.now)) this.#carryOut(node, effect)
    if (node.plumtree) this.#tellNeighbors(node)
  }

  broadcast(from: MemberId, payload: Uint8Array): void {
    const node = this.node(from)
    this.#stepPlumtree(node, { type: 'broadcast', payload })
  }

  /** Dead at once, and nobody knows: links to it fail when they are used, or when they are broken. */
  kill(id: MemberId): void {
    this.node(id).isAlive = false
  }

  breakLinks(id: MemberId): void {
    for (const peer of [...this.node(id).links.keys()]) this.breakLink(id, peer)
  }

  /** No goodbye: both ends find the link gone. */
  breakLink(one: MemberId, other: MemberId): void {
    const link = this.node(one).links.get(other)
    if (!link) return
    link.isBroken = true
    for (const [id, peer] of [
      [one, other],
      [other, one],
    ] as const) {
      const node = this.node(id)
      if (node.links.get(peer) !== link) continue
      node.links.delete(peer)
      this.step(node, { type: 'disconnected', peer, announced: false })
    }
  }

  /** Cuts the links between those that `isParted`, and lets no new one be made until told otherwise. */
  part(isParted: (one: MemberId, other: MemberId) => boolean): void {
    this.#isParted = isParted
    for (const node of this.nodes.values())
      for (const peer of [...node.links.keys()]) if (isParted(node.id, peer)) this.breakLink(node.id, peer)
  }

  /** Lets virtual time pass. */
  run(ms: number): void {
    const end = this.now + ms
    let isOver = false
    this.#schedule.at(end, () => {
      isOver = true
    })
    while (!isOver) this.#schedule.step()
  }

  /** The held timers fire, spread over `ms`. */
  releaseTimers(ms: number): void {
    for (const fire of this.#waiting.splice(0)) this.#schedule.after(this.#random.between(0, ms), fire)
  }

  #carryOut(node: OverlayNode, effect: OverlayEffect<unknown, unknown>): void {
    switch (effect.type) {
      case 'link':
        node.held.add(effect.peer)
        if (!node.links.has(effect.peer)) this.#dial(node, effect.peer, effect.after)
        break
      case 'unlink':
        node.held.delete(effect.peer)
        this.#close(node, effect.peer)
        break
      case 'send':
        this.#send(node, effect.to, effect.message, 'overlay')
        break
      case 'set-timer':
      case 'clear-timer':
        this.#setTimer(node, effect, (timer) => this.step(node, { type: 'timer', timer }))
        break
      case 'emit':
        break
      default:
        effect satisfies never
    }
  }

  #stepPlumtree(node: OverlayNode, input: PlumtreeInput): void {
    if (!node.isAlive || !node.plumtree) return
    for (const effect of node.plumtree.step(input, this.now)) this.#carryOutPlumtree(node, effect)
  }

  #carryOutPlumtree(node: OverlayNode, effect: PlumtreeEffect): void {
    switch (effect.type) {
      case 'send':
        this.#send(node, effect.to, effect.message, 'plumtree')
        break
      case 'set-timer':
      case 'clear-timer':
        this.#setTimer(node, { ...effect, timer: `plumtree ${effect.timer}` }, (timer) =>
          this.#stepPlumtree(node, { type: 'timer', timer: timer.slice('plumtree '.length) }),
        )
        break
      case 'emit':
        if (effect.event.type === 'delivered') {
          const { id, hops } = effect.event
          this.#options.onDeliver?.(node.id, { origin: id.origin, sequence: id.sequence, hops, at: this.now })
        }
        break
      default:
        effect satisfies never
    }
  }

  #tellNeighbors(node: OverlayNode): void {
    const peers = node.overlay.neighbors().filter((peer) => node.links.has(peer))
    const { eager, lazy } = node.plumtree?.links() ?? { eager: [], lazy: [] }
    const known = new Set([...eager, ...lazy])
    if (peers.length === known.size && peers.every((peer) => known.has(peer))) return
    this.#stepPlumtree(node, { type: 'neighbors', peers, isMesh: false })
  }

  #setTimer(
    node: OverlayNode,
    effect: { readonly type: 'set-timer' | 'clear-timer'; readonly timer: string; readonly at?: number },
    fire: (timer: string) => void,
  ): void {
    const { timer, at } = effect
    if (at === undefined) {
      node.timers.delete(timer)
      return
    }
    node.timers.set(timer, at)
    this.#schedule.at(at, () => {
      if (!node.isAlive || node.timers.get(timer) !== at) return
      const due = (): void => {
        if (node.timers.get(timer) === at) fire(timer)
      }
      if (this.heldTimers.has(timer)) this.#waiting.push(due)
      else due()
    })
  }

  #latency(): number {
    const [least, most] = this.#options.latencyMs ?? [0.2, 1]
    return this.#random.between(least, most)
  }

  #send(node: OverlayNode, to: MemberId, message: unknown, layer: 'overlay' | 'plumtree'): void {
    const link = node.links.get(to)
    if (!link) return
    this.#options.onSend?.(node.id, message, layer, to)
    const target = this.node(to)
    if (!target.isAlive) {
      // The other end of a socket that is gone answers with a reset.
      this.#schedule.after(2 * this.#latency(), () => this.breakLink(node.id, to))
      return
    }
    this.#deliver(link, to, () => {
      if (link.isBroken || !target.isAlive) return
      if (layer === 'overlay') this.#receive(target, node.id, message)
      else this.#stepPlumtree(target, { type: 'message', from: node.id, message: message as never })
    })
  }

  #receive(node: OverlayNode, from: MemberId, message: unknown): void {
    const step = (): void => this.step(node, { type: 'message', from, message })
    if (this.#options.aroundMessage) this.#options.aroundMessage(node, from, message, step)
    else step()
  }

  /** In order with what was sent before to this end. */
  #deliver(link: SimulatedLink, to: MemberId, arrive: () => void): void {
    const end = link.ends[0] === to ? 0 : 1
    const late = this.#random.chance(0.05) ? this.#random.between(0, this.#options.lateMs ?? 0) : 0
    const at = Math.max(link.arrival[end], this.now + this.#latency() + late)
    link.arrival[end] = at
    this.#schedule.at(at, arrive)
  }

  #dial(node: OverlayNode, peer: MemberId, after: number): void {
    this.#schedule.after(after + 2 * this.#latency(), () => {
      if (!node.isAlive || !node.held.has(peer) || node.links.has(peer)) return
      const target = this.nodes.get(peer)
      if (target?.isAlive && !this.#isParted(node.id, peer)) return this.#connect(node, target)
      this.step(node, { type: 'unreachable', peer })
      if (node.held.has(peer)) this.#dial(node, peer, REDIAL_MS)
    })
  }

  /** A link between these two is up from now on. */
  connect(one: MemberId, other: MemberId): void {
    this.#connect(this.node(one), this.node(other))
  }

  #connect(node: OverlayNode, target: OverlayNode): void {
    const link: SimulatedLink = { ends: [node.id, target.id], isBroken: false, arrival: [0, 0] }
    // The other end may not have heard yet that the former link was closed here: the new one takes its place.
    node.links.set(target.id, link)
    target.links.set(node.id, link)
    this.step(node, { type: 'connected', peer: target.id })
    this.step(target, { type: 'connected', peer: node.id })
  }

  /** This end is gone at once; the other one hears the goodbye behind what was sent before. */
  #close(node: OverlayNode, peer: MemberId): void {
    const link = node.links.get(peer)
    if (!link) return
    node.links.delete(peer)
    this.step(node, { type: 'disconnected', peer, announced: true })
    const target = this.node(peer)
    this.#deliver(link, peer, () => {
      if (target.links.get(node.id) !== link) return
      target.links.delete(node.id)
      this.step(target, { type: 'disconnected', peer: node.id, announced: true })
      if (target.isAlive && target.held.has(node.id)) this.#dial(target, node.id, REDIAL_MS)
    })
  }
}
