// Who answers (SWIM section 4.1): one round after the other on our own behalf, and pings on behalf of others. Times stretch
// with local health (Lifeguard section 4.1). A round that nobody answered ends in an accusation by this member, `silent`.

import type { MemberId } from '../types.ts'
import { accuse } from './belief.ts'
import { FirstLinks } from './first-links.ts'
import type { SwimMessage } from './messages.ts'
import { isPresent } from './order.ts'
import { ProbeRound } from './probe.ts'
import { ProbeOrder } from './probe-order.ts'
import { sample } from './sample.ts'
import { piggyback } from './spreading.ts'
import { announceStall, explainsSilence, type LivenessReport } from './stalled.ts'
import type { SwimState } from './state.ts'

/** A helper says `nack` after this share of the probe timeout, early enough to arrive within the period (Lifeguard section 4.1). */
const NACK_SHARE = 0.8

/** Every so many periods the target is one that this member monitors. A guess: with three monitors each member is asked some once in five periods times the number that one monitors. */
const MONITOR_TURNS = 16

/** Whoever was away for so long may have been suspected and called down meanwhile: the shortest suspicion of the `lan` profile. */
const LONG_ABSENCE_MS = 1_500

/** After an absence what waits in the sockets is read first. A guess. */
const READING_MS = 50

/** A ping on behalf of another member: what to answer, and to whom. */
interface Relay {
  readonly prober: MemberId
  readonly probe: number
  readonly target: MemberId
}

export class Probing {
  readonly #state: SwimState
  readonly #order: ProbeOrder
  readonly #monitored: ProbeOrder
  readonly #firstLinks = new FirstLinks()
  #neighbors: ReadonlySet<MemberId> = new Set()
  #turns = 0
  readonly #relays = new Map<number, Relay>()
  #round: ProbeRound | undefined
  #lastProbe = 0

  constructor(state: SwimState) {
    this.#state = state
    this.#order = new ProbeOrder(state.random)
    this.#monitored = new ProbeOrder(state.random)
  }

  /** The first round comes at a random moment of the period, so that members started together do not probe together. */
  start(now: number): void {
    this.#state.timers.set('probe', now + this.#state.health.probeIntervalMs() * this.#state.random())
  }

  setNeighbors(peers: readonly MemberId[], now: number): void {
    const { id, linked } = this.#state
    const neighbors = new Set(peers)
    neighbors.delete(id)
    this.#order.update(neighbors)
    this.#firstLinks.setNeighbors(this.#neighbors, neighbors, now)
    for (const peer of neighbors) if (linked.has(peer)) this.#firstLinks.linked(peer, now)
    this.#neighbors = neighbors
  }

  /** A link to `peer` is up. */
  linked(peer: MemberId, now: number): void {
    this.#firstLinks.linked(peer, now)
  }

  setMonitored(peers: readonly MemberId[]): void {
    this.#monitored.update(peers.filter((peer) => peer !== this.#state.id))
  }

  /** The period is over: judge its round, begin the next. */
  turn(now: number): void {
    this.#judge(now)
    const state = this.#state
    state.timers.set('probe', now + state.health.probeIntervalMs())
    const target = this.#next(now)
    const record = target === undefined ? undefined : state.table.get(target)
    if (!record) return
    this.#round = new ProbeRound(++this.#lastProbe, record.id, record.incarnation)
    this.#ping(record.id, this.#round.probe)
    state.timers.set('probe-timeout', now + state.health.probeTimeoutMs())
  }

