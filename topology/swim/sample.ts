// Random choice among few or many, from the injected source only.

import type { Random } from '../types.ts'

/** Up to `count` of `items`, without repetition, each equally likely. */
export function sample<Item>(items: Iterable<Item>, count: number, random: Random): Item[] {
  const pool = [...items]
  const taken = Math.min(count, pool.length)
  for (let index = 0; index < taken; index++) {
    const other = index + Math.floor(random() * (pool.length - index))
    const item = pool[other] as Item
    pool[other] = pool[index] as Item
    pool[index] = item
  }
  return pool.slice(0, taken)
}
