// Which release a simulated node runs. There are three: one that knows no levels, one that does, and one that has
// brought counters.

import { type ClusterCommand, type FeatureLevels, FIRST_LEVEL, featureLevels } from '../../../consensus/index.ts'

/** Of the latest release of the simulated world. */
export const LATEST_LEVEL = featureLevels.own + 1

/** What a node of that release knows. */
export function levelsOf(own: number): FeatureLevels {
  return { own, of: (type: ClusterCommand['type']) => (type === 'count' ? LATEST_LEVEL : featureLevels.of(type)) }
}

/** The releases that a world can begin with. */
export const ALL_LEVELS: readonly number[] = Array.from({ length: LATEST_LEVEL }, (_, index) => FIRST_LEVEL + index)
