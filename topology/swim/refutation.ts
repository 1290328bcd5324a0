// What this member says of itself. Only it raises its own numbers: to refute what others believe of it (SWIM section
// 4.2), to announce a condition, and to leave, which it never takes back.

import type { MemberId, MemberRecord } from '../types.ts'
import { adopt } from './adopt.ts'
import { signed } from './signatures.ts'
import type { SwimState } from './state.ts'

/** Somebody said something about us. */
export function hearOfSelf(state: SwimState, told: MemberRecord, from: MemberId, now: number): void {
  const self = state.self
  const newer = told.incarnation.generation - self.incarnation.generation
  if (newer > 0) superseded(state, told, from)
  else if (newer < 0 || self.state === 'left') return
  else if (state.rules.mustRefute(self, told)) refute(state, told, now)
  // Old news of us that was refuted long ago: whoever still tells it has missed our answer.
  else if (told.state !== 'alive') state.send(from, { type: 'gossip', updates: [{ type: 'record', record: self }] })
}

/** Says something new about ourselves, in a higher incarnation of the same life. */
export function announce(
  state: SwimState,
  change: Partial<Pick<MemberRecord, 'state' | 'condition'>>,
  now: number,
): void {
  const { generation, refutation } = state.self.incarnation
  const said = { ...state.self, ...change, incarnation: { generation, refutation: refutation + 1 } }
  adopt(state, signed(state.signing, said), now)
}

function refute(state: SwimState, told: MemberRecord, now: number): void {
  const self = state.self
  const refutation = Math.max(self.incarnation.refutation, told.incarnation.refutation) + 1
  // Lifeguard section 4.1: being suspected is a sign that we are slow ourselves.
  state.health.change(1)
  adopt(state, signed(state.signing, { ...self, incarnation: { ...self.incarnation, refutation } }), now)
}

/**
 * We stop for it. Signed, it proves itself; unsigned, one member may be mistaken: where there are others, two must say
 * so.
 */
function superseded(state: SwimState, told: MemberRecord, from: MemberId): void {
  const { generation } = told.incarnation
  if (generation <= state.supersededBy) return
  state.supersededTellers.add(from)
  const others = state.table.all().filter((record) => record.id !== state.id && record.state !== 'left').length
  if (!state.signing && state.supersededTellers.size < Math.min(2, others)) return
  state.supersededBy = generation
  state.emit({ type: 'superseded', incarnation: told.incarnation })
}
