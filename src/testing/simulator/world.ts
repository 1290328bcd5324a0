// Everything that the nodes of one run share: the network between them, time, the observer, what befalls them.

import type { Bug } from './bug.ts'
import type { Network } from './network.ts'
import type { Oracle } from './oracle.ts'
import type { Scenario } from './scenario.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

/** Everything a node shares with the rest of the simulated world. */
export interface World {
  readonly scenario: Scenario
  readonly schedule: Schedule
  readonly network: Network
  readonly oracle: Oracle
  readonly trace: Trace
  readonly bug: Bug | undefined
  readonly indexOf: (id: string) => number
  readonly idOf: (index: number) => string
  /** No fault begins any more. */
  readonly isCalm: () => boolean
  /** The release that the node of that index runs. */
  readonly levelOf: (index: number) => number
  /** The log of the node of that index. */
  readonly storeIdOf: (index: number) => string
  /** The node of that index made durable with whom it would found a cluster. */
  readonly intentBegan: (index: number) => void
}
