// A change of what is believed, with all that follows from it: the table, the evidence held so far, the timer of a
// suspicion, what is to be told, the event, and room for what is remembered.

import { invariant } from '../invariant.ts'
import type { MemberId, MemberRecord } from '../types.ts'
import type { MemberChange } from './core.ts'
import { gather } from './gathering.ts'
import { compareIncarnations, isPresent } from './order.ts'
import type { SwimState } from './state.ts'
import { Suspicion } from './suspicion.ts'

/** Believes `after` from now on. It must differ from what was believed before. */
export function adopt(state: SwimState, after: MemberRecord, now: number): void {
  const before = state.table.get(after.id)
  if (before && state.rules.clearsAccusations(before.incarnation, after.incarnation)) dropEvidence(state, after.id)
  state.table.set(after)
  noteStall(state, after, now)
  if (after.state === 'suspect') suspicionOf(state, after, now)
  else if (after.state === 'down') closeSuspicion(state, after.id)
  else if (after.state === 'left') dropEvidence(state, after.id)
  state.queue.put({ type: 'record', record: after })
  if (!before) gather(state, after.id)
  state.hasNews = true
  state.mustJudge = true
  state.emit({
    type: 'member',
    before,
    after,
    reason: changeOf(before, after, after.id === state.id),
    accusers: isPresent(after) && after.state !== 'suspect' ? [] : (state.suspicions.get(after.id)?.accusers ?? []),
  })
  if (!isPresent(after)) makeRoom(state)
}

/** The evidence against a member in its present incarnation, begun now if there is none. Its timer is set. */
export function suspicionOf(state: SwimState, record: MemberRecord, now: number): Suspicion {
  const known = state.suspicions.get(record.id)
  if (known) return known
  const { options, table } = state
  const minMs =
    options.suspicionMultiplier * sizeFactor(table.present) * options.probeIntervalMs + state.health.loopDelayMs
  // As in memberlist: with fewer others than confirmations wanted, none is waited for.
  const wanted = Math.floor(options.suspicionMultiplier) - 2
  const expected = table.present - 2 < wanted ? 0 : wanted
  const bounds = { minMs, maxMs: minMs * options.maxSuspicionMultiplier, expected }
  const suspicion = new Suspicion(record.id, record.incarnation, bounds, now)
  state.suspicions.set(record.id, suspicion)
  setDeadline(state, suspicion)
  return suspicion
}

/**
 * By how much suspicions lengthen with the cluster. News is passed on as it comes, so a refutation is everywhere after
 * some round trips, and each member is probed as often in a large cluster as in a small one: nothing lengthens up to a
 * hundred members; a thousand make it half as long again. (memberlist: log10, for news there waits for the next drop of
 * gossip at each hop.)
 */
function sizeFactor(members: number): number {
  return Math.max(1, Math.log10(members) / 2)
}

/** Where the evidence puts the deadline now; later for a stalled member, which keeps its place for a while. */
export function deadlineOf(state: SwimState, suspicion: Suspicion): number {
  return Math.max(
    suspicion.deadline(state.rules.suspicionMs),
    state.stalled.keptUntil(suspicion.member, state.options.keepStalledMs),
  )
}

function noteStall(state: SwimState, { id, incarnation, condition, state: believed }: MemberRecord, now: number): void {
  const isStalled = condition === 'stalled' && (believed === 'alive' || believed === 'suspect')
  if (isStalled) state.stalled.note(id, incarnation, now)
  else state.stalled.clear(id)
  const suspicion = state.suspicions.get(id)
  if (isStalled && suspicion?.isOpen) setDeadline(state, suspicion)
}

/** Sets the timer to where the evidence puts the deadline now. */
export function setDeadline(state: SwimState, suspicion: Suspicion): void {
  invariant(suspicion.isOpen, 'a deadline belongs to an open suspicion')
  state.timers.set(suspicionTimer(suspicion.member), deadlineOf(state, suspicion))
}

export function suspicionTimer(member: MemberId): string {
  return `suspect:${member}`
}

/** Forgets a member and everything about it. */
export function forget(state: SwimState, id: MemberId): void {
  const member = state.table.get(id)
  if (!member || id === state.id) return
  dropEvidence(state, id)
  state.queue.dropRecord(id)
  state.table.delete(id)
  state.mustJudge = true
  state.emit({ type: 'forgotten', member })
}

function dropEvidence(state: SwimState, id: MemberId): void {
  closeSuspicion(state, id)
  state.suspicions.delete(id)
  state.stalled.clear(id)
}

/** The verdict stands, or a newer word does: nothing more is told against the member. */
function closeSuspicion(state: SwimState, id: MemberId): void {
  const suspicion = state.suspicions.get(id)
  if (!suspicion) return
  suspicion.isOpen = false
  state.queue.dropAccusations(id, suspicion.accusers)
  state.timers.clear(suspicionTimer(id))
}

/** Design rule 15: bounded by number, never by time; the one longest gone goes first, a pinned one never. */
function makeRoom(state: SwimState): void {
  let excess = state.table.goneCount - state.options.maxRememberedMembers
  if (excess <= 0) return
  for (const id of [...state.table.gone()]) {
    if (excess <= 0) return
    if (state.pinned.has(id) || id === state.id) continue
    forget(state, id)
    excess--
  }
}

function changeOf(before: MemberRecord | undefined, after: MemberRecord, isSelf: boolean): MemberChange {
  if (after.state === 'left' && before?.state !== 'left') return 'left'
  if (after.state === 'down' && before?.state !== 'down') return 'down'
  if (!before) return 'joined'
  if (after.incarnation.generation > before.incarnation.generation) return 'restarted'
  if (after.state === 'suspect' && before.state !== 'suspect') return 'suspect'
  if (before.condition !== after.condition && before.state === after.state) return 'condition'
  const wasAccused = isSelf || before.state !== 'alive'
  if (wasAccused && compareIncarnations(after.incarnation, before.incarnation) > 0 && after.state === 'alive')
    return 'refuted'
  return 'updated'
}
