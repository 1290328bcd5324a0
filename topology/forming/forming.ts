// How fresh nodes that were started together form exactly one cluster (design rule 2). What a node holds goes one way:
//
//   none ──all agree──> intent ──all of the set confirmed──> started, for good
//    ^                     │ time is up, or a founder renounced        ^
//    └──a majority of the  v                                           │ hears that the set came alive all the same
//       voters do not   renounced ─────────────────────────────────────┘
//       hold it
//
// Each step is durable before anything rests on it. Why no two clusters can share a node: `rules.ts`. Promised, if
// faults stop: with exactly `expect` nodes, one cluster of all of them. With more, sets that share a node never both
// come alive; sets that share none can, if neither found the other in time. Who hears that others have started forms
// nothing beside them. A founder whose set can never come alive any more, for others of it started another, stays
// alone: its cluster id is refused everywhere, loudly, until its data directory is made anew.

import { invariant } from '../invariant.ts'
import type { MemberId, Random } from '../types.ts'
import { isAcceptable } from './acceptable.ts'
import { Attempt } from './attempt.ts'
import type { FormingEffect, FormingInput, FormingState, FormingView } from './core.ts'
import { byId, isSortedSet, sameSet } from './ids.ts'
import type { FormingMessage, Founder } from './messages.ts'
import { type FormingOptions, formingProblems } from './options.ts'
import { type FormingRules, votersOf } from './rules.ts'
import { Situation } from './situation.ts'
import { repeat, speak, speakTo, tellFormed, tellHeld, tellNotHeld } from './speaking.ts'

/** What forming needs to know of its node. */
export interface FormingSetup {
  readonly self: Founder
  /** How many founders the cluster must have; 1 forms at once, alone. */
  readonly expect: number
  /** What was durable when the process started; `{ type: 'none' }` on a fresh node. */
  readonly durable: FormingState
  /** As `resolveFormingOptions` returns them. */
  readonly options: FormingOptions
  /** The id of the cluster that a sorted set of ids forms; the same function on every node. */
  readonly clusterIdOf: (set: readonly MemberId[]) => string
  readonly random: Random
  /** For simulations that plant bugs. Default: the true ones. */
  readonly rules?: FormingRules
}

/** Nodes that were started together are found together: news of them is gathered so long, in milliseconds. */
const GATHER_MS = 10

type Candidate = Extract<FormingMessage, { type: 'candidate' }>
type Held = Extract<FormingMessage, { type: 'confirm' | 'renounce' }>
type Formed = Extract<FormingMessage, { type: 'formed' }>
type Inquire = Extract<FormingMessage, { type: 'inquire' }>
type Vouch = Extract<FormingMessage, { type: 'vouch' }>

/** Forming as one machine, on a node that does not know a cluster yet, and on founders for as long as they run. */
export class Forming {
  readonly #node: Situation
  readonly #mismatched = new Map<MemberId, number>()
  #ticket = 0

  /** Throws an `InvariantError` when `expect` or the options are out of range. */
  constructor(setup: FormingSetup) {
    const { expect, options } = setup
    invariant(Number.isInteger(expect) && expect >= 1, 'a cluster has at least one founder')
    invariant(formingProblems(options).length === 0, 'options were checked before')
    invariant(expect <= options.maxFound, 'as many founders can be found as are expected')
    this.#node = new Situation(setup)
  }

  /** Called once, before the first `step`: goes on with what is durable. */
  start(now: number): FormingEffect[] {
    this.#enter(now)
    return this.#node.takeEffects()
  }

  /** Takes one input. Never throws on what a remote sent; a broken invariant throws `InvariantError`. */
  step(input: FormingInput, now: number): FormingEffect[] {
    const node = this.#node
    switch (input.type) {
      case 'message':
        this.#receive(input.from, input.message, now)
        break
      case 'timer':
        this.#expire(input.timer, now)
        break
      case 'connected':
        node.linked.add(input.peer)
        speakTo(node, input.peer, now)
        break
      case 'disconnected':
        node.unlink(input.peer)
        this.#mismatched.delete(input.peer)
        break
      case 'persisted':
        if (node.pending && input.ticket >= node.pending.ticket) this.#becomeDurable(node.pending.state, now)
        break
      case 'alive':
        this.#setAlive(input.alive)
        break
      case 'companion':
        if (node.durable.type === 'started' && node.linked.has(input.peer)) node.started.add(input.peer)
        break
      default:
        input satisfies never
    }
    this.#consider(now)
    return node.takeEffects()
  }

