// The experiments of the two papers, with their parameters, on the real cores. Leitão, Pereira, Rodrigues 2007:
// HyParView (DSN), section 5; Plumtree (SRDS), section 4. Members join one by one through one contact, nobody is told
// who else there is, and fifty rounds of shuffles pass; then a share of them fails at once.

import { HyParView, type MemberId, type MemberRecord, resolveHyParViewOptions } from '../../../../topology/index.ts'
import { clustering, cutOff, flood, graphOf, inDegrees, oneSided, pathLengths } from './graph.ts'
import { type Delivery, type OverlayNode, OverlayWorld, type OverlayWorldOptions } from './world.ts'

/** Rounds of shuffles before anything is measured (section 5.1). */
const ROUNDS = 50
const ROUND_MS = 10_000
/** Between two broadcasts: a repair takes some round trips. */
const GAP_MS = 20
/** Members from which shortest ways are measured: all of 10,000 would take minutes and change the third digit. */
const PATH_SOURCES = 200
/** Sent in each round while an overlay heals. */
const BROADCASTS_PER_ROUND = 10
const MAX_HEALING_ROUNDS = 30
/** Of the members alive, how many a healed overlay reaches. */
const HEALED = 0.999

export interface PaperSetup {
  readonly members: number
  readonly seed: number
  /** Default: as many as in the papers. */
  readonly rounds?: number
  /** What members are called: short by default, for ten thousand of them. */
  readonly nameOf?: (index: number) => MemberId
}

/** Views as they are after the rounds, so that every experiment begins with the same ones. */
export interface Formation {
  readonly seed: number
  readonly members: readonly {
    readonly id: MemberId
    readonly neighbors: readonly MemberId[]
    readonly candidates: readonly MemberId[]
  }[]
}

/** Members join one by one, then rounds pass. */
export function form({ members, seed, rounds = ROUNDS, nameOf = memberName }: PaperSetup): Formation {
  const world = paperWorld(seed)
  const first = nameOf(0)
  for (let index = 0; index < members; index++) {
    const id = nameOf(index)
    world.add(id)
    world.tell(id, index === 0 ? [recordOf(id)] : [recordOf(id), recordOf(first)])
    world.run(GAP_MS)
    // From now on it knows only whom the protocol tells it of.
    world.tell(id, [recordOf(id)])
  }
  for (let round = 0; round < rounds; round++) nextRound(world)
  const viewsOf = ({ id, overlay }: OverlayNode): Formation['members'][number] => ({
    id,
    neighbors: overlay.neighbors(),
    candidates: overlay instanceof HyParView ? overlay.candidates() : [],
  })
  return { seed, members: [...world.nodes.values()].map(viewsOf) }
}

/**
 * A fresh world with those views: neighbors have asked each other, candidates have come with a shuffle. The timers of
 * shuffles are held.
 */
export function worldOf({ seed, members }: Formation, more: Partial<OverlayWorldOptions> = {}): OverlayWorld {
  const world = paperWorld(seed, more)
  for (const { id } of members) world.add(id)
  for (const { id } of members) world.tell(id, [recordOf(id)])
  for (const { id, neighbors } of members) for (const peer of neighbors) if (id < peer) world.connect(id, peer)
  for (const { id, neighbors, candidates } of members) {
    const node = world.node(id)
    for (const from of neighbors)
      world.step(node, { type: 'message', from, message: { type: 'neighbor', epoch: 1, priority: 'high' } })
    const sample = candidates.map((candidate) => ({ id: candidate, age: 0 }))
    world.step(node, { type: 'message', from: id, message: { type: 'shuffle-reply', path: [], sample } })
  }
  world.run(GAP_MS)
  return world
}

function paperWorld(seed: number, more: Partial<OverlayWorldOptions> = {}): OverlayWorld {
  // Candidates grow old by the hundred rounds, and nobody is down by anybody's word: what the paper does not have is
  // off.
  const options = resolveHyParViewOptions({ maxCandidateAge: 10_000, mergeIntervalMs: 600_000, maxRoutedMembers: 0 })
  const world = new OverlayWorld({
    seed,
    create: (self, random) => new HyParView({ self, random, options, isOpen: true }),
    ...more,
  })
  world.heldTimers.add('shuffle')
  return world
}

/** Every member shuffles once. */
export function nextRound(world: OverlayWorld): void {
  world.run(1.5 * ROUND_MS)
  world.releaseTimers(ROUND_MS / 2)
  world.run(ROUND_MS / 2 + 1_000)
}

export interface GraphFigures {
  readonly inDegrees: ReadonlyMap<number, number>
  readonly clustering: number
  readonly meanPath: number
  readonly longestPath: number
  readonly cutOff: number
  readonly oneSided: number
}

