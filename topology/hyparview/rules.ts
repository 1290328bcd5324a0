// The decisions on which the health of the overlay rests, to be read beside the paper (Leitão, Pereira, Rodrigues
// 2007). They are gathered in one object so that a simulation can put a broken one in the place of a true one and must
// notice. Production code has no reason to pass anything but `hyParViewRules`.

import type { MemberId } from '../types.ts'
import type { HyParViewOptions } from './options.ts'

/** Every decision of HyParView that a simulation may break on purpose. */
export interface HyParViewRules {
  /** A `disconnect` of an epoch before that of the neighborship is about a former one: it must not isolate anybody. */
  isLate(epoch: number, current: number): boolean
  /** Section 4.1: a view holds neither its owner nor anybody twice, and nobody stands in both. */
  mayEnterPassive(id: MemberId, self: MemberId, isActive: boolean): boolean
  /** Section 4.3: a request of high priority is always accepted, one of low priority when there is room. */
  accepts(priority: 'high' | 'low', size: number, options: HyParViewOptions): boolean
  /** Design rule 20: nobody can have more neighbors than there are others alive. */
  target(aliveOthers: number, options: HyParViewOptions): number
  /** Section 4.3: a neighbor that failed is replaced at once, not at the next shuffle. */
  replacesAtOnce(): boolean
  /** Where a walk ends: no hops left, or nobody to send it on to. */
  endsWalk(timeToLive: number, activeSize: number): boolean
  /** Members that are believed down are called now and then: two halves of a healed network find each other. */
  callsTheDown(): boolean
}

/** The true rules. */
export const hyParViewRules: HyParViewRules = Object.freeze<HyParViewRules>({
  isLate: (epoch, current) => epoch < current,
  mayEnterPassive: (id, self, isActive) => id !== self && !isActive,
  accepts: (priority, size, { activeSize }) => priority === 'high' || size < activeSize,
  target: (aliveOthers, { activeSize }) => Math.min(activeSize, aliveOthers),
  replacesAtOnce: () => true,
  endsWalk: (timeToLive, activeSize) => timeToLive <= 0 || activeSize <= 1,
  callsTheDown: () => true,
})
