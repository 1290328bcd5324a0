// What a switch would mean, without one: links and hops as both overlays estimate them, what they cost, and what could
// go wrong.

import type { MemberRecord, OverlayDefinition } from '../../topology/index.ts'
import { LINK_BYTES, LINK_MS } from './link-cost.ts'
import type { SwitchPlan } from './report.ts'

export function planOf(
  from: OverlayDefinition<unknown>,
  to: OverlayDefinition<unknown>,
  members: readonly MemberRecord[],
  voters: readonly string[],
): SwitchPlan {
  const now = from.estimate(members, {}, voters)
  const after = to.estimate(members, {}, voters)
  return {
    links: { now: now.links, after: after.links },
    linksPerMember: { now: now.linksPerMember, after: after.linksPerMember },
    hops: { now: now.hops, after: after.hops },
    cost: costOf(now, after, members.filter(({ state }) => state !== 'left').length),
    risks: risksOf(members, voters),
  }
}

type Estimate = ReturnType<OverlayDefinition<unknown>['estimate']>

/** As if no link served both overlays, but never more links than there are pairs. */
function costOf(now: Estimate, after: Estimate, size: number): SwitchPlan['cost'] {
  const linksToOpen = Math.max(0, Math.min(after.links, (size * (size - 1)) / 2 - now.links))
  const mebibytes = (links: number): number => (links * LINK_BYTES) / 2 ** 20
  return {
    linksToOpen,
    linksAtOnce: now.links + linksToOpen,
    processorMs: linksToOpen * 2 * LINK_MS,
    memberMebibytes: { now: mebibytes(now.linksPerMember), after: mebibytes(after.linksPerMember) },
  }
}

function risksOf(members: readonly MemberRecord[], voters: readonly string[]): string[] {
  const risks: string[] = []
  const named = (records: readonly MemberRecord[]): string => records.map(({ name }) => name).join(', ')
  const suspect = members.filter(({ state }) => state === 'suspect')
  const stalled = members.filter(({ state, condition }) => state === 'alive' && condition === 'stalled')
  const lost = members.filter(({ id, state }) => voters.includes(id) && (state === 'down' || state === 'left')).length
  if (suspect.length > 0) risks.push(`suspect, so not required; will adopt when back: ${named(suspect)}`)
  if (stalled.length > 0)
    risks.push(`stalled, and required: will abort the switch unless back in time: ${named(stalled)}`)
  if (voters.length - lost <= Math.floor(voters.length / 2) + 1)
    risks.push(
      `${voters.length - lost} of ${voters.length} voters are there: without one more no switch can be committed`,
    )
  return risks
}
