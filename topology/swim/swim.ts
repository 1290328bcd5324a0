// Membership as one machine: every node knows every member, and what each verdict rests on. Das, Gupta, Motivala 2002
// (SWIM) with Dadgar, Phillips, Currey 2017 (Lifeguard). This file only dispatches:
//
//   ping, ping-req, ack, nack, timers ──> probing ──> accusation ─┐
//   gossip, push-pull, piggybacked updates ──────────────────────┼──> belief ──> table, events
//   about ourselves ──────────────────────> refutation <─────────┘       └─────> spreading ──> gossip
//
// Who is linked to whom is the overlay's; dialing, and re-dialing members that are down, is the runtime's.

import { invariant } from '../invariant.ts'
import type { MemberId, MemberRecord, Random } from '../types.ts'
import { deadlineOf, forget, setDeadline, suspicionOf } from './adopt.ts'
import { accuse, answerOldVerdicts, expire, judgeRefusals, learn } from './belief.ts'
import type { EvidenceView, SwimEffect, SwimInput } from './core.ts'
import { keepGathering, setGathering, tellNewcomers } from './gathering.ts'
import type { SwimMessage, Update } from './messages.ts'
import { type SwimOptions, swimProblems } from './options.ts'
import { isPresent } from './order.ts'
import { LONG_ABSENCE_MS, Probing } from './probing.ts'
import { announce } from './refutation.ts'
import { type SwimRules, swimRules } from './rules.ts'
import type { Signatures } from './signatures.ts'
import { accuseAll, gainedLink, lostLink, wasAwayAlone } from './solitude.ts'
import {
  exchange,
  gossipNews,
  greet,
  keepTrickling,
  pushTable,
  repeatVerdicts,
  scheduleExchange,
  tellAll,
  trickle,
} from './spreading.ts'
import { SwimState } from './state.ts'

/** What membership needs to know of its node. */
export interface SwimSetup {
  /** This member as it announces itself: alive, in a generation higher than any before. */
  readonly self: MemberRecord
  /**
   * Members remembered from an earlier life, at most as many as the options allow; more are left out. What they say of
   * `self` is ignored.
   */
  readonly known: readonly MemberRecord[]
  /** As `resolveSwimOptions` returns them. */
  readonly options: SwimOptions
  readonly random: Random
  /** Members never forgotten to make room; also an input. Default: none. */
  readonly pinned?: readonly MemberId[]
  /** For simulations that plant bugs. Default: the true ones. */
  readonly rules?: SwimRules
  /** How members prove what they say of themselves. Default: not at all. */
  readonly signing?: Signatures
}

/** Membership as one machine, on every node. */
export class Swim {
  readonly #state: SwimState
  readonly #probing: Probing

  /** Throws an `InvariantError` when `self` is not alive or the options are broken. */
  constructor({ self, known, options, random, pinned = [], rules = swimRules, signing }: SwimSetup) {
    invariant(self.state === 'alive', 'a member starts alive')
    invariant(swimProblems(options).length === 0, 'options were checked before')
    this.#state = new SwimState(self, options, random, rules, signing)
    this.#state.pinned = new Set(pinned)
    this.#probing = new Probing(this.#state)
    for (const record of known) this.#remember(record)
  }

