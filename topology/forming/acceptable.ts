// What a founder says of a set is looked at only when it makes sense: who is in it, and in which order.

import type { MemberId } from '../types.ts'
import type { FormingSetup } from './forming.ts'
import { isSortedSet } from './ids.ts'
import type { FormingMessage } from './messages.ts'

/** The set is sorted and not too large; sender, this node where it must be, and founders, if any, are in it. */
export function isAcceptable(
  from: MemberId,
  message: Exclude<FormingMessage, { type: 'candidate' }>,
  { self, options }: Pick<FormingSetup, 'self' | 'options'>,
): boolean {
  const { type, set } = message
  if (set.length > options.maxFound || !isSortedSet(set) || !set.includes(from)) return false
  if (type !== 'formed' && !set.includes(self.id)) return false
  if (type !== 'formed' && type !== 'vouch') return true
  return message.founders.length === set.length && message.founders.every(({ id }, index) => id === set[index])
}
