// What one turn brings, gathered by stream, so that the core is told once for each stream and not once for each
// message. Most turns bring many of one stream in a row: those find it without a look-up.

import type { StreamEnd } from '../../topology/index.ts'
import type { ChannelName } from './lane.ts'

/** Items of one stream, in the order in which they were added. */
export interface Batch<Item> {
  readonly end: StreamEnd
  readonly items: Item[]
}

export class Batches<Item> {
  #batches = new Map<string, Batch<Item>>()
  #last: Batch<Item> | undefined

  add(peer: string, generation: number, channel: ChannelName, item: Item): void {
    const last = this.#last
    if (last !== undefined && isOf(last, peer, generation, channel)) {
      last.items.push(item)
      return
    }
    const name = `${channel} ${peer} ${generation}`
    let batch = this.#batches.get(name)
    if (batch === undefined) {
      batch = { end: { peer, generation, channel }, items: [] }
      this.#batches.set(name, batch)
    }
    batch.items.push(item)
    this.#last = batch
  }

  /** Items for `peer` on `channel`. */
  count(peer: string, channel: ChannelName): number {
    let sum = 0
    for (const { end, items } of this.#batches.values())
      if (end.peer === peer && end.channel === channel) sum += items.length
    return sum
  }

  /** All batches; from now on there are none. */
  take(): Iterable<Batch<Item>> {
    const batches = this.#batches
    if (batches.size > 0) this.#batches = new Map()
    this.#last = undefined
    return batches.values()
  }
}

function isOf({ end }: Batch<unknown>, peer: string, generation: number, channel: ChannelName): boolean {
  return end.peer === peer && end.generation === generation && end.channel === channel
}
