// Why an end of a link holds it. Each end says so when the link comes up between two members, and whenever it changes.

import { choice, struct } from './codec.ts'
import { holdKindNumbers } from './message-numbers.ts'

/** The strongest reason of the sender. `none`: the receiver may close, unless it has one of its own. */
export type HoldKind = 'none' | 'on-demand' | 'overlay' | 'pinned'

export const hold = struct({ kind: choice<HoldKind>(holdKindNumbers) })
