// Raft: one agreed log among voters (Ongaro 2014). The signatures; the transitions follow.

import type { Effect, Input, RaftView } from './core.ts'
import { invariant } from './invariant.ts'
import type { RaftOptions } from './options.ts'
import type { RaftRules } from './rules.ts'
import type { DurableState, Random, VoterId } from './types.ts'

export interface RaftSetup<Command> {
  readonly self: VoterId
  /** All voters, `self` among them, without duplicates; 1, 3, 5 or 7. */
  readonly voters: readonly VoterId[]
  /** What the disk held. */
  readonly durable: DurableState<Command>
  readonly options: RaftOptions
  readonly random: Random
  /** For simulations that break a rule on purpose. Default: `paperRules`. */
  readonly rules?: RaftRules
}

export class Raft<Command> {
  readonly #setup: RaftSetup<Command>

  constructor(setup: RaftSetup<Command>) {
    this.#setup = setup
  }

  /** Sets the first timers; a single voter elects itself at once. Called once, before the first `step`. */
  start(_now: number): readonly Effect<Command>[] {
    invariant(this.#setup === undefined, 'the transitions are written')
    return []
  }

  /** Takes one input at time `now` (milliseconds, monotonic) and returns what the driver must do, in order. */
  step(_input: Input<Command>, _now: number): readonly Effect<Command>[] {
    invariant(this.#setup === undefined, 'the transitions are written')
    return []
  }

  /** What this voter knows, as plain data. */
  view(): RaftView {
    invariant(this.#setup === undefined, 'the transitions are written')
    return {
      role: 'follower',
      term: 0,
      leader: undefined,
      commitIndex: 0,
      lastIndex: 0,
      leaderSince: undefined,
      quorumAt: undefined,
    }
  }
}
