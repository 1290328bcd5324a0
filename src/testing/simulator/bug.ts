// What a planted bug can be: a rule of a core that is replaced, or a driver, a disk that does something else than it
// should.

import type { RaftRules } from '../../../consensus/index.ts'
import type { FormingRules, SwimRules } from '../../../topology/index.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { RecordFilter } from './disk.ts'
import type { Property } from './failure.ts'
import type { Focus } from './scenario.ts'
import type { Misapplication, Misreading } from './voter-setup.ts'

export interface Bug {
  readonly name: string
  /** Properties of which one must be seen broken. */
  readonly noticedBy: readonly Property[]
  /** The world in which it does harm soon. Default: any. */
  readonly focus?: Focus
  /** Rules of Raft and of hosting that it replaces, given the clocks of the node. */
  readonly raft?: (clock: Clock) => Partial<RaftRules>
  readonly swim?: Partial<SwimRules>
  readonly forming?: Partial<FormingRules>
  /** What the disk really writes. */
  readonly disk?: RecordFilter
  /** The driver says that a write is durable as soon as it was handed over. */
  readonly acknowledgesUnflushed?: boolean
  /** The driver reads the machine's state when it is written, not when it was to be captured. */
  readonly capturesLate?: boolean
  /** The driver says that a received snapshot is durable as soon as it was handed over. */
  readonly storesUnflushed?: boolean
  /** What the driver makes of a Raft message before the core sees it. */
  readonly misreads?: Misreading
  /** What the machine does with a command. */
  readonly misapplies?: Misapplication
  /** What the driver leaves out of a snapshot. */
  readonly capturesWithout?: 'sessions'
  /** By how much the leader lengthens a lease before it ends it, as a part of it. */
  readonly expiryDrift?: number
  /** The leader measures leases by the wall clock. */
  readonly expiresByWallClock?: boolean
  /** Users are served from whatever copy they meet. */
  readonly servesOldCopies?: boolean
  /** A watch is told that it is further than it is. */
  readonly skipsChanges?: boolean
  /** A leader proposes what it can apply itself. */
  readonly raisesLevelAlone?: boolean
  /** The driver does not notice that its process or machine stood still. */
  readonly ignoresAway?: boolean
  /** A receiver keeps the largest fencing token in memory only. */
  readonly forgetsFence?: boolean
}
