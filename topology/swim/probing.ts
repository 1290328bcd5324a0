// Who answers (SWIM section 4.1): one round after the other on our own behalf; `helping.ts` pings on behalf of others.
// Times stretch with local health (Lifeguard section 4.1). A round that nobody answered ends in an accusation by this
// member, `silent`.
//
// Two rounds may be under way: one of a neighbor, begun and judged in each period, and one of somebody whom this member
// monitors, to whom every message takes several links. Each of these may be as late as this end, so that one takes as
// many times longer, and holds up no other.

import type { MemberId } from '../types.ts'
import { accuse } from './belief.ts'
import { FirstLinks } from './first-links.ts'
import { Helping } from './helping.ts'
import type { SwimMessage } from './messages.ts'
import { isPresent } from './order.ts'
import { ProbeRound } from './probe.ts'
import { ProbeOrder } from './probe-order.ts'
import { sample } from './sample.ts'
import { piggyback } from './spreading.ts'
import { announceStall, explainsSilence, type LivenessReport } from './stalled.ts'
import type { SwimState } from './state.ts'

/**
 * Every so many periods one that this member monitors is probed, too. A guess: with three monitors each member is asked
 * some once in five periods times the number that one monitors.
 */
const MONITOR_TURNS = 16

/**
 * So many links it takes to reach whom this member has none to. A guess: a random graph of degree five has fewer up to
 * five hundred members.
 */
const FAR_LINKS = 4

/**
 * Whoever was away for so long may have been suspected and called down meanwhile: the shortest suspicion of the `lan`
 * profile.
 */
export const LONG_ABSENCE_MS = 1_500

/**
 * When the end of a round comes later than this, answers wait to be read. A member that is well may be as late as a
 * beat of the runtime, 150 ms.
 */
const LATE_MS = 200

/** After an absence what waits in the sockets is read first. A guess. */
const READING_MS = 50

/** One round at a time, and its timers. */
interface Course {
  readonly end: 'probe' | 'far-probe'
  readonly timeout: 'probe-timeout' | 'far-probe-timeout'
  /** How many times longer than to a neighbor everything takes. */
  readonly stretch: number
  round: ProbeRound | undefined
  begunAt: number
  /** When it is to be judged. */
  endsAt: number
  /** By how much this member's own lateness, and short absences, have lengthened the round. */
  postponedMs: number
  /** It asks for the second time. */
  isRepeated: boolean
}

export class Probing {
  readonly #state: SwimState
  readonly #order: ProbeOrder
  readonly #monitored: ProbeOrder
  readonly #firstLinks = new FirstLinks()
  #neighbors: ReadonlySet<MemberId> = new Set()
  #turns = 0
  readonly #helping: Helping
  readonly #near = courseOf('probe', 1)
  readonly #far = courseOf('far-probe', FAR_LINKS)
  #lastProbe = 0

