// What a voter is given, and whom it tells what.

import type { ClusterCommand, FeatureLevels, RaftMessage, RaftOptions, Random } from '../../consensus/index.ts'
import type { Distribution } from '../observability/distribution.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from '../runtime/clock.ts'
import type { Turn } from '../runtime/turn.ts'
import type { RecoveredLog } from '../storage/node-storage.ts'
import type { HostOrder } from './host-driver.ts'

/**
 * Held in memory until the next snapshot, as commands that take some four times as much, and read again at every start.
 * Fewer: a small machine is written again and again. A guess: as much as a busy cluster writes in a few seconds.
 */
export const defaultSnapshotBytes = 8 * 1024 * 1024

export interface VoterOptions {
  readonly self: string
  readonly log: RecoveredLog
  readonly raft: RaftOptions
  /** This member may host S5. Default: it may. */
  readonly mayHost?: () => boolean
  /** What this release can apply. Default: {@link featureLevels}. */
  readonly levels?: FeatureLevels
  /**
   * Bytes of commands in the log after which it is replaced by a snapshot, however few entries they are; as many as the
   * last snapshot has, if that is more. Default {@link defaultSnapshotBytes}.
   */
  readonly snapshotBytes?: number
  readonly clock: Time
  readonly random: Random
  readonly turn: Turn
  readonly send: (to: string, message: RaftMessage<ClusterCommand>) => void
  /** There is a link to this voter. */
  readonly isLinked: (voter: string) => boolean
  /** Role, term, leader, configuration, or what members go by in the machine changed. */
  readonly onChange: () => void
  /**
   * Nothing but what clients keep in the machine changed. Called within the step: work that follows from it has to
   * wait.
   */
  readonly onApplied: () => void
  /** S5 starts or stops here. A stop takes effect before anything else happens; what a drain answers is waited for. */
  readonly onHost: (order: HostOrder) => unknown
  readonly count: (reason: string) => void
  readonly flushes?: Pick<Distribution, 'record'>
  readonly logger: Logger
  /** The log cannot be written any more: the node must stop. */
  readonly onDiskFailure: (error: unknown) => void
}
