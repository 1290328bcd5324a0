// What simulated users send.

import type { Outgoing } from '../../../../topology/index.ts'

/** A user's message; `text` tells it from all others. */
export type SimulatedMessage = Outgoing & {
  readonly text: string
  readonly to: string
  readonly key: string
  readonly floor: number
}
