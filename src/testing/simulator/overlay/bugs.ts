// Planted bugs: mistakes that overlays and broadcast trees have made, each switched on by name. Each replaces one rule
// of a core; a trial that does not catch them is blind, so the tests let it catch every one.

import { type HyParViewRules, hyParViewRules, type PlumtreeRules, plumtreeRules } from '../../../../topology/index.ts'

export interface OverlayBug {
  readonly name: string
  readonly hyParView?: HyParViewRules
  readonly plumtree?: PlumtreeRules
}

export const overlayBugs: readonly OverlayBug[] = [
  /** A disconnect that comes late ends the neighborship that was agreed since. */
  { name: 'late-disconnect-obeyed', hyParView: { ...hyParViewRules, isLate: () => false } },
  /** A shuffle brings a member its own id, and it keeps it. */
  { name: 'self-as-candidate', hyParView: { ...hyParViewRules, mayEnterPassive: () => true } },
  /** A member that has nobody left is refused like any other. */
  {
    name: 'priority-ignored',
    hyParView: { ...hyParViewRules, accepts: (_priority, size, { activeSize }) => size < activeSize },
  },
  /** Three members look for five neighbors for ever. */
  { name: 'target-beyond-members', hyParView: { ...hyParViewRules, target: (_alive, { activeSize }) => activeSize } },
  /** A random walk goes on when its hops are used up. */
  { name: 'endless-walk', hyParView: { ...hyParViewRules, endsWalk: (_left, size) => size <= 1 } },
  /** Two halves that believe each other down wait for each other. */
  { name: 'halves-stay-apart', hyParView: { ...hyParViewRules, callsTheDown: () => false } },
  /** A neighbor that failed is missed until some timer fires. */
  { name: 'replaced-late', hyParView: { ...hyParViewRules, replacesAtOnce: () => false } },
  /** What was announced and did not come is not asked for. */
  { name: 'no-graft', plumtree: { ...plumtreeRules, grafts: () => false } },
  /** Links that bring copies stay in the tree. */
  { name: 'no-prune', plumtree: { ...plumtreeRules, prunes: () => false } },
  /** Nobody outside the tree hears what there is. */
  { name: 'no-announcement', plumtree: { ...plumtreeRules, announces: () => false } },
]

export function overlayBugNamed(name: string): OverlayBug | undefined {
  return overlayBugs.find((bug) => bug.name === name)
}
