// A member whose process lives and whose main thread does not turn (design rule 6): its liveness worker answers in its
// place. That explains silence, so a probe round that was answered so accuses nobody, and who has been still for long
// is announced `stalled`. It keeps its place for a bounded time only; then its silence counts as anybody's.

import type { MemberId } from '../types.ts'
import { adopt } from './adopt.ts'
import { isPresent } from './order.ts'
import type { SwimState } from './state.ts'

/** What a liveness worker answered. */
export interface LivenessReport {
  readonly peer: MemberId
  /** Of the process that answered. */
  readonly generation: number
  /** Milliseconds since its main thread turned. */
  readonly ageMs: number
}

/** True when the report explains why the member's present life does not answer, and it may still keep its place. */
export function explainsSilence(state: SwimState, { peer, generation, ageMs }: LivenessReport, now: number): boolean {
  const record = state.table.get(peer)
  if (!record || peer === state.id || !isPresent(record)) return false
  if (generation !== record.incarnation.generation) return false
  return state.rules.excusesSilence({
    ageMs,
    probeTimeoutMs: state.options.probeTimeoutMs,
    stalledForMs: state.stalled.forMs(peer, now),
    keepStalledMs: state.options.keepStalledMs,
  })
}

/** Announces the member as stalled once it has been so for long enough to matter to others. */
export function announceStall(state: SwimState, { peer, ageMs }: LivenessReport, now: number): void {
  const record = state.table.get(peer)
  if (record && record.condition !== 'stalled' && ageMs >= state.options.stalledAfterMs)
    adopt(state, { ...record, condition: 'stalled' }, now)
}
