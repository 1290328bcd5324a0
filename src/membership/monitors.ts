// Nobody unwatched (design rule 14). Where the overlay does not link everybody to everybody, each member has three
// monitors, by rendezvous hashing over those alive: they probe it slowly, wherever it is, so that a member is missed
// though all its neighbors died with it. A monitor also opens a link to whom it monitors when that one is suspect, and
// calls it again and again while it is down: so the halves of a network that is whole again find each other.

import { type MemberRecord, servedBy } from '../../topology/index.ts'
import type { Holds } from '../links/holds.ts'

/** Monitors of each member. */
const MONITORS = 3
/** The reason for which a monitor holds a link. */
const REASON = 'monitor'

export interface MonitorsOptions {
  readonly self: string
  readonly holds: Pick<Holds, 'hold' | 'release' | 'heldFor'>
}

export class Monitors {
  readonly #options: MonitorsOptions

  constructor(options: MonitorsOptions) {
    this.#options = options
  }

  /** Whom this member is to probe slowly; none when everybody is a neighbor of everybody. */
  update(members: readonly MemberRecord[], neighbors: readonly string[], isSparse: boolean): string[] {
    const { self, holds } = this.#options
    const monitored = isSparse ? this.#monitored(members) : []
    const doubtful = monitored.filter(({ state }) => state === 'suspect' || state === 'down').map(({ id }) => id)
    for (const peer of holds.heldFor(REASON)) if (!doubtful.includes(peer)) holds.release(peer, REASON)
    for (const peer of doubtful) holds.hold(peer, REASON, 'on-demand')
    const isWatched = new Set([...neighbors, self])
    return monitored.filter(({ id, state }) => state !== 'down' && !isWatched.has(id)).map(({ id }) => id)
  }

  #monitored(members: readonly MemberRecord[]): MemberRecord[] {
    const { self } = this.#options
    const alive = members.filter(({ state }) => state === 'alive').map(({ id }) => id)
    const others = members.filter(({ id, state }) => id !== self && state !== 'left')
    const own = new Set(
      servedBy(
        self,
        others.map(({ id }) => id),
        alive,
        MONITORS,
      ),
    )
    return others.filter(({ id }) => own.has(id))
  }
}
