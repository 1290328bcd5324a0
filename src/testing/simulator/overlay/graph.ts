// What an overlay looks like from above: who reaches whom, how far apart members are, how their links lie.

import type { MemberId } from '../../../../topology/index.ts'
import type { OverlayNode, OverlayWorld } from './world.ts'

/** Members that are alive and those among them whom each has for neighbors. */
export type Graph = ReadonlyMap<MemberId, readonly MemberId[]>

export function graphOf(world: OverlayWorld): Graph {
  const alive = world.alive()
  const isAlive = new Set(alive.map(({ id }) => id))
  return new Map(alive.map(({ id, overlay }) => [id, overlay.neighbors().filter((peer) => isAlive.has(peer))]))
}

/** Hops from `source` to everybody it reaches, itself included. */
export function distances(graph: Graph, source: MemberId): ReadonlyMap<MemberId, number> {
  const hops = new Map([[source, 0]])
  for (const [id, distance] of hops)
    for (const peer of graph.get(id) ?? []) if (!hops.has(peer)) hops.set(peer, distance + 1)
  return hops
}

/** Members that nobody in the largest part reaches. */
export function cutOff(graph: Graph): number {
  const left = new Set(graph.keys())
  let largest = 0
  for (const id of left) {
    const part = distances(graph, id)
    largest = Math.max(largest, part.size)
    for (const member of part.keys()) left.delete(member)
  }
  return graph.size - largest
}

/** Neighbors that do not have their neighbor: none when quiet. */
export function oneSided(graph: Graph): number {
  let count = 0
  for (const [id, peers] of graph) for (const peer of peers) if (!graph.get(peer)?.includes(id)) count++
  return count
}

/** How many members have how many others that have them for a neighbor. */
export function inDegrees(graph: Graph): ReadonlyMap<number, number> {
  const degrees = new Map([...graph.keys()].map((id) => [id, 0]))
  for (const peers of graph.values()) for (const peer of peers) degrees.set(peer, (degrees.get(peer) ?? 0) + 1)
  const counts = new Map<number, number>()
  for (const degree of [...degrees.values()].sort((one, other) => one - other))
    counts.set(degree, (counts.get(degree) ?? 0) + 1)
  return counts
}

/** Mean over members of the share of pairs of neighbors that are neighbors of each other. */
export function clustering(graph: Graph): number {
  let sum = 0
  for (const peers of graph.values()) {
    let pairs = 0
    for (const one of peers) for (const other of peers) if (one < other && graph.get(one)?.includes(other)) pairs++
    if (peers.length > 1) sum += pairs / ((peers.length * (peers.length - 1)) / 2)
  }
  return sum / graph.size
}

/** Mean and longest of the shortest ways from some members to all. */
export function pathLengths(
  graph: Graph,
  sources: readonly MemberId[],
): { readonly mean: number; readonly longest: number } {
  let sum = 0
  let count = 0
  let longest = 0
  for (const source of sources)
    for (const hops of distances(graph, source).values()) {
      sum += hops
      longest = Math.max(longest, hops)
      if (hops > 0) count++
    }
  return { mean: sum / Math.max(1, count), longest }
}

export interface Flood {
  /** Members reached, the source included. */
  readonly reached: number
  readonly hops: number
}

/** A message that everybody alive passes on to all neighbors. */
export function flood(world: OverlayWorld, source: OverlayNode): Flood {
  const hops = new Map([[source, 0]])
  let last = 0
  for (const [node, distance] of hops) {
    last = distance
    for (const id of node.overlay.neighbors()) {
      const peer = world.node(id)
      if (peer.isAlive && !hops.has(peer)) hops.set(peer, distance + 1)
    }
  }
  return { reached: hops.size, hops: last }
}