  /** Called once, before the first `step`: sets the timers. */
  start(now: number): SwimEffect[] {
    this.#probing.start(now)
    scheduleExchange(this.#state, now)
    for (const record of this.#state.table.all()) if (record.state === 'suspect') suspicionOf(this.#state, record, now)
    return this.#state.takeEffects()
  }

  /** Takes one input. Never throws on what a remote sent; a broken invariant throws `InvariantError`. */
  step(input: SwimInput, now: number): SwimEffect[] {
    const state = this.#state
    if (state.hasLeft) this.#stepAfterLeaving(input)
    else {
      this.#take(input, now)
      judgeRefusals(state, now)
      keepGathering(state, now)
      if (state.hasNews) gossipNews(state, input.type === 'message' ? input.from : undefined, now)
      if (state.hasLeft) this.#stop()
    }
    state.hasNews = false
    return state.takeEffects()
  }

  /** Everyone known, self included, in the order in which they became known. */
  members(): readonly MemberRecord[] {
    return this.#state.table.all()
  }

  member(id: MemberId): MemberRecord | undefined {
    return this.#state.table.get(id)
  }

  /** What is held against a member in its present incarnation; undefined when nothing is. */
  evidenceView(id: MemberId): EvidenceView | undefined {
    const suspicion = this.#state.suspicions.get(id)
    return suspicion?.view(deadlineOf(this.#state, suspicion))
  }

  #take(input: SwimInput, now: number): void {
    const state = this.#state
    switch (input.type) {
      case 'message':
        this.#receive(input.from, input.message, now)
        break
      case 'timer':
        this.#expire(input.timer, now)
        break
      case 'connected':
        this.#connected(input.peer, now)
        break
      case 'disconnected':
        state.linked.delete(input.peer)
        lostLink(state, now)
        break
      case 'neighbors':
        state.wantedLinks = input.peers.length
        this.#probing.setNeighbors(input.peers, now)
        break
      case 'monitored':
        this.#probing.setMonitored(input.peers)
        break
      case 'gathering':
        setGathering(state, input.isOn)
        break
      case 'evidence':
        this.#observed(input.peer, input.generation, now)
        break
      case 'away':
        this.#wasAway(input.ms, now)
        break
      case 'loop-delay':
        state.health.measured(input.ms)
        break
      case 'liveness':
        this.#probing.excused(input, now)
        break
      case 'condition':
        if (state.self.condition !== input.condition) announce(state, { condition: input.condition }, now)
        break
      case 'leave':
        this.#leave(now)
        break
      case 'forget':
        forget(state, input.peer)
        break
      case 'pinned':
        state.pinned = new Set(input.members)
        break
      default:
        input satisfies never
    }
  }

  #receive(from: MemberId, message: SwimMessage, now: number): void {
    if (message.type === 'push-pull') {
      for (const record of message.records) if (!learn(this.#state, record, from, true, now)) return
      if (message.reply) pushTable(this.#state, from, false)
      else answerOldVerdicts(this.#state, message.records, from)
      return
    }
    // First what it says, then the answer: so the answer to a suspicion carries the refutation.
    this.#learnAll(message.updates, from, now)
    // Its exchange was lost with an earlier link: who it is need not wait for the next one.
    if (this.#state.linked.has(from) && !this.#state.table.get(from)) pushTable(this.#state, from, true)
    switch (message.type) {
      case 'ping':
        this.#probing.answer(from, message.probe)
        break
      case 'ping-req':
        this.#probing.help(from, message, now)
        break
      case 'ack':
        this.#probing.acknowledged(from, message)
        break
      case 'nack':
        this.#probing.refused(from, message)
        break
      case 'gossip':
        break
      default:
        message satisfies never
    }
  }

  #learnAll(updates: readonly Update[], from: MemberId, now: number): void {
    for (const update of updates) {
      if (update.type === 'accusation') accuse(this.#state, update, from, now)
      else if (!learn(this.#state, update.record, from, false, now)) return
    }
  }

  #expire(timer: string, now: number): void {
    const state = this.#state
    if (timer.startsWith('suspect:')) expire(state, timer.slice('suspect:'.length), now)
    else if (!state.timers.expires(timer, now)) return
    else if (timer === 'probe') {
      this.#probing.turn(now)
      repeatVerdicts(state)
    } else if (timer === 'probe-timeout' || timer === 'far-probe-timeout') this.#probing.askHelpers(timer)
    else if (timer === 'far-probe') this.#probing.judgeFar(now)
    else if (timer === 'gossip') trickle(state, now)
    else if (timer === 'newcomers') tellNewcomers(state)
    else if (timer === 'push-pull') exchange(state, now)
    else if (timer === 'alone') accuseAll(state, now)
    else if (timer.startsWith('relay:')) this.#probing.expireHelp(Number(timer.slice('relay:'.length)), now)
  }

  #connected(peer: MemberId, now: number): void {
    this.#state.linked.add(peer)
    gainedLink(this.#state)
    this.#probing.linked(peer, now)
    greet(this.#state, peer)
    keepTrickling(this.#state, now)
  }

  #observed(peer: MemberId, generation: number | undefined, now: number): void {
    const state = this.#state
    const record = state.table.get(peer)
    if (!record || peer === state.id) return
    // The closed link belonged to a life that is over anyway: no evidence against the present one.
    if (generation !== undefined && generation !== record.incarnation.generation) return
    const { incarnation } = record
    accuse(state, { type: 'accusation', member: peer, incarnation, by: state.id, kind: 'refused' }, state.id, now)
  }

  #wasAway(ms: number, now: number): void {
    const state = this.#state
    const awayMs = Math.max(0, ms)
    this.#probing.wasAway(awayMs, now)
    wasAwayAlone(state, awayMs, awayMs >= LONG_ABSENCE_MS, now)
    for (const suspicion of state.suspicions.values()) {
      if (!suspicion.isOpen) continue
      suspicion.extend(awayMs, awayMs >= LONG_ABSENCE_MS)
      setDeadline(state, suspicion)
    }
  }

  /** SWIM section 4.2 has no farewell; here it is a state of its own, told before the links close. */
  #leave(now: number): void {
    announce(this.#state, { state: 'left' }, now)
    this.#state.hasNews = false
    tellAll(this.#state, this.#state.self)
  }

  #stop(): void {
    this.#probing.stop()
    this.#state.timers.clearAll()
  }

  /** Until the process ends it still answers pings, so that nobody who missed the farewell accuses it. */
  #stepAfterLeaving(input: SwimInput): void {
    if (input.type === 'connected') pushTable(this.#state, input.peer, false)
    else if (input.type === 'message' && input.message.type === 'ping')
      this.#probing.answer(input.from, input.message.probe)
  }

  #remember(record: MemberRecord): void {
    const { table, options, id } = this.#state
    if (record.id === id || table.get(record.id)) return
    const hasRoom = isPresent(record)
      ? table.present < options.maxMembers
      : table.goneCount < options.maxRememberedMembers || this.#state.pinned.has(record.id)
    if (hasRoom) table.set(record)
  }
}
