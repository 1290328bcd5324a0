// The active view (sections 4.2 and 4.3): who is asked, who is taken, who is let go. Neighborship is agreed by a
// request and its answer, and from then on both ends have each other with one epoch; so views are symmetric, link by
// link.
//
//   candidate ──link──▶ asked ──accepted──▶ neighbor ──room needed──▶ draining ──its last word──▶ candidate
//                         │ refused: candidate            │ link lost: forgotten, replaced at once
//                         │ unreachable: forgotten        │ it said disconnect: candidate

import { sample } from '../swim/sample.ts'
import type { MemberId } from '../types.ts'
import type { HyParViewMessage } from './messages.ts'
import type { Attempt, State } from './state.ts'

type MessageOf<Type extends HyParViewMessage['type']> = Extract<HyParViewMessage, { type: Type }>

/** Asked at once while there is no neighbor at all: one of them will answer soon. */
const PARALLEL_WHEN_ISOLATED = 3

export class Neighborhood {
  readonly #state: State
  /** As far as is known, it has no place for another neighbor: it would refuse whoever is not alone. */
  readonly #isFull: (member: MemberId) => boolean
  /** Whether this member ever had a neighbor: the first way in is a join. */
  #hasJoined = false
  #retryMs: number

  constructor(state: State, isFull: (member: MemberId) => boolean) {
    this.#state = state
    this.#isFull = isFull
    this.#retryMs = state.options.retryIntervalMs
  }

  /**
   * Fills free places: with candidates, and with anybody known while there is no neighbor; and with anybody who is
   * known to have a free place, too, if `isLookingAround`: for that it goes through all.
   */
  fill(isLookingAround: boolean): void {
    const state = this.#state
    if (state.active.size >= state.target) {
      this.#retryMs = state.options.retryIntervalMs
      return
    }
    const asked = [...state.attempts.values()].filter(({ why }) => why !== 'merge').length
    const isAlone = state.active.size === 0
    // Of few members all are candidates, one whose link has just broken too.
    const mayAskAnybody = isAlone || isLookingAround || state.known.size <= state.options.passiveSize
    let free = state.target - state.active.size - asked
    if (isAlone) free = Math.min(free, PARALLEL_WHEN_ISOLATED - asked)
    for (; free > 0; free--) {
      const next = this.#candidate(isAlone) ?? (mayAskAnybody ? this.#anybody(isAlone) : undefined)
      if (next === undefined) break
      this.ask(next, this.#isToJoin() ? 'join' : 'neighbor')
    }
    if (state.refused.size > 0 && !state.timers.isSet('retry')) {
      state.timers.set('retry', state.now + this.#retryMs)
      this.#retryMs = Math.min(2 * this.#retryMs, state.options.shuffleIntervalMs)
    }
  }

  /** Makes a link to `peer`, over which it will be asked. */
  ask(peer: MemberId, why: Attempt['why']): void {
    const state = this.#state
    if (state.active.has(peer) || state.attempts.has(peer)) return
    const attempt: Attempt = { why, epoch: undefined }
    state.attempts.set(peer, attempt)
    state.timers.set(`attempt:${peer}`, state.now + state.options.attemptTimeoutMs)
    state.hold(peer, 0)
    if (state.linked.has(peer)) this.#request(peer, attempt)
  }

  connected(peer: MemberId): void {
    this.#state.linked.add(peer)
    const attempt = this.#state.attempts.get(peer)
    if (attempt) this.#request(peer, attempt)
  }

  /** An announced close leaves a candidate; any other one somebody who failed. */
  disconnected(peer: MemberId, announced: boolean): void {
    const state = this.#state
    state.linked.delete(peer)
    this.#endDraining(peer)
    const attempt = state.attempts.get(peer)
    if (attempt) attempt.epoch = undefined
    if (state.active.delete(peer) && announced) state.keepAsCandidate(peer, 0)
    state.letGo(peer)
  }

  /** It has left, or is believed down. */
  gone(peer: MemberId): void {
    const state = this.#state
    state.passive.delete(peer)
    state.active.delete(peer)
    this.#endAttempt(peer)
    this.#endDraining(peer)
    state.letGo(peer)
  }

  /** The attempt came to nothing: unreachable, or no answer in time. */
  failed(peer: MemberId): void {
    const state = this.#state
    if (!this.#endAttempt(peer)) return
    state.passive.delete(peer)
    state.refused.add(peer)
    state.letGo(peer)
  }

  drained(peer: MemberId): void {
    this.#endDraining(peer)
    this.#state.letGo(peer)
  }

  receiveJoin(from: MemberId, { epoch }: MessageOf<'join'>): void {
    const state = this.#state
    const isNew = !state.active.has(from)
    this.#take(from, epoch)
    state.send(from, { type: 'neighbor-reply', epoch, accepted: true })
    if (!isNew) return
    const message = { type: 'forward-join', member: from, timeToLive: state.options.activeWalkLength } as const
    for (const neighbor of state.active.keys()) if (neighbor !== from) state.send(neighbor, message)
  }

  receiveForwardJoin(from: MemberId, { member, timeToLive }: MessageOf<'forward-join'>): void {
    const state = this.#state
    if (member === state.self) return
    const next = state.randomNeighbor(from, member)
    if (next === undefined || state.rules.endsWalk(timeToLive, state.active.size)) {
      if (state.isWelcome(member)) this.ask(member, 'forward-join')
      return
    }
    if (timeToLive === state.options.passiveWalkLength) state.keepAsCandidate(member, 0)
    state.send(next, { type: 'forward-join', member, timeToLive: timeToLive - 1 })
  }

  receiveNeighbor(from: MemberId, { epoch, priority }: MessageOf<'neighbor'>): void {
    const state = this.#state
    const { active, options, rules } = state
    const accepted = active.has(from) || rules.accepts(priority, active.size, options)
    if (accepted) this.#take(from, epoch)
    else state.keepAsCandidate(from, 0)
    state.send(from, { type: 'neighbor-reply', epoch, accepted })
  }

  receiveReply(from: MemberId, { epoch, accepted }: MessageOf<'neighbor-reply'>): void {
    const state = this.#state
    const attempt = state.attempts.get(from)
    const current = state.active.get(from)
    if (attempt?.epoch !== epoch) {
      // The answer to a question that was given up: the other end must not think that we agreed.
      if (accepted && current === undefined) state.send(from, { type: 'disconnect', epoch })
      else if (accepted && current !== undefined) state.active.set(from, Math.max(current, epoch))
      return
    }
    this.#endAttempt(from)
    if (!accepted) {
      state.refused.add(from)
      state.letGo(from)
    } else if (current === undefined && attempt.why === 'neighbor' && state.active.size >= state.options.activeSize) {
      this.#dismiss(from, epoch)
    } else {
      this.#take(from, epoch)
    }
  }

  receiveDisconnect(from: MemberId, { epoch }: MessageOf<'disconnect'>): void {
    const state = this.#state
    const draining = state.draining.get(from)
    if (draining !== undefined && epoch >= draining) return void this.drained(from)
    const current = state.active.get(from)
    if (current === undefined) return
    if (state.rules.isLate(epoch, current)) return void state.drop('late-disconnect')
    state.active.delete(from)
    state.keepAsCandidate(from, 0)
    // Not asked back at once: it has just made room.
    state.refused.add(from)
    state.send(from, { type: 'disconnect', epoch })
    state.letGo(from)
  }

  receiveKeepAlive(from: MemberId, { epoch }: MessageOf<'keep-alive'>): void {
    const { active, attempts, draining, clock } = this.#state
    const current = active.get(from)
    if (current !== undefined) active.set(from, Math.max(current, epoch))
    else if (!attempts.has(from) && !draining.has(from)) this.#state.send(from, { type: 'disconnect', epoch: clock })
  }

  /** `peer` is a neighbor from now on, in the place of another one if there is none free. */
  #take(peer: MemberId, epoch: number): void {
    const state = this.#state
    const current = state.active.get(peer)
    if (current === undefined && state.active.size >= state.options.activeSize) {
      const leaving = state.randomNeighbor(peer)
      if (leaving !== undefined) this.#demote(leaving)
    }
    this.#hasJoined = true
    state.passive.delete(peer)
    state.active.set(peer, Math.max(current ?? 0, epoch))
    state.hold(peer, state.options.dialGraceMs)
    this.#endAttempt(peer)
    this.#endDraining(peer)
  }

  #demote(peer: MemberId): void {
    const state = this.#state
    const epoch = state.active.get(peer) ?? 0
    state.active.delete(peer)
    state.keepAsCandidate(peer, 0)
    this.#dismiss(peer, epoch)
  }

  /** The link stays until the other end has said its last word, and for a bounded time. */
  #dismiss(peer: MemberId, epoch: number): void {
    const state = this.#state
    state.draining.set(peer, epoch)
    state.timers.set(`drain:${peer}`, state.now + state.options.drainMs)
    state.send(peer, { type: 'disconnect', epoch })
  }

