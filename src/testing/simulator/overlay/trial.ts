// One seeded world of HyParView and Plumtree under faults: crashes, broken links, partitions, words that come late.
// Some properties hold after every message; then the faults stop, and the overlay must be whole, quiet and cheap.
//
// Membership is stood in for by what the links say: who has been out of reach for a while is believed down, who is in
// reach is alive. So a partition of the overlay is one of membership, and only the overlay can end it.

import {
  HyParView,
  type HyParViewMessage,
  hyParViewRules,
  type MemberId,
  resolveHyParViewOptions,
} from '../../../../topology/index.ts'
import { Prng } from '../random.ts'
import { overlayBugNamed } from './bugs.ts'
import { cutOff, distances, type Graph, graphOf, oneSided } from './graph.ts'
import { memberName, recordOf } from './paper.ts'
import { type OverlayNode, OverlayWorld } from './world.ts'

/** What a trial may find broken. */
export type OverlayProperty =
  | 'late-word'
  | 'views'
  | 'capacity'
  | 'walks-end'
  | 'delivered-once'
  | 'replaced-at-once'
  | 'whole'
  | 'symmetric'
  | 'links-given-up'
  | 'routes'
  | 'everyone-hears'
  | 'redundancy'

/** A property that did not hold, in the world of this seed. */
export class OverlayFailure extends Error {
  override readonly name = 'OverlayFailure'
  readonly property: OverlayProperty
  readonly seed: number
  /** The command that shows it again. */
  readonly replay: string

  constructor(seed: number, property: OverlayProperty, text: string, bug?: string) {
    super(`seed ${seed}: ${property}: ${text}`)
    this.seed = seed
    this.property = property
    this.replay = `trellis simulate overlay --seeds 1 --seed ${seed}${bug === undefined ? '' : ` --bug ${bug}`}`
  }
}

export interface TrialOptions {
  readonly seed: number
  /** One of `overlayBugs`. Default: none. */
  readonly bug?: string | undefined
}

/** How often members learn what the links say of the others. */
const MEMBERSHIP_MS = 500
/** Out of reach for as long: believed down. */
const DOWN_AFTER_MS = 3_000
/** Faults end by then. */
const FAULTS_MS = 60_000
/** From the end of the faults until all must be whole: several calls of the down, and two rounds of shuffles. */
const CALM_MS = 40_000
/** Some round trips, and less than any timer of an overlay that has just changed. */
const REPLACEMENT_MS = 60
/** After so many broadcasts a tree stands. */
const SETTLING_BROADCASTS = 6
const MEASURED_BROADCASTS = 10

/** Runs the world of one seed. Throws an {@link OverlayFailure} at the first property that does not hold. */
export function runOverlayTrial({ seed, bug }: TrialOptions): void {
  new Trial(seed, bug).run()
}

class Trial {
  readonly #seed: number
  readonly #bug: string | undefined
  readonly #random: Prng
  readonly #world: OverlayWorld
  readonly #lastInReach = new Map<string, number>()
  /** The latest epoch that `to` and `from` agreed on, as far as the words that arrived at `to`. */
  readonly #epochs = new Map<string, number>()
  readonly #deliveries = new Map<string, number>()
  #pushes = 0

  constructor(seed: number, bugName: string | undefined) {
    this.#seed = seed
    this.#bug = bugName
    this.#random = new Prng(seed, 'overlay trial')
    const bug = bugName === undefined ? undefined : overlayBugNamed(bugName)
    if (bugName !== undefined && bug === undefined) throw new RangeError(`no bug is called ${bugName}`)
    const options = resolveHyParViewOptions({ activeSize: 2 + this.#random.integer(4), shuffleIntervalMs: 5_000 })
    this.#world = new OverlayWorld({
      seed,
      lateMs: 200,
      create: (self, random) => new HyParView({ self, options, random, rules: bug?.hyParView ?? hyParViewRules }),
      aroundMessage: (node, from, message, step) => this.#watch(node, from, message as HyParViewMessage, step),
      plumtree: bug?.plumtree ? { rules: bug.plumtree } : {},
      onSend: (_from, message) => this.#sent(message as { readonly type: string; readonly timeToLive?: number }),
      onDeliver: (at, { origin, sequence }) => this.#delivered(at, `${at} ${origin} ${sequence}`),
    })
  }

