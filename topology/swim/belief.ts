// What becomes of a statement about a member: a record that somebody repeats, an accusation that somebody makes, a
// deadline that passes. Everything is judged by `rules.ts` and put into effect by `adopt.ts`.

import type { Incarnation, MemberId, MemberRecord } from '../types.ts'
import { adopt, deadlineOf, setDeadline, suspicionOf, suspicionTimer } from './adopt.ts'
import type { Update } from './messages.ts'
import { compareIncarnations, isPresent } from './order.ts'
import { hearOfSelf } from './refutation.ts'
import { attested } from './signatures.ts'
import { heardAgain } from './spreading.ts'
import type { SwimState } from './state.ts'

/**
 * Refutations of one life: one each millisecond for fifty days. Beyond it nobody is believed, so that a member can
 * always say one more.
 */
export const MAX_REFUTATION = 2 ** 32
/** Generations: one each second for as long as anybody will ask. */
export const MAX_GENERATION = 2 ** 40
/** By so many refutations others may be ahead of what a linked member has told itself. */
export const MAX_REFUTATION_LEAP = 1_000

export type Accusation = Extract<Update, { type: 'accusation' }>

/**
 * `from` says what it believes of a member. `isHearsay`: in a full exchange, so it may be old. False: a signature in it
 * does not hold, which no honest member passes on, so the rest of the message is not worth the work of testing more of
 * them.
 */
export function learn(state: SwimState, told: MemberRecord, from: MemberId, isHearsay: boolean, now: number): boolean {
  if (!isBelievable(told.incarnation)) {
    state.drop(from, 'not-believable')
    return true
  }
  const record = attested(state.signing, state.table.get(told.id), told)
  if (!record) {
    state.drop(from, 'not-signed')
    return told.signature === undefined
  }
  believe(state, record, from, isHearsay, now)
  return true
}

function believe(state: SwimState, record: MemberRecord, from: MemberId, isHearsay: boolean, now: number): void {
  if (record.id === state.id) {
    hearOfSelf(state, record, from, now)
    return
  }
  const mine = state.table.get(record.id)
  if (mine && isSame(mine, record)) {
    heardAgain(state, record.id)
    return
  }
  if (mine && from !== record.id && wouldSayItself(state, mine, record)) {
    state.drop(from, 'not-its-own')
    // It says otherwise, to all who may have believed it.
    if (record.state === 'left') tell(state, record.id, record)
    return
  }
  if (!mine) {
    if (hasRoom(state, record)) adopt(state, record, now)
    else state.drop(from, 'table-full')
    return
  }
  if (isHearsay && isOldVerdict(state, mine, record)) {
    // Whoever we are linked to can speak for itself: it is told, and refutes before anybody here need suspect it.
    tell(state, record.id, record)
    return
  }
  const after = state.rules.merge(mine, isHearsay ? state.rules.hearsay(mine, record) : record)
  if (after !== mine && !isSame(after, mine)) adopt(state, after, now)
  else if (!isHearsay && isOldAccusation(mine, record)) answerOldNews(state, mine, from)
}

/** Somebody has evidence against a member; perhaps this very member has. */
export function accuse(state: SwimState, accusation: Accusation, from: MemberId, now: number): void {
  const { member, incarnation } = accusation
  if (!isBelievable(incarnation)) {
    state.drop(from, 'not-believable')
    return
  }
  const record = state.table.get(member)
  const age = record ? compareIncarnations(incarnation, record.incarnation) : 0
  const isOfThisLife = record?.incarnation.generation === incarnation.generation
  // What we have not said nobody can accuse us in, once all that we say is signed.
  const isSaid = age <= 0 || record?.signature === undefined
  if (record && member === state.id && isOfThisLife && isSaid)
    hearOfSelf(state, { ...record, incarnation, state: 'suspect' }, from, now)
  // The record of that incarnation travels before the accusation; without it nobody knows whom it is about.
  else if (!record || age > 0) state.drop(from, 'unknown-member')
  else if (age < 0) answerOldNews(state, record, from)
  else if (isPresent(record)) countAccuser(state, record, accusation, from, now)
}

function countAccuser(
  state: SwimState,
  record: MemberRecord,
  accusation: Accusation,
  from: MemberId,
  now: number,
): void {
  const { member, by, kind } = accusation
  const known = state.suspicions.get(member)
  if (!state.rules.countsAccuser(known?.kindOf(by), kind, state.table.get(by), member)) return
  if (known && known.size >= state.options.maxAccusersPerMember && !known.kindOf(by)) {
    state.drop(from, 'accusers-full')
    return
  }
  const suspicion = suspicionOf(state, record, now)
  suspicion.count({ by, kind, at: now })
  if (record.state === 'alive') adopt(state, { ...record, state: 'suspect' }, now)
  setDeadline(state, suspicion)
  state.queue.put(accusation)
  state.hasNews = true
  state.mustJudge = true
}