  constructor(state: SwimState) {
    this.#state = state
    this.#order = new ProbeOrder(state.random)
    this.#monitored = new ProbeOrder(state.random)
    this.#helping = new Helping(state, (target) => this.#ping(target))
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
    if (this.#isTooSoon(this.#near, now)) return
    const { timers, health } = this.#state
    this.#judge(this.#near, now)
    timers.set('probe', now + health.probeIntervalMs())
    const isProbeable = (id: MemberId): boolean => id !== this.#state.id && this.#isProbeable(id)
    this.#begin(
      this.#near,
      this.#order.next((id) => isProbeable(id) && !this.#firstLinks.isAwaited(id, now)),
      now,
    )
    if (++this.#turns % MONITOR_TURNS === 0 && !this.#far.round)
      this.#beginFar(this.#monitored.next(isProbeable), false, now)
  }

  /**
   * The round of one that this member monitors is over. What passes over others may be lost where links change: silence
   * is asked about again.
   */
  judgeFar(now: number): void {
    if (this.#isTooSoon(this.#far, now)) return
    const { round, isRepeated } = this.#far
    if (!round || round.isAnswered || round.isExcused || isRepeated) this.#judge(this.#far, now)
    else {
      this.#end(this.#far)
      this.#beginFar(round.target, true, now)
    }
  }

  #beginFar(target: MemberId | undefined, isRepeated: boolean, now: number): void {
    this.#begin(this.#far, target, now)
    this.#far.isRepeated = isRepeated
    const { timers, health } = this.#state
    if (this.#far.round) timers.set(this.#far.end, now + health.probeIntervalMs() * FAR_LINKS)
  }

  #begin(course: Course, target: MemberId | undefined, now: number): void {
    const state = this.#state
    const record = target === undefined ? undefined : state.table.get(target)
    if (!record) return
    course.round = new ProbeRound(this.#ping(record.id), record.id, record.incarnation)
    course.begunAt = now
    course.endsAt = now + state.health.probeIntervalMs() * course.stretch
    state.timers.set(course.timeout, now + state.health.probeTimeoutMs() * course.stretch)
  }

  /** The target did not answer directly: ask others, over whose paths it may. */
  askHelpers(timeout: Course['timeout']): void {
    const { round } = timeout === this.#near.timeout ? this.#near : this.#far
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
    if (request.target === this.#state.id) this.answer(from, request.probe)
    else this.#helping.help(from, request, now)
  }

  acknowledged(from: MemberId, { probe, target }: Extract<SwimMessage, { type: 'ack' }>): void {
    if (this.#helping.acknowledged(from, probe, target)) return
    const course = this.#courses().find(({ round }) => round?.ack(from, probe, target))
    if (course) this.#state.timers.clear(course.timeout)
    else this.#state.drop(from, 'unknown-probe')
  }

  refused(from: MemberId, { probe, target }: Extract<SwimMessage, { type: 'nack' }>): void {
    if (!this.#courses().some(({ round }) => round?.nack(from, probe, target))) this.#state.drop(from, 'unknown-probe')
  }

  /** The liveness worker of `report.peer` answered in its place. */
  excused(report: LivenessReport, now: number): void {
    const state = this.#state
    if (!explainsSilence(state, report, now)) return
    for (const { round } of this.#courses()) if (round?.target === report.peer) round.excuse()
    announceStall(state, report, now)
  }

  /** The time is over for which somebody was asked on behalf of another. */
  expireHelp(probe: number, now: number): void {
    this.#helping.expire(probe, now)
  }

  /**
   * We did not listen for a while: nobody's silence meanwhile means anything. After a short absence the answers wait in
   * the sockets, so the round goes on for as long as was left of it. It is not begun anew, and lengthened only so far:
   * it would never end where one absence follows the other. After a long one links are gone or about to be, with what
   * was said on them: the round is void, and a sign against ourselves.
   */
  wasAway(ms: number, now: number): void {
    if (ms >= LONG_ABSENCE_MS) {
      this.#state.health.change(1)
      this.#startAfresh(now)
      return
    }
    for (const course of this.#courses()) {
      if (!course.round || course.round.isAnswered) continue
      const byMs = this.#lengthen(course, ms + READING_MS)
      course.endsAt += byMs
      for (const timer of [course.end, course.timeout]) this.#state.timers.postpone(timer, byMs)
    }
  }

  /**
   * The round is to be judged, and the time was not what it was to be: since it began this process has been later than
   * was known then, or its end itself comes late, with answers that wait to be read. Then it takes as much longer, and
   * whoever was not asked for help yet is.
   */
  #isTooSoon(course: Course, now: number): boolean {
    const { round, begunAt, endsAt, stretch } = course
    if (!round || round.isAnswered) return false
    const { health, timers } = this.#state
    const missingMs = begunAt + health.probeIntervalMs() * stretch + course.postponedMs - now
    const lateMs = now - endsAt
    const byMs = this.#lengthen(course, Math.max(missingMs, lateMs > LATE_MS ? lateMs : 0))
    if (byMs <= 0) return false
    if (!round.askedHelpers) this.askHelpers(course.timeout)
    course.endsAt = now + byMs
    timers.set(course.end, course.endsAt)
    return true
  }

  /** By how much the round may be longer still, of `ms`. */
  #lengthen(course: Course, ms: number): number {
    const mostMs = 2 * this.#state.options.maxLoopDelayMs * course.stretch
    const byMs = Math.max(0, Math.min(ms, mostMs - course.postponedMs))
    course.postponedMs += byMs
    return byMs
  }

  stop(): void {
    for (const course of this.#courses()) course.round = undefined
    this.#helping.stop()
  }

  #startAfresh(now: number): void {
    for (const course of this.#courses()) this.#end(course)
    this.#state.timers.clear(this.#far.end)
    this.#helping.stop()
    this.#state.timers.set('probe', now + this.#state.health.probeIntervalMs())
  }

  #judge(course: Course, now: number): void {
    const { round } = course
    this.#end(course)
    if (!round) return
    const state = this.#state
    if (!state.rules.probeFailed(round.isAnswered)) {
      state.health.change(-1)
      return
    }
    const { target, incarnation } = round
    if (!this.#isPresent(target) || round.isExcused) return
    // Lifeguard section 4.1: each helper that said nothing at all is a sign against ourselves. With no helper to ask,
    // the failure itself is one, unless the link is gone: that we know, and it says nothing about how fast we are.
    if (round.askedHelpers) state.health.change(round.silentHelpers)
    else if (state.linked.has(round.target)) state.health.change(1)
    accuse(state, { type: 'accusation', member: target, incarnation, by: state.id, kind: 'silent' }, state.id, now)
  }

  #end(course: Course): void {
    course.round = undefined
    course.postponedMs = 0
    this.#state.timers.clear(course.timeout)
  }

  #courses(): readonly Course[] {
    return [this.#near, this.#far]
  }

  /** Answers the number of the probe. */
  #ping(target: MemberId): number {
    const probe = ++this.#lastProbe
    this.#state.send(target, { type: 'ping', probe, updates: piggyback(this.#state, target) })
    return probe
  }

  /**
   * Also one that is down while a link to it is up: a partition can be shorter than what breaks a connection and longer
   * than a suspicion. The ping tells it what is believed, so it refutes; if it stays silent nothing follows.
   */
  #isProbeable(id: MemberId): boolean {
    return this.#isPresent(id) || (this.#state.table.get(id)?.state === 'down' && this.#state.linked.has(id))
  }

  #isPresent(id: MemberId): boolean {
    const record = this.#state.table.get(id)
    return record !== undefined && isPresent(record)
  }
}

function courseOf<Name extends 'probe' | 'far-probe'>(name: Name, stretch: number): Course {
  return {
    end: name,
    timeout: `${name}-timeout`,
    stretch,
    round: undefined,
    begunAt: 0,
    endsAt: 0,
    postponedMs: 0,
    isRepeated: false,
  }
}
