// One of the two that are compared: three voters on loopback, each with a directory of its own and every write on disk
// before it is acknowledged.

import type { Load, LoadReport } from './load.ts'

/** Who is asked: the leader, or another voter. */
export type Place = 'leader' | 'follower'

export interface StoreSide extends AsyncDisposable {
  load(place: Place, load: Load): Promise<LoadReport>
  /**
   * SIGKILL of the leader; milliseconds to the first write that a survivor accepted. It is started again, and all
   * agree.
   */
  killLeader(): Promise<number>
  /** Hands leadership to another voter under writes; the longest time without an accepted one, in milliseconds. */
  transfer(): Promise<number>
  /** SIGKILL of all, then all are started; milliseconds to the first accepted write. */
  coldStart(): Promise<number>
  /**
   * Nothing passes between the leader and the others for `cutMs`, while these go on under a leader of their own;
   * milliseconds from the healing to the moment at which the old one has what they wrote last. Only on a side that was
   * started with `canCut`.
   */
  healedLink(cutMs: number): Promise<number>
  /** Of each voter's process, in MB. */
  memory(): Promise<readonly number[]>
}

export interface StoreSideOptions {
  /** What stands before the command line of each voter. */
  readonly prefix: readonly string[]
  /**
   * Links between voters can be cut: for etcd they lead through the bench's process then, so nothing else is measured.
   */
  readonly canCut?: boolean
}