/** Of what `from` believes of others, what is known better here. */
export function answerOldVerdicts(state: SwimState, theirs: readonly MemberRecord[], from: MemberId): void {
  const records = theirs.flatMap((record) => {
    const mine = state.table.get(record.id)
    return mine && isOldAccusation(mine, record) ? [mine] : []
  })
  if (records.length > 0) state.send(from, { type: 'push-pull', reply: false, records })
}

/** The time to refute may be over. */
export function expire(state: SwimState, member: MemberId, now: number): void {
  const suspicion = state.suspicions.get(member)
  if (!suspicion?.isOpen || !state.timers.expires(suspicionTimer(member), now)) return
  if (state.rules.isOver(now, deadlineOf(state, suspicion))) takeDown(state, member, now)
  else setDeadline(state, suspicion)
}

/**
 * Design rule 13: whose port enough observers saw refuse is down at once. Judged anew after every change, for a verdict
 * on one leaves fewer others that could confirm the next.
 */
export function judgeRefusals(state: SwimState, now: number): void {
  while (state.mustJudge) {
    state.mustJudge = false
    for (const suspicion of [...state.suspicions.values()]) {
      const accusers = suspicion.refused()
      if (!suspicion.isOpen || accusers === 0) continue
      const aliveOthers = state.table.alive - (state.table.get(suspicion.member)?.state === 'alive' ? 1 : 0)
      const count = { accusers, aliveOthers, size: state.table.present }
      if (state.rules.refusedIsEnough(count, state.options.refusedQuorum)) takeDown(state, suspicion.member, now)
    }
  }
}

function takeDown(state: SwimState, member: MemberId, now: number): void {
  const record = state.table.get(member)
  if (record && isPresent(record)) adopt(state, { ...record, state: 'down' }, now)
}

/**
 * Whoever accuses, or tells a verdict, and does not know what we know is told, so that it need not wait for a full
 * exchange.
 */
function answerOldNews(state: SwimState, record: MemberRecord, from: MemberId): void {
  if (from !== state.id) tell(state, from, record)
}

function tell(state: SwimState, to: MemberId, record: MemberRecord): void {
  state.send(to, { type: 'gossip', updates: [{ type: 'record', record }] })
}

/** A gone member that we never knew must not push out one that we did. */
function hasRoom(state: SwimState, record: MemberRecord): boolean {
  if (isPresent(record)) return state.table.present < state.options.maxMembers
  return state.table.goneCount < state.options.maxRememberedMembers || state.pinned.has(record.id)
}

/** Somebody calls down, in a full exchange, the very life that we believe in and are linked to. */
function isOldVerdict(state: SwimState, mine: MemberRecord, theirs: MemberRecord): boolean {
  return (
    theirs.state === 'down' &&
    isPresent(mine) &&
    theirs.incarnation.generation === mine.incarnation.generation &&
    state.linked.has(mine.id)
  )
}

/** It was suspected, or taken for down, in an incarnation that it has left behind. */
function isOldAccusation(mine: MemberRecord, theirs: MemberRecord): boolean {
  const isAgainstIt = theirs.state === 'suspect' || theirs.state === 'down'
  return isAgainstIt && compareIncarnations(theirs.incarnation, mine.incarnation) < 0
}

/**
 * That it left, that it lives another life, and no signature under it: a member that is alive and linked to us says so
 * over its link, or its link ends. So nobody else puts out a member that is there, by mistake or on purpose.
 */
function wouldSayItself(state: SwimState, mine: MemberRecord, theirs: MemberRecord): boolean {
  if (theirs.signature !== undefined || mine.state !== 'alive' || !state.linked.has(mine.id)) return false
  const { generation, refutation } = mine.incarnation
  const isLater = theirs.incarnation.generation > generation
  const isSameLife = theirs.incarnation.generation === generation
  const isAhead = isSameLife && theirs.incarnation.refutation > refutation + MAX_REFUTATION_LEAP
  return isLater || isAhead || (isSameLife && theirs.state === 'left')
}

function isBelievable({ generation, refutation }: Incarnation): boolean {
  return generation < MAX_GENERATION && refutation < MAX_REFUTATION
}

function isSame(left: MemberRecord, right: MemberRecord): boolean {
  return (
    left.state === right.state &&
    left.condition === right.condition &&
    (left.signature === undefined) === (right.signature === undefined) &&
    compareIncarnations(left.incarnation, right.incarnation) === 0 &&
    left.address === right.address &&
    left.name === right.name &&
    left.zone === right.zone &&
    left.livenessPort === right.livenessPort &&
    left.roles.length === right.roles.length &&
    left.roles.every((role, index) => role === right.roles[index])
  )
}
