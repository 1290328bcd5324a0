// Values that members changed while they could not agree, merged when they can again. Changes come into the log in some
// order, each once; what they lead to must make sense in any: a sum, a set in which the change that comes last counts
// for its item, or the value that was written last by its writers' clocks.

/** What a member did to a key by itself. Values and items are JSON texts. */
export type MergeOperation =
  /** `counter`: the value is a number, 0 when the key is not there. */
  | { readonly type: 'merge-count'; readonly key: string; readonly add: number; readonly subtract: number }
  /** `set`: the value is a list without duplicates, in the order of the items' texts. */
  | { readonly type: 'merge-item'; readonly key: string; readonly item: string; readonly isIn: boolean }
  /**
   * `last-writer`: written at `at` by the clock of `by`; of two writes the later one stays, of simultaneous ones that
   * of the larger `by`.
   */
  | {
      readonly type: 'merge-latest'
      readonly key: string
      readonly value: string
      readonly at: number
      readonly by: string
    }

/** When a value of the strategy `last-writer` was written; a value that was set by other means has none. */
export interface WriterMark {
  readonly at: number
  readonly by: string
}

/**
 * The key's next value; `as-before`: it stays; `not-mergeable`: the value there is of another strategy, or the sum
 * would not be exact.
 */
export type Merged = { readonly value: string; readonly mark?: WriterMark } | 'as-before' | 'not-mergeable'

export function merge(
  operation: MergeOperation,
  before: { readonly value: string; readonly mark?: WriterMark } | undefined,
): Merged {
  switch (operation.type) {
    case 'merge-count':
      return counted(operation.add - operation.subtract, before?.value)
    case 'merge-item':
      return withItem(operation.item, operation.isIn, before?.value)
    case 'merge-latest': {
      const { value, at, by } = operation
      const mark = before?.mark
      const isLater = mark === undefined || at > mark.at || (at === mark.at && by > mark.by)
      return isLater ? { value, mark: { at, by } } : 'as-before'
    }
    default:
      operation satisfies never
      return 'not-mergeable'
  }
}

function counted(by: number, before: string | undefined): Merged {
  const number: unknown = before === undefined ? 0 : JSON.parse(before)
  const sum = typeof number === 'number' ? number + by : Number.NaN
  return Number.isSafeInteger(sum) ? { value: JSON.stringify(sum) } : 'not-mergeable'
}

function withItem(item: string, isIn: boolean, before: string | undefined): Merged {
  const list: unknown = before === undefined ? [] : JSON.parse(before)
  if (!Array.isArray(list)) return 'not-mergeable'
  const items = new Set(list.map((one) => JSON.stringify(one)))
  if (before !== undefined && items.has(item) === isIn) return 'as-before'
  if (isIn) items.add(item)
  else items.delete(item)
  return { value: `[${[...items].sort().join(',')}]` }
}
