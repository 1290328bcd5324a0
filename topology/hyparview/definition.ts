// HyParView as a kind of overlay, without the codec: the bytes are the runtime's.

import type { OverlayDefinition, OverlayEstimate } from '../overlay.ts'
import type { MemberRecord } from '../types.ts'
import { HyParView } from './hyparview.ts'
import type { HyParViewMessage } from './messages.ts'
import { hyParViewDefaults, hyParViewProblems, resolveHyParViewOptions } from './options.ts'

/** HyParView as a kind of overlay, its codec left out: parameters are those of `HyParViewOptions`. Every set of members can form it. */
export const hyParView: Omit<OverlayDefinition<HyParViewMessage>, 'codec'> = {
  name: 'hyparview',
  problems: hyParViewProblems,
  refusal: () => undefined,
  estimate: (members, parameters) => estimate(members, { ...hyParViewDefaults, ...parameters }.activeSize),
  create: ({ self, random, parameters }) =>
    new HyParView({ self, random, options: resolveHyParViewOptions(parameters) }),
}

/** In a random graph with d links each, almost everybody is within log n / log (d - 1) hops, and all within half as many more. */
function estimate(members: readonly MemberRecord[], activeSize: number): OverlayEstimate {
  const size = members.filter(({ state }) => state !== 'left').length
  const linksPerMember = Math.min(activeSize, Math.max(0, size - 1))
  const isMesh = size <= activeSize + 1
  const hops = isMesh
    ? Math.min(1, linksPerMember)
    : Math.ceil((1.5 * Math.log(size)) / Math.log(Math.max(2, activeSize - 1)))
  return { links: Math.floor((size * linksPerMember) / 2), linksPerMember, hops }
}