  run(): void {
    const size = 2 + this.#random.integer(30)
    for (let index = 0; index < size; index++) this.#world.add(memberName(index))
    this.#tellMembers()
    this.#storm()
    this.#world.part(() => false)
    this.#pass(CALM_MS)
    this.#checkWhole()
    this.#checkReplacement()
    this.#pass(CALM_MS)
    this.#checkBroadcasts()
  }

  #storm(): void {
    const world = this.#world
    while (world.now < FAULTS_MS) {
      this.#pass(this.#random.exponential(2_000))
      const alive = world.alive()
      const one = this.#random.pick(alive)
      const chance = this.#random.next()
      if (chance < 0.3) for (const peer of [...one.links.keys()]) world.breakLink(one.id, peer)
      else if (chance < 0.4 && alive.length > 3) this.#crash(one)
      else if (chance < 0.5) this.#partition()
      else if (chance < 0.6) world.part(() => false)
      else world.broadcast(one.id, new Uint8Array(16))
    }
  }

  #crash({ id }: OverlayNode): void {
    this.#world.kill(id)
    this.#world.breakLinks(id)
  }

  #partition(): void {
    const sides = new Map([...this.#world.nodes.keys()].map((id) => [id, this.#random.chance(0.5)]))
    this.#world.part((one, other) => sides.get(one) !== sides.get(other))
  }

  /** Time passes, and members hear what the links say of the others. */
  #pass(ms: number): void {
    const end = this.#world.now + ms
    while (this.#world.now < end) {
      this.#world.run(Math.min(MEMBERSHIP_MS, end - this.#world.now))
      this.#tellMembers()
      for (const node of this.#world.alive()) this.#checkNode(node)
    }
  }

  #tellMembers(): void {
    const world = this.#world
    const links: Graph = new Map(world.alive().map(({ id, links: peers }) => [id, [...peers.keys()]]))
    for (const id of links.keys()) {
      const inReach = distances(links, id)
      const records = [...world.nodes.keys()].map((other) => {
        const pair = `${id} ${other}`
        if (inReach.has(other) || !this.#lastInReach.has(pair)) this.#lastInReach.set(pair, world.now)
        const isDown = world.now - (this.#lastInReach.get(pair) ?? 0) > DOWN_AFTER_MS
        return { ...recordOf(other), state: isDown ? ('down' as const) : ('alive' as const) }
      })
      world.tell(id, records)
    }
  }

  #watch({ id, overlay }: OverlayNode, from: MemberId, message: HyParViewMessage, step: () => void): void {
    const pair = `${id} ${from}`
    const isAgreement = message.type === 'neighbor-reply' && message.accepted
    const agreed = this.#epochs.get(pair) ?? 0
    const wasNeighbor = overlay.neighbors().includes(from)
    step()
    const isNeighbor = overlay.neighbors().includes(from)
    if (message.type === 'disconnect' && message.epoch < agreed && wasNeighbor && !isNeighbor)
      this.#fail('late-word', `${id} obeys a disconnect of epoch ${message.epoch} in epoch ${agreed}`)
    const isRequest = message.type === 'join' || message.type === 'neighbor'
    if ((isAgreement || isRequest) && isNeighbor) this.#epochs.set(pair, Math.max(agreed, message.epoch))
  }

  #sent(message: { readonly type: string; readonly timeToLive?: number }): void {
    if (message.type === 'push') this.#pushes++
    if ((message.timeToLive ?? 0) < 0)
      this.#fail('walks-end', `a ${message.type} goes on with ${message.timeToLive} hops`)
  }

  #delivered(at: MemberId, key: string): void {
    const count = (this.#deliveries.get(key) ?? 0) + 1
    this.#deliveries.set(key, count)
    if (count > 1) this.#fail('delivered-once', `${at} gets ${key} again`)
  }

  #checkNode({ id, overlay }: OverlayNode): void {
    const neighbors = overlay.neighbors()
    if (neighbors.length > overlay.capacity) this.#fail('capacity', `${id} has ${neighbors.length} neighbors`)
    if (neighbors.includes(id)) this.#fail('views', `${id} is its own neighbor`)
    const candidates = overlay instanceof HyParView ? overlay.candidates() : []
    const wrong = candidates.find((candidate) => candidate === id || neighbors.includes(candidate))
    if (wrong !== undefined) this.#fail('views', `${id} has ${wrong} for a candidate`)
  }

  #checkWhole(): void {
    // Between a request and its answer one end is ahead of the other; a neighborship that stays one-sided outlives
    // that.
    for (let look = 0; look < 5 && oneSided(graphOf(this.#world)) > 0; look++) this.#pass(1_000)
    const graph = graphOf(this.#world)
    const lost = cutOff(graph)
    if (lost > 0) this.#fail('whole', `${lost} of ${graph.size} members are cut off`)
    if (oneSided(graph) > 0) this.#fail('symmetric', `${oneSided(graph)} neighborships have one end`)
    for (const { id, overlay, held } of this.#world.alive()) {
      const { target, isIsolated } = overlay.connectivity()
      if (target > graph.size - 1) this.#fail('whole', `${id} looks for ${target} of ${graph.size - 1} others`)
      if (isIsolated && graph.size > 1) this.#fail('whole', `${id} is isolated`)
      // One that is being asked, one that is called in hope.
      if (held.size > overlay.neighbors().length + overlay.capacity + 1)
        this.#fail('links-given-up', `${id} holds ${held.size}`)
    }
    this.#checkRoutes(graph)
  }

  #checkRoutes(graph: Graph): void {
    for (const from of graph.keys())
      for (const to of graph.keys()) {
        let at: MemberId | undefined = from
        for (let hops = 0; at !== to; hops++) {
          if (at === undefined || hops > graph.size) this.#fail('routes', `${from} finds no way to ${to}`)
          at = this.#world.node(at).overlay.nextHop(to)
        }
      }
  }

  /**
   * Of a member with candidates, every link breaks at once: it has a neighbor again after some round trips, long before
   * any timer.
   */
  #checkReplacement(): void {
    const world = this.#world
    const member = world.alive().find(({ overlay }) => overlay instanceof HyParView && overlay.candidates().length > 3)
    if (!member) return
    world.breakLinks(member.id)
    world.run(REPLACEMENT_MS)
    if (member.overlay.connectivity().isIsolated) this.#fail('replaced-at-once', `${member.id} is still alone`)
  }

  #checkBroadcasts(): void {
    const size = this.#world.alive().length
    for (let count = 0; count < SETTLING_BROADCASTS + MEASURED_BROADCASTS; count++) {
      if (count === SETTLING_BROADCASTS) this.#pushes = 0
      const before = this.#deliveries.size
      // A link of the tree breaks while the broadcast is on its way.
      const isHurt = count < SETTLING_BROADCASTS && count % 2 === 1
      const source = this.#world.alive()[0] as OverlayNode
      this.#world.broadcast(source.id, new Uint8Array(16))
      if (isHurt) this.#breakSomeLink()
      this.#pass(3_000)
      const reached = this.#deliveries.size - before
      if (reached !== size - 1) this.#fail('everyone-hears', `${reached} of ${size - 1} get a broadcast`)
    }
    const redundancy = this.#pushes / MEASURED_BROADCASTS / Math.max(1, size - 1) - 1
    if (size > 2 && redundancy > 0.25)
      this.#fail('redundancy', `${redundancy.toFixed(2)} copies too many for each member`)
  }

  #breakSomeLink(): void {
    const member = this.#random.pick(this.#world.alive())
    const peer = [...member.links.keys()][0]
    if (peer !== undefined) this.#world.breakLink(member.id, peer)
  }

  #fail(property: OverlayProperty, text: string): never {
    throw new OverlayFailure(this.#seed, property, text, this.#bug)
  }
}
