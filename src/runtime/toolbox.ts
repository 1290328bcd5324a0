// What every part of a running node is handed: its clock, chance, its one door for turns, counts, and a place to write.

import type { Random } from '../../topology/index.ts'
import type { Distribution } from '../observability/distribution.ts'
import type { Logger } from '../observability/logger.ts'
import type { Time } from './clock.ts'
import type { Counters } from './counters.ts'
import type { Turn } from './turn.ts'

export interface Toolbox {
  readonly clock: Time
  readonly random: Random
  readonly turn: Turn
  readonly counters: Counters
  /** Takes how long each flush of the log took. */
  readonly flushes?: Distribution
  readonly logger: Logger
}
