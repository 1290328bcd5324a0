// Broadcasts that others have announced and that have not come (section 3.5). Each waits a while for the tree to bring
// it, then those who announced it are asked, one after the other, and their links join the tree.

import type { MemberId } from '../types.ts'
import { keyOf } from './broadcast-cache.ts'
import type { Announcement, BroadcastId } from './messages.ts'

/** One broadcast that is waited for. */
interface Awaited {
  readonly id: BroadcastId
  /** Hops by who announced it, in the order in which they did. */
  readonly announcers: Map<MemberId, number>
}

export class Missing {
  readonly #awaited = new Map<string, Awaited>()

  get size(): number {
    return this.#awaited.size
  }

  has(id: BroadcastId): boolean {
    return this.#awaited.has(keyOf(id))
  }

  add({ id, hops }: Announcement, announcer: MemberId): void {
    const key = keyOf(id)
    const awaited = this.#awaited.get(key) ?? { id, announcers: new Map() }
    awaited.announcers.set(announcer, hops)
    this.#awaited.set(key, awaited)
  }

  /** Who announced it in the fewest hops; undefined when nobody is left. */
  shortest(id: BroadcastId): { readonly announcer: MemberId; readonly hops: number } | undefined {
    let best: { announcer: MemberId; hops: number } | undefined
    for (const [announcer, hops] of this.#awaited.get(keyOf(id))?.announcers ?? [])
      if (best === undefined || hops < best.hops) best = { announcer, hops }
    return best
  }

  /** The next one to ask, who is then no longer in the list. By the key that its timer carries. */
  next(key: string): { readonly id: BroadcastId; readonly announcer: MemberId | undefined } | undefined {
    const awaited = this.#awaited.get(key)
    if (!awaited) return undefined
    for (const announcer of awaited.announcers.keys()) {
      awaited.announcers.delete(announcer)
      return { id: awaited.id, announcer }
    }
    return { id: awaited.id, announcer: undefined }
  }

  delete(id: BroadcastId): boolean {
    return this.#awaited.delete(keyOf(id))
  }

  /** It is no neighbor any more, so it cannot be asked. */
  forgetAnnouncer(peer: MemberId): void {
    for (const { announcers } of this.#awaited.values()) announcers.delete(peer)
  }
}
