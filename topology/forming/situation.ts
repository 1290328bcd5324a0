// What the parts of forming share: what this node holds, whom it is linked to, what it heard of others, and the effects
// of the running step. The parts decide; this only keeps, and answers small questions.

import { Timers } from '../timers.ts'
import type { MemberId } from '../types.ts'
import type { Attempt } from './attempt.ts'
import { Candidates } from './candidates.ts'
import { Clusters } from './clusters.ts'
import type { FormingEffect, FormingEvent, FormingState } from './core.ts'
import type { FormingSetup } from './forming.ts'
import { sameSet } from './ids.ts'
import { Inquiries } from './inquiries.ts'
import type { FormingMessage } from './messages.ts'
import { type FormingRules, formingRules } from './rules.ts'

const MAX_ROUND = 2 ** 32 - 1

export class Situation {
  readonly setup: FormingSetup
  readonly rules: FormingRules
  readonly candidates: Candidates
  readonly clusters: Clusters
  readonly linked = new Set<MemberId>()
  /** Linked nodes that have started what this node holds, and said so: nobody needs to tell them. */
  readonly started = new Set<MemberId>()
  /** Whom of those it found each linked node was told last, and when. Only while this node holds nothing. */
  readonly told = new Map<MemberId, { readonly found: readonly MemberId[]; readonly at: number }>()
  /** Questions about the set of the present attempt. */
  readonly inquiries = new Inquiries()
  readonly timers = new Timers((effect) => this.#effects.push(effect))
  durable: FormingState
  /** The state that is being written. One at a time. */
  pending: { readonly ticket: number; readonly state: FormingState } | undefined
  /** Invariant: defined exactly while a set is held and Raft has not been started with it. */
  attempt: Attempt | undefined
  /** After a failed attempt nothing is taken before then. */
  restsUntil = Number.NEGATIVE_INFINITY
  /** Nothing is formed any more, but others may need to hear that we hold nothing. */
  isOver = false
  /** A leader of our own cluster is known. */
  isAlive = false
  /** Present rounds of other founders, as last heard; what we say answers them. At most `maxFound`. */
  readonly #rounds = new Map<MemberId, number>()
  #round: number
  #effects: FormingEffect[] = []

  constructor(setup: FormingSetup) {
    this.setup = setup
    this.rules = setup.rules ?? formingRules
    this.durable = setup.durable
    this.candidates = new Candidates(setup.self.id, setup.expect, setup.options, this.rules)
    this.clusters = new Clusters(setup.self, setup.options.maxFound)
    this.#round = 1 + Math.floor(setup.random() * (MAX_ROUND - 1))
  }

  /** A number no earlier round of this process had, nor, but for a vanishing chance, one of an earlier process. */
  nextRound(): number {
    this.#round = (this.#round % MAX_ROUND) + 1
    return this.#round
  }

  heardRound(peer: MemberId, round: number): void {
    if (round !== 0 && (this.#rounds.has(peer) || this.#rounds.size < this.setup.options.maxFound))
      this.#rounds.set(peer, round)
  }

  roundOf(peer: MemberId): number {
    return this.#rounds.get(peer) ?? 0
  }

  unlink(peer: MemberId): void {
    this.linked.delete(peer)
    this.started.delete(peer)
    this.told.delete(peer)
    this.candidates.forget(peer)
    this.inquiries.forget(peer)
    this.#rounds.delete(peer)
  }

  holds(set: readonly MemberId[]): boolean {
    return this.attempt !== undefined && sameSet(this.attempt.set, set)
  }

  isLinkedTo(set: readonly MemberId[]): boolean {
    return set.every((id) => id === this.setup.self.id || this.linked.has(id))
  }

  send(to: MemberId, message: FormingMessage): void {
    this.#effects.push({ type: 'send', to, message })
  }

  emit(event: FormingEvent): void {
    this.#effects.push({ type: 'emit', event })
  }

  persist(ticket: number, state: FormingState): void {
    this.#effects.push({ type: 'persist', ticket, state })
  }

  /** The effects of the step that ends; never kept. */
  takeEffects(): FormingEffect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }
}
