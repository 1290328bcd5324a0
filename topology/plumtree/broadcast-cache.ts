// The broadcasts that a member has seen: the ids so that nothing is delivered twice, and the bytes of the latest of
// them so that others can be given what they miss. Both bounded by number, the bytes by size too; the oldest go first.

import type { Announcement, BroadcastId } from './messages.ts'
import type { PlumtreeOptions } from './options.ts'

/** A broadcast whose bytes are still here. */
export interface Cached extends Announcement {
  readonly payload: Uint8Array
  readonly at: number
}

export class BroadcastCache {
  readonly #options: PlumtreeOptions
  readonly #seen = new Set<string>()
  readonly #cached = new Map<string, Cached>()
  #bytes = 0

  constructor(options: PlumtreeOptions) {
    this.#options = options
  }

  has(id: BroadcastId): boolean {
    return this.#seen.has(keyOf(id))
  }

  get(id: BroadcastId): Cached | undefined {
    return this.#cached.get(keyOf(id))
  }

  add(entry: Cached): void {
    const { maxSeen, maxCached, maxCachedBytes } = this.#options
    const key = keyOf(entry.id)
    this.#seen.add(key)
    if (this.#seen.size > maxSeen) this.#seen.delete(first(this.#seen) as string)
    this.#cached.set(key, { ...entry, payload: alone(entry.payload) })
    this.#bytes += entry.payload.length
    while (this.#cached.size > maxCached || this.#bytes > maxCachedBytes) this.#forgetOldest()
  }

  /** The latest `count` since `since`, the oldest of them first. */
  recent(count: number, since: number): readonly Announcement[] {
    const recent = [...this.#cached.values()].filter(({ at }) => at >= since)
    return recent.slice(Math.max(0, recent.length - count)).map(({ id, hops }) => ({ id, hops }))
  }

  #forgetOldest(): void {
    const key = first(this.#cached.keys())
    if (key === undefined) return
    this.#bytes -= this.#cached.get(key)?.payload.length ?? 0
    this.#cached.delete(key)
  }
}

/** The same bytes in memory of their own: what they came in is larger, and would be kept with them. */
function alone(bytes: Uint8Array): Uint8Array {
  return bytes.length === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}

/** A broadcast as a key of maps. */
export function keyOf({ origin, generation, sequence }: BroadcastId): string {
  return `${sequence} ${generation} ${origin}`
}

function first<Item>(items: Iterable<Item>): Item | undefined {
  for (const item of items) return item
  return undefined
}
