// One of the two that are compared: three voters on loopback, each with a directory of its own and every write on disk before it is acknowledged.

import type { LoadReport, LoadVerb } from './load.ts'

/** Who is asked: the leader, or another voter. */
export type Place = 'leader' | 'follower'

export interface StoreSide extends AsyncDisposable {
  load(place: Place, verb: LoadVerb, clients: number, ms: number): Promise<LoadReport>
  /** SIGKILL of the leader; milliseconds to the first write that a survivor accepted. It is started again, and all agree. */
  killLeader(): Promise<number>
  /** Hands leadership to another voter under writes; the longest time without an accepted one, in milliseconds. */
  transfer(): Promise<number>
  /** SIGKILL of all, then all are started; milliseconds to the first accepted write. */
  coldStart(): Promise<number>
  /** Of each voter's process, in MB. */
  memory(): Promise<readonly number[]>
}

export interface StoreSideOptions {
  /** What stands before the command line of each voter. */
  readonly prefix: readonly string[]
}
