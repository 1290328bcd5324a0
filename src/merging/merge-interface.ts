// Merging two clusters that formed separately, as `node.merge` and `POST /v1/merge` show it.

import type { UserData } from '../../consensus/index.ts'

/** Whose cluster stays: that of the node asked, or the one at the address given. */
export type MergeSide = 'ours' | 'theirs'

export interface MergeOptions {
  /** Which cluster stays. Default: the one that holds users' data; if neither does, the larger one. */
  readonly keep?: MergeSide | undefined
  /** Answer the plan, change nothing. Default false. */
  readonly dryRun?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the call gives up waiting. Default 60,000. What has begun goes on. */
  readonly timeoutMs?: number | undefined
}

/** One of the two clusters. */
export interface MergingCluster {
  readonly id: string
  /** Names of all that have not left. */
  readonly members: readonly string[]
  readonly alive: number
  readonly data: UserData
}

export interface MergePlan {
  readonly keep: MergeSide
  /** Its id, leader and data stay. */
  readonly stays: MergingCluster
  /** Its members rejoin the other one; its log and its data are dropped. */
  readonly dissolves: MergingCluster
  /** Empty entries that the log which stays needs, so that its fencing tokens are above all that the other gave out. */
  readonly emptyEntries: number
}

export interface MergeReport {
  /**
   * `moving`: it is decided, and the node asked goes over itself; ask again later. `merged`: all who were alive have
   * rejoined, but for `waiting`.
   */
  readonly outcome: 'planned' | 'merged' | 'moving' | 'already-merged'
  /** Absent when there is nothing left to plan. */
  readonly plan?: MergePlan
  readonly rejoined: readonly string[]
  readonly waiting: readonly string[]
  readonly durationMs: number
}
