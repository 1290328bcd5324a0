import { invariant } from '../invariant.ts'
import type { Random } from '../types.ts'
import type { FormingEffect, FormingInput, FormingState, FormingView } from './core.ts'
import type { Founder } from './messages.ts'
import type { FormingOptions } from './options.ts'
import type { FormingRules } from './rules.ts'

export interface FormingSetup {
  readonly self: Founder
  /** How many founders the cluster must have; 1 forms at once, alone. */
  readonly expect: number
  /** What was durable when the process started; `{ type: 'none' }` on a fresh node. */
  readonly durable: FormingState
  readonly options: FormingOptions
  /** The id of the cluster that a sorted set of ids forms; the same function on every node. */
  readonly clusterIdOf: (set: readonly string[]) => string
  readonly random: Random
  /** For simulations that plant bugs. Default: the true ones. */
  readonly rules?: FormingRules
}

export class Forming {
  constructor(setup: FormingSetup) {
    invariant(setup.expect >= 1, 'a cluster has at least one founder')
  }

  /** Called once, before the first `step`. */
  start(_now: number): FormingEffect[] {
    return []
  }

  step(_input: FormingInput, _now: number): FormingEffect[] {
    return []
  }

  /** Where forming stands; a snapshot. */
  view(): FormingView {
    return { state: { type: 'none' }, expect: 1, found: [], confirmed: [] }
  }
}
