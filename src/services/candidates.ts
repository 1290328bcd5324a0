// The instances among which a call chooses. They are the same from call to call until members or services change, so
// what can be said of all of them is found once and kept.

import { bestOf } from './balance.ts'
import type { ServiceInstance } from './service-interface.ts'

/** An instance, and where it is called. */
export interface Target {
  readonly instance: ServiceInstance
  /** Id of the member that owns it. */
  readonly owner: string
  readonly number: number
}

export class Candidates {
  readonly targets: readonly Target[]
  #best: readonly ServiceInstance[] | undefined

  constructor(targets: readonly Target[]) {
    this.targets = targets
  }

  /** As {@link bestOf} finds them. */
  get best(): readonly ServiceInstance[] {
    this.#best ??= bestOf(this.targets.map(({ instance }) => instance))
    return this.#best
  }

  targetOf(instance: ServiceInstance | undefined): Target | undefined {
    return this.targets.find((target) => target.instance === instance)
  }

  /** Those that `accepts` accepts: mostly all. */
  only(accepts: (target: Target) => boolean): Candidates {
    return this.targets.every(accepts) ? this : new Candidates(this.targets.filter(accepts))
  }
}