  /** Where forming stands; a snapshot. A set that is being written counts as held. */
  view(): FormingView {
    const { pending, durable, attempt, candidates, linked, setup } = this.#node
    return {
      state: pending?.state.type === 'intent' ? pending.state : durable,
      expect: setup.expect,
      found: candidates.known(linked),
      confirmed: attempt ? [...attempt.confirmed].sort(byId) : [],
    }
  }

  // --- What is heard ---

  #receive(from: MemberId, message: FormingMessage, now: number): void {
    const node = this.#node
    if (message.type === 'candidate') this.#hearCandidate(from, message, now)
    else if (!isAcceptable(from, message, node.setup)) node.emit({ type: 'dropped', from, reason: 'bad-set' })
    else if (message.type === 'formed') this.#hearFormed(from, message, now)
    else if (message.type === 'vouch') this.#hearVouch(message, now)
    else if (message.type === 'inquire') this.#hearInquiry(from, message)
    else {
      node.heardRound(from, message.round)
      if (node.durable.type === 'started') tellFormed(node, from)
      else if (node.holds(message.set)) this.#hearOfOurSet(from, message, now)
      else this.#hearOfOtherSet(from, message, now)
    }
  }

  #hearCandidate(from: MemberId, { expect, found }: Candidate, now: number): void {
    const node = this.#node
    const { setup, candidates, linked } = node
    if (node.durable.type === 'started') tellFormed(node, from)
    else if (node.attempt) speakTo(node, from, now)
    else if (expect !== setup.expect) this.#noteMismatch(from, expect)
    else if (!isSortedSet(found) || found.length > setup.options.maxFound)
      node.emit({ type: 'dropped', from, reason: 'bad-set' })
    else {
      const before = candidates.found(linked, now)
      if (!candidates.report(from, found, now)) node.emit({ type: 'dropped', from, reason: 'too-many' })
      else this.#sayIfWorthIt(before, now)
    }
  }

  /**
   * Whom we found matters to others only once it is enough for a set; that we are there they were told when the link
   * came up.
   */
  #sayIfWorthIt(before: readonly MemberId[], now: number): void {
    const { candidates, linked, setup, timers } = this.#node
    const after = candidates.found(linked, now)
    if (after.length >= setup.expect && !sameSet(before, after) && !timers.isSet('speak'))
      timers.set('speak', now + GATHER_MS)
  }

  #hearOfOurSet(from: MemberId, message: Held, now: number): void {
    const { attempt, rules, durable } = this.#node
    if (!attempt) return
    if (rules.countsAnswer({ answers: message.answers, present: attempt.round })) {
      if (message.type === 'confirm') attempt.holds(from, message.storeId)
      else attempt.notHolding.add(from)
      // Round 0 only says "not yet"; but who renounced will not confirm before it was released, so waiting is in vain.
      if (message.type === 'renounce' && message.round !== 0 && durable.type === 'intent') this.#renounce(now)
      this.#proceed(now)
    }
    if (this.#node.attempt?.owes(from, message.round)) tellHeld(this.#node, from)
  }

  #hearOfOtherSet(from: MemberId, message: Held, now: number): void {
    const { durable, pending, isOver, setup, candidates } = this.#node
    const mayTake = durable.type === 'none' && !isOver && message.set.length === setup.expect
    if (message.type === 'renounce') candidates.unclaim(from, message.set)
    else if (mayTake) candidates.claim(from, message.set, now)
    // Who is writing this very set says that it holds it as soon as it does.
    const isTaking = pending?.state.type === 'intent' && sameSet(pending.state.set, message.set)
    if (this.#consider(now) || isTaking || message.round === 0) return
    tellNotHeld(this.#node, from, message.set, message.round)
  }

  /** It is answered when all have said in a round after this one that they hold the set. */
  #hearInquiry(from: MemberId, { set, round }: Inquire): void {
    const { attempt, durable, inquiries } = this.#node
    if (durable.type === 'started') tellFormed(this.#node, from)
    else if (attempt && durable.type === 'intent' && this.#node.holds(set)) inquiries.add(from, round, attempt.round)
  }

  #hearVouch({ set, founders, answers }: Vouch, now: number): void {
    const { attempt, durable, rules, clusters } = this.#node
    if (!attempt || durable.type !== 'intent' || !this.#node.holds(set) || !clusters.isOneOf(founders)) return
    if (!rules.countsAnswer({ answers, present: attempt.round })) return
    for (const { id, storeId } of founders) attempt.holds(id, storeId)
    this.#proceed(now)
  }

  #hearFormed(from: MemberId, message: Formed, now: number): void {
    const node = this.#node
    const { set, founders, alive } = message
    if (node.durable.type === 'started') {
      if (sameSet(node.durable.set, set)) node.started.add(from)
      return
    }
    if (node.isOver) return
    node.clusters.note(from, message)
    if (!node.holds(set)) {
      // Who has started another set will never hold ours.
      node.attempt?.notHolding.add(from)
    } else if (node.clusters.isOneOf(founders)) {
      node.started.add(from)
      // It has started, which it can never take back: as good as any confirmation, whatever it answers.
      for (const { id, storeId } of founders) if (id === from) node.attempt?.holds(id, storeId)
      if (node.rules.mayFollow(node.attempt?.set, set, alive)) this.#startWith(founders, now)
    }
    this.#renounceIfVain(now)
    this.#proceed(now)
  }

  // --- What follows ---

  /** With nothing held: is there a set to take? Says whether it took one. */
  #consider(now: number): boolean {
    const node = this.#node
    if (node.durable.type !== 'none' || node.pending || node.isOver) return false
    const prospect = node.clusters.prospect()
    if (prospect?.type === 'join') this.#endOutside(prospect)
    if (node.isOver || prospect?.type === 'wait' || now < node.restsUntil) return false
    const set = prospect ? this.#ifLinked(prospect.set) : this.#choose(now)
    if (!set) return false
    node.timers.clear('stable')
    this.#persist({ type: 'intent', set }, now)
    return true
  }

  #ifLinked(set: readonly MemberId[]): readonly MemberId[] | undefined {
    return this.#node.isLinkedTo(set) ? set : undefined
  }

  #choose(now: number): readonly MemberId[] | undefined {
    const { candidates, linked, timers } = this.#node
    const claimed = candidates.claimed(linked, now)
    if (claimed) return claimed
    const agreement = candidates.agreement(linked, now)
    if (agreement && now >= agreement.at) return agreement.set
    if (agreement) timers.set('stable', agreement.at)
    else timers.clear('stable')
    return undefined
  }

  /** With a set held: starts with it, or is released from it, when the others have said enough. */
  #proceed(now: number): void {
    const { attempt, durable, pending, rules } = this.#node
    if (!attempt || pending) return
    if (durable.type === 'intent' && rules.mayStart(attempt.set, attempt.confirmed)) this.#conclude(attempt, now)
    if (durable.type === 'renounced' && rules.mayRelease(attempt.set, attempt.notHolding))
      this.#persist({ type: 'none' }, now)
  }

  /** All hold the set: so it is said to those who asked in time, once more asked for those who did not, and started. */
  #conclude({ set, round }: Attempt, now: number): void {
    const node = this.#node
    const founders = node.attempt?.founders() ?? []
    const isInTime = (during: number): boolean => node.rules.mayVouch({ during, present: round })
    for (const [peer, answers] of node.inquiries.take(isInTime))
      node.send(peer, { type: 'vouch', set, founders, answers })
    // Who is not linked to all can ask nobody else for others.
    if (node.inquiries.size > 0 && node.isLinkedTo(set)) {
      this.#begin(set)
      speak(node, now)
    } else this.#startWith(founders, now)
  }

  /** A round in which the others are asked whether they hold the set that this node holds. */
  #begin(set: readonly MemberId[]): void {
    const node = this.#node
    node.attempt = new Attempt(set, node.nextRound())
    node.attempt.holds(node.setup.self.id, node.setup.self.storeId)
  }

  #startWith(founders: readonly Founder[], now: number): void {
    const { attempt, pending } = this.#node
    if (attempt && !pending) this.#persist({ type: 'started', set: attempt.set, founders }, now)
  }

  #renounce(now: number): void {
    const { durable, pending } = this.#node
    if (durable.type === 'intent' && !pending) this.#persist({ type: 'renounced', set: durable.set }, now)
  }

  /** Somebody has started a set that leaves no sense in ours. */
  #renounceIfVain(now: number): void {
    const prospect = this.#node.clusters.prospect()
    if (prospect && !(prospect.type === 'resume' && this.#node.holds(prospect.set))) this.#renounce(now)
  }

  #persist(state: FormingState, now: number): void {
    const node = this.#node
    invariant(!node.pending, 'one state is written at a time')
    const ticket = ++this.#ticket
    node.persist(ticket, state)
    if (node.rules.mustPersistFirst()) node.pending = { ticket, state }
    else this.#becomeDurable(state, now)
  }

  #becomeDurable(state: FormingState, now: number): void {
    const node = this.#node
    const before = node.durable
    const confirmed = before.type === 'intent' ? node.attempt : undefined
    node.pending = undefined
    node.durable = state
    if (before.type === 'renounced' && state.type === 'none') {
      node.emit({ type: 'released', set: before.set })
      // A random rest: the next attempt should not fail in the same way, nor attempts follow each other at the speed of
      // the disk.
      node.restsUntil = now + node.setup.options.candidateIntervalMs * (1 + node.setup.random())
    }
    this.#enter(now, confirmed)
  }

  /**
   * Begins with what is durable now; what was heard before it was does not count for it. `confirmed`: in which others
   * were told that this node holds the set.
   */
  #enter(now: number, confirmed?: Attempt): void {
    const node = this.#node
    const { durable, timers, setup } = node
    node.attempt = undefined
    node.inquiries.clear()
    node.told.clear()
    timers.clearAll()
    if (durable.type === 'started') {
      this.#emitFormed(durable)
      // Whoever has this node's answer misses at most those of others, and asks again if they do not come.
      const isServed = (peer: MemberId): boolean =>
        node.started.has(peer) || confirmed?.hasAnswered(peer, node.roundOf(peer)) === true
      for (const peer of durable.set) if (node.linked.has(peer) && !isServed(peer)) tellFormed(node, peer)
      return
    }
    node.started.clear()
    timers.set('repeat', now + node.candidates.intervalMs)
    if (durable.type === 'renounced') {
      node.attempt = new Attempt(durable.set, node.nextRound())
      node.attempt.notHolding.add(setup.self.id)
    }
    if (durable.type === 'intent') {
      this.#begin(durable.set)
      timers.set('form', now + setup.options.formTimeoutMs)
    }
    speak(node, now)
    this.#renounceIfVain(now)
    this.#proceed(now)
    this.#consider(now)
  }

  #expire(timer: string, now: number): void {
    const node = this.#node
    if (!node.timers.expires(timer, now)) return
    if (timer === 'form') this.#renounce(now)
    if (timer === 'repeat') node.timers.set('repeat', now + node.candidates.intervalMs)
    if (timer === 'repeat') repeat(node, now)
    if (timer === 'speak') speak(node, now)
  }

  #setAlive(isAlive: boolean): void {
    const node = this.#node
    const hasBecomeAlive = isAlive && !node.isAlive
    node.isAlive = isAlive
    // Founders that renounced wait for this word.
    if (hasBecomeAlive) for (const peer of node.linked) if (!node.started.has(peer)) tellFormed(node, peer)
  }

  #endOutside({ set, peer }: { readonly set: readonly MemberId[]; readonly peer: MemberId }): void {
    const node = this.#node
    node.isOver = true
    node.timers.clearAll()
    node.emit({ type: 'outside', set, clusterId: node.setup.clusterIdOf(set), peer })
  }

  #emitFormed({ set, founders }: Extract<FormingState, { type: 'started' }>): void {
    const clusterId = this.#node.setup.clusterIdOf(set)
    this.#node.emit({ type: 'formed', set, founders, voters: votersOf(set), clusterId })
  }

  #noteMismatch(peer: MemberId, expect: number): void {
    if (this.#mismatched.get(peer) === expect || this.#mismatched.size >= this.#node.setup.options.maxFound) return
    this.#mismatched.set(peer, expect)
    this.#node.emit({ type: 'mismatch', peer, expect })
  }
}
