// The operational subsystems `s1/<unit>`: what one unit of the organisation does, in one place of the cluster, found
// and called by its name. A unit is a singleton of that name, with its lease, its fencing token and its hand-over
// (`src/coordination/singletons.ts`).

import type { NodeSingletons } from '../coordination/singleton-interface.ts'
import { ClusterError } from '../errors.ts'
import type { UnitFactory, UnitName } from './subsystem.ts'

/** Offers it. Throws `ERR_BAD_OPTIONS`, also for a unit that this node offers already. */
export function hostUnit(
  singletons: NodeSingletons,
  name: UnitName,
  factory: UnitFactory,
): Disposable & AsyncDisposable {
  const offer = singletons.host(name, factory)
  return {
    [Symbol.dispose]: () => void offer[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => offer[Symbol.asyncDispose](),
  }
}

/** Throws `ERR_BAD_OPTIONS` for what is neither `s5` nor a unit. */
export function checkedSubsystem(name: unknown): asserts name is 's5' | UnitName {
  if (name === 's5' || (typeof name === 'string' && /^s1\/./.test(name))) return
  const problem = `'${String(name)}' is no subsystem of this release: 's5' and 's1/<unit>' are`
  throw new ClusterError('ERR_BAD_OPTIONS', problem, { problems: [problem] })
}