  #request(peer: MemberId, attempt: Attempt): void {
    const state = this.#state
    const epoch = state.nextEpoch()
    attempt.epoch = epoch
    if (attempt.why === 'join' || attempt.why === 'merge') return void state.send(peer, { type: 'join', epoch })
    const priority = state.active.size === 0 ? 'high' : 'low'
    state.send(peer, { type: 'neighbor', epoch, priority })
  }

  #endAttempt(peer: MemberId): boolean {
    this.#state.timers.clear(`attempt:${peer}`)
    return this.#state.attempts.delete(peer)
  }

  #endDraining(peer: MemberId): void {
    this.#state.timers.clear(`drain:${peer}`)
    this.#state.draining.delete(peer)
  }

  /** One join brings neighbors from all over the overlay, and each of them may have to make room. */
  #isToJoin(): boolean {
    return !this.#hasJoined && ![...this.#state.attempts.values()].some(({ why }) => why === 'join')
  }

  /** A request that is bound to be refused costs a link. Only who is alone is never refused. */
  #mayAsk(id: MemberId, isAlone: boolean): boolean {
    return this.#state.isFree(id) && (isAlone || !this.#isFull(id))
  }

  #candidate(isAlone: boolean): MemberId | undefined {
    return this.#state.passive.pick((id) => this.#mayAsk(id, isAlone))
  }

  #anybody(isAlone: boolean): MemberId | undefined {
    const { known, random } = this.#state
    return sample(
      [...known.keys()].filter((id) => this.#mayAsk(id, isAlone)),
      1,
      random,
    )[0]
  }
}