export function graphFigures(world: OverlayWorld): GraphFigures {
  const graph = graphOf(world)
  const sources = world.random.shuffle([...graph.keys()]).slice(0, PATH_SOURCES)
  const { mean, longest } = pathLengths(graph, sources)
  return {
    inDegrees: inDegrees(graph),
    clustering: clustering(graph),
    meanPath: mean,
    longestPath: longest,
    cutOff: cutOff(graph),
    oneSided: oneSided(graph),
  }
}

export interface FailureFigures {
  /**
   * Share of the living that the first broadcast reached, at the instant of the failure, before anybody could react.
   */
  readonly first: number
  /** Mean of the first ten. */
  readonly firstTen: number
  /** Mean of all but the first ten. */
  readonly later: number
  /** Rounds of shuffles until the overlay is healed; undefined: not within thirty. */
  readonly healingRounds: number | undefined
}

/**
 * Sections 5.2 and 5.3: `share` of the members fail at once, then broadcasts are sent, then rounds pass until the
 * overlay is healed. A failed process closes its sockets, as TCP does for the paper; the first broadcast is sent before
 * anybody has read that.
 */
export function failAtOnce(formation: Formation, share: number, broadcasts: number): FailureFigures {
  const world = worldOf(formation)
  const ids = world.random.shuffle([...world.nodes.keys()])
  const failed = ids.slice(0, Math.round(share * ids.length))
  for (const id of failed) world.kill(id)
  const first = reachOfOne(world)
  for (const id of failed) world.breakLinks(id)
  const reached = [first]
  world.run(GAP_MS)
  while (reached.length < broadcasts) {
    reached.push(reachOfOne(world))
    world.run(GAP_MS)
  } // The broadcasts have healed part of it already; so the paper counts too (section 5.3 sends in every round).
  let healingRounds: number | undefined
  for (let round = 1; round <= MAX_HEALING_ROUNDS && healingRounds === undefined; round++) {
    nextRound(world)
    const mean = average(
      Array.from({ length: BROADCASTS_PER_ROUND }, () => {
        world.run(GAP_MS)
        return reachOfOne(world)
      }),
    )
    if (mean >= HEALED) healingRounds = round
  }
  return {
    first,
    firstTen: average(reached.slice(0, 10)),
    later: average(reached.slice(10)),
    healingRounds,
  }
}

function reachOfOne(world: OverlayWorld): number {
  const alive = world.alive()
  const { reached } = flood(world, world.random.pick(alive))
  return reached / alive.length
}

export interface TreeFigures {
  /**
   * Copies of the payload beyond one for each member, over members (section 4.2): of the first broadcast, and the mean
   * of the later half.
   */
  readonly firstRedundancy: number
  readonly steadyRedundancy: number
  /** Hops of the last delivery of each of the later half: mean. */
  readonly lastHops: number
  readonly delivered: number
}

/** Plumtree over HyParView: broadcasts from one member, or each from another one. */
export function broadcastTree(formation: Formation, broadcasts: number, senders: 'one' | 'many'): TreeFigures {
  let copies = 0
  let deliveries: Delivery[] = []
  const world = worldOf(formation, {
    plumtree: {},
    onSend: (_from, message, layer) => {
      if (layer === 'plumtree' && (message as { type: string }).type === 'push') copies++
    },
    onDeliver: (_at, delivery) => deliveries.push(delivery),
  })
  const figures = Array.from({ length: broadcasts }, () => {
    copies = 0
    deliveries = []
    world.broadcast(senders === 'one' ? memberName(1) : world.random.pick(world.alive()).id, new Uint8Array(64))
    world.run(1_000)
    const lastHops = deliveries.reduce((most, { hops }) => Math.max(most, hops), 0)
    return { redundancy: copies / (world.nodes.size - 1) - 1, lastHops, delivered: deliveries.length }
  })
  const later = figures.slice(Math.floor(broadcasts / 2))
  return {
    firstRedundancy: figures[0]?.redundancy ?? 0,
    steadyRedundancy: average(later.map(({ redundancy }) => redundancy)),
    lastHops: average(later.map(({ lastHops }) => lastHops)),
    delivered: average(later.map(({ delivered }) => delivered / (world.nodes.size - 1))),
  }
}

export function memberName(index: number): MemberId {
  return `m${index}`
}

export function recordOf(id: MemberId): MemberRecord {
  return {
    id,
    name: id,
    address: `${id}:7400`,
    roles: [],
    zone: '',
    livenessPort: 0,
    incarnation: { generation: 1, refutation: 0 },
    state: 'alive',
    condition: 'ok',
  }
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
}
