// What a node says while a cluster forms, and to whom: as long as it holds nothing, whom it found; then what it holds,
// until everybody knows; at last that the cluster is formed. All is said again at an interval, so that a lost word
// costs no more.

import type { MemberId } from '../types.ts'
import { sameSet } from './ids.ts'
import type { Situation } from './situation.ts'

/**
 * Whoever was told the same before is told again after so many intervals: a link loses nothing, and what all say to all
 * is most of what a start takes. Well below the time after which a node that says nothing is forgotten.
 */
const UNCHANGED_INTERVALS = 3

/**
 * A node that is linked to all of the set answers; a node that is linked to more than so many is soon linked to all
 * itself.
 */
const MOST_ASKED = 5

/** Says to all whom it concerns where this node stands. */
export function speak(node: Situation, now: number): void {
  for (const peer of node.linked) speakTo(node, peer, now)
}

/** The same, but not to those who were told the very same a moment ago. */
export function repeat(node: Situation, now: number): void {
  const found = node.attempt ? [] : sayable(node, now)
  for (const peer of node.linked) {
    const told = node.told.get(peer)
    const isRecent = told !== undefined && now - told.at < UNCHANGED_INTERVALS * node.candidates.intervalMs
    if (node.attempt || !isRecent || !sameSet(told.found, found)) speakTo(node, peer, now)
  }
}

export function speakTo(node: Situation, peer: MemberId, now: number): void {
  const { expect, self } = node.setup
  if (node.attempt?.set.includes(peer)) tellHeld(node, peer)
  if (node.attempt || node.durable.type !== 'none' || node.pending || node.isOver) return
  const found = sayable(node, now)
  node.told.set(peer, { found, at: now })
  node.send(peer, { type: 'candidate', expect, storeId: self.storeId, found })
}

/** Too few for a set are of no use to anybody: then only that this node is there. */
function sayable(node: Situation, now: number): readonly MemberId[] {
  const { expect, self } = node.setup
  const found = node.candidates.found(node.linked, now)
  return found.length < expect ? [self.id] : found
}

/** Says what this node holds; while that is being changed it says nothing. */
export function tellHeld(node: Situation, to: MemberId): void {
  const { attempt, durable, pending, setup } = node
  if (!attempt || pending) return
  const { set, round } = attempt
  const answers = node.roundOf(to)
  attempt.toldIn(to, answers)
  if (durable.type === 'renounced') {
    node.send(to, { type: 'renounce', set, round, answers })
    return
  }
  // The question comes first: the word that follows may be the last one that the other waited for.
  if (asks(node, set).includes(to)) node.send(to, { type: 'inquire', set, round })
  node.send(to, { type: 'confirm', set, storeId: setup.self.storeId, round, answers })
}

/** Whom a node that is not linked to all of its set asks for the word of all: founders that hold it. */
function asks(node: Situation, set: readonly MemberId[]): readonly MemberId[] {
  if (node.isLinkedTo(set)) return []
  const holds = (id: MemberId): boolean => node.attempt?.hasConfirmed(id) === true || node.candidates.claims(id, set)
  return set.filter((id) => node.linked.has(id) && holds(id)).slice(0, MOST_ASKED)
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
