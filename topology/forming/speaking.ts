// What a node says while a cluster forms, and to whom: as long as it holds nothing, whom it found; then what it holds, until
// everybody knows; at last that the cluster is formed. All is said again at an interval, so that a lost word costs no more.

import type { MemberId } from '../types.ts'
import type { Situation } from './situation.ts'

/** Says to all whom it concerns where this node stands. */
export function speak(node: Situation, now: number): void {
  for (const peer of node.linked) speakTo(node, peer, now)
}

export function speakTo(node: Situation, peer: MemberId, now: number): void {
  const { expect, self } = node.setup
  if (node.attempt?.set.includes(peer)) tellHeld(node, peer)
  if (node.attempt || node.durable.type !== 'none' || node.pending || node.isOver) return
  const found = node.candidates.found(node.linked, now)
  node.send(peer, { type: 'candidate', expect, storeId: self.storeId, found })
}

/** Says what this node holds; while that is being changed it says nothing. */
export function tellHeld(node: Situation, to: MemberId): void {
  const { attempt, durable, pending, setup } = node
  if (!attempt || pending) return
  const { set, round } = attempt
  const answers = node.roundOf(to)
  attempt.toldIn(to, answers)
  if (durable.type === 'renounced') node.send(to, { type: 'renounce', set, round, answers })
  else node.send(to, { type: 'confirm', set, storeId: setup.self.storeId, round, answers })
}

/** To a founder that asks about a set which this node does not hold: that it may be released rests on it. */
export function tellNotHeld(node: Situation, to: MemberId, set: readonly MemberId[], answers: number): void {
  node.send(to, { type: 'renounce', set, round: 0, answers })
}

/** To whoever still tries to form a cluster, once this node has started one. */
export function tellFormed(node: Situation, to: MemberId): void {
  if (node.durable.type !== 'started') return
  const { set, founders } = node.durable
  node.send(to, { type: 'formed', set, founders, alive: node.isAlive })
}
