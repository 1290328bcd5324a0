// HyParView as a kind of overlay, without the codec: the bytes are the runtime's.

import type { OverlayDefinition, OverlayEstimate } from '../overlay.ts'
import type { MemberRecord } from '../types.ts'
import { HyParView } from './hyparview.ts'
import type { HyParViewMessage } from './messages.ts'
import { hyParViewDefaults, hyParViewProblems, resolveHyParViewOptions } from './options.ts'

/**
 * HyParView as a kind of overlay, its codec left out: parameters are those of `HyParViewOptions`. Every set of members
 * can form it.
 */
export const hyParView: Omit<OverlayDefinition<HyParViewMessage>, 'codec'> = {
  name: 'hyparview',
  problems: hyParViewProblems,
  refusal: () => undefined,
  estimate: (members, parameters, voters) =>
    estimate(members, { ...hyParViewDefaults, ...parameters }.activeSize, voters.length),
  create: ({ self, random, parameters }) =>
    new HyParView({ self, random, options: resolveHyParViewOptions(parameters) }),
}

/**
 * In a random graph with d links each, almost everybody is within log n / log (d - 1) hops, and all within half as many
 * more. Voters keep links to each other besides: those pairs that are not neighbors by chance.
 */
function estimate(members: readonly MemberRecord[], activeSize: number, voters: number): OverlayEstimate {
  const size = members.filter(({ state }) => state !== 'left').length
  const neighbors = Math.min(activeSize, Math.max(0, size - 1))
  const isMesh = size <= activeSize + 1
  const hops = isMesh
    ? Math.min(1, neighbors)
    : Math.ceil((1.5 * Math.log(size)) / Math.log(Math.max(2, activeSize - 1)))
  const pinned = Math.max(0, voters - 1) * (size > 1 ? 1 - neighbors / (size - 1) : 0)
  const links = Math.floor((size * neighbors) / 2) + Math.round((voters * pinned) / 2)
  return { links, linksPerMember: neighbors + Math.round(pinned), hops }
}