  #next(now: number): MemberId | undefined {
    const isProbeable = (id: MemberId): boolean => id !== this.#state.id && this.#isProbeable(id)
    const monitored = ++this.#turns % MONITOR_TURNS === 0 ? this.#monitored.next(isProbeable) : undefined
    return monitored ?? this.#order.next((id) => isProbeable(id) && !this.#firstLinks.isAwaited(id, now))
  }

  /** The target did not answer directly: ask others, over whose paths it may. */
  askHelpers(): void {
    const round = this.#round
    if (!round || round.isAnswered) return
    const state = this.#state
    const record = state.table.get(round.target)
    if (record && record.livenessPort !== 0 && state.options.keepStalledMs > 0)
      state.emit({ type: 'unanswered', member: record })
    const able = [...state.linked].filter((id) => id !== round.target && state.table.get(id)?.state === 'alive')
    const helpers = sample(able, state.options.indirectProbes, state.random)
    round.ask(helpers)
    for (const helper of helpers) {
      const { probe, target } = round
      state.send(helper, { type: 'ping-req', probe, target, updates: piggyback(state, helper) })
    }
  }

  answer(from: MemberId, probe: number): void {
    const state = this.#state
    state.send(from, { type: 'ack', probe, target: state.id, updates: piggyback(state, from) })
  }

  /** `from` asks us to ping `target` in its place. */
  help(from: MemberId, request: Extract<SwimMessage, { type: 'ping-req' }>, now: number): void {
    const state = this.#state
    if (request.target === state.id) this.answer(from, request.probe)
    else if (this.#relays.size >= state.options.maxRelayedProbes) state.drop(from, 'relays-full')
    else this.#relay(from, request, now)
  }

  #relay(from: MemberId, request: Extract<SwimMessage, { type: 'ping-req' }>, now: number): void {
    const state = this.#state
    const number = ++this.#lastProbe
    this.#relays.set(number, { prober: from, probe: request.probe, target: request.target })
    this.#ping(request.target, number)
    state.timers.set(relayTimer(number), now + state.options.probeTimeoutMs * NACK_SHARE)
  }

  acknowledged(from: MemberId, { probe, target }: Extract<SwimMessage, { type: 'ack' }>): void {
    const state = this.#state
    const relay = this.#relays.get(probe)
    if (relay && relay.target === from && target === from) {
      this.#endRelay(probe)
      const updates = piggyback(state, relay.prober)
      state.send(relay.prober, { type: 'ack', probe: relay.probe, target, updates })
    } else if (this.#round?.ack(from, probe, target)) state.timers.clear('probe-timeout')
    else state.drop(from, 'unknown-probe')
  }

  refused(from: MemberId, { probe, target }: Extract<SwimMessage, { type: 'nack' }>): void {
    if (!this.#round?.nack(from, probe, target)) this.#state.drop(from, 'unknown-probe')
  }

  /** The liveness worker of `report.peer` answered in its place. */
  excused(report: LivenessReport, now: number): void {
    const state = this.#state
    if (!explainsSilence(state, report, now)) return
    if (this.#round?.target === report.peer) this.#round.excuse()
    announceStall(state, report, now)
  }

  /** The target of a relay did not answer us either. */
  giveUp(number: number): void {
    const relay = this.#relays.get(number)
    if (!relay) return
    this.#endRelay(number)
    const { prober, probe, target } = relay
    this.#state.send(prober, { type: 'nack', probe, target, updates: piggyback(this.#state, prober) })
  }

  /**
   * We did not listen for a while: nobody's silence meanwhile means anything. After a short absence the answers wait in the sockets, so
   * the round goes on for as long as was left of it; were it begun anew each time, it would never end where absences are frequent. After a
   * long one links are gone or about to be, with what was said on them: the round is void, and a sign against ourselves.
   */
  wasAway(ms: number, now: number): void {
    if (ms >= LONG_ABSENCE_MS) {
      this.#state.health.change(1)
      this.#startAfresh(now)
      return
    }
    const timers = ['probe', 'probe-timeout', ...[...this.#relays.keys()].map(relayTimer)]
    for (const timer of timers) this.#state.timers.postpone(timer, ms + READING_MS)
  }

  stop(): void {
    this.#round = undefined
    this.#relays.clear()
  }

  #startAfresh(now: number): void {
    this.#round = undefined
    this.#state.timers.clear('probe-timeout')
    for (const number of [...this.#relays.keys()]) this.#endRelay(number)
    this.#state.timers.set('probe', now + this.#state.health.probeIntervalMs())
  }

  #judge(now: number): void {
    const round = this.#round
    this.#round = undefined
    if (!round) return
    const state = this.#state
    state.timers.clear('probe-timeout')
    if (!state.rules.probeFailed(round.isAnswered)) {
      state.health.change(-1)
      return
    }
    const { target, incarnation } = round
    if (!this.#isPresent(target) || round.isExcused) return
    // Lifeguard section 4.1: each helper that said nothing at all is a sign against ourselves. With no helper to ask, the failure
    // itself is one, unless the link is gone: that we know, and it says nothing about how fast we are.
    if (round.askedHelpers) state.health.change(round.silentHelpers)
    else if (state.linked.has(round.target)) state.health.change(1)
    accuse(state, { type: 'accusation', member: target, incarnation, by: state.id, kind: 'silent' }, state.id, now)
  }

  #ping(target: MemberId, probe: number): void {
    this.#state.send(target, { type: 'ping', probe, updates: piggyback(this.#state, target) })
  }

  /**
   * Also one that is down while a link to it is up: a partition can be shorter than what breaks a connection and longer than a
   * suspicion. The ping tells it what is believed, so it refutes; if it stays silent nothing follows.
   */
  #isProbeable(id: MemberId): boolean {
    return this.#isPresent(id) || (this.#state.table.get(id)?.state === 'down' && this.#state.linked.has(id))
  }

  #isPresent(id: MemberId): boolean {
    const record = this.#state.table.get(id)
    return record !== undefined && isPresent(record)
  }

  #endRelay(number: number): void {
    this.#relays.delete(number)
    this.#state.timers.clear(relayTimer(number))
  }
}

function relayTimer(number: number): string {
  return `relay:${number}`
}
